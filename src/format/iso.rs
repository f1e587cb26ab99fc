//! ISO 9660, and UDF, which begins in the same way.

use super::keep::{le16, le32};
use super::{Format, Found};

/// Where the first volume descriptor stands, and how long it is.
const DESCRIPTOR: std::ops::Range<usize> = 32 * 1024..34 * 1024;
const IDENTIFIERS: [&[u8]; 3] = [b"CD001", b"NSR02", b"NSR03"];
const PRIMARY: u8 = 1;

pub(super) fn find(head: &[u8]) -> Option<Found> {
    let descriptor = head.get(DESCRIPTOR)?;
    if !IDENTIFIERS.contains(&&descriptor[1..6]) {
        return None;
    }
    // Both numbers stand there in both orders of bytes, the low one first.
    let size = match descriptor[0] {
        PRIMARY => u64::from(le32(descriptor, 80)?) * u64::from(le16(descriptor, 128)?),
        _ => 0,
    };
    Some(Found::harmless(Format::Iso, size))
}
