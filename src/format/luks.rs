//! LUKS, of the first version: an encrypted disk behind a header. What is inside nobody here can see.

use super::keep::{be16, be32};
use super::{Format, Found, Violation};

const MAGIC: &[u8] = b"LUKS\xba\xbe";
/// The header, with its eight places for keys.
const HEADER: usize = 592;
/// The part of it that has the numbers.
const NUMBERS: usize = 168;
const SECTOR: u64 = 512;

pub(super) fn find(head: &[u8], size: u64) -> Option<Found> {
    if !head.starts_with(MAGIC) {
        return None;
    }
    if head.len() < NUMBERS {
        return Some(Found { virtual_size: None, ..Found::cut_off(Format::Luks) });
    }
    let version = be16(head, 6)?;
    let payload = u64::from(be32(head, 104)?) * SECTOR;
    let wrong = Violation::when(version != 1, "version", "its version is not supported");
    Some(Found {
        format: Format::Luks,
        complete: head.len() >= HEADER,
        // compat: a disk whose data would begin behind its end has no size, and not one below zero.
        virtual_size: Some(size.saturating_sub(payload)),
        violations: wrong.into_iter().collect(),
    })
}
