//! QED: known, and never safe, because nobody supports it.

use super::{Format, Found, Violation};

const MAGIC: &[u8] = b"QED\0";
const HEADER: usize = 512;

pub(super) fn find(head: &[u8]) -> Option<Found> {
    head.get(..HEADER).filter(|header| header.starts_with(MAGIC))?;
    // Nobody gets to see a size; the reference counts bytes here, and we need not.
    let banned = Violation { check: "banned", reason: "the format is not allowed" };
    Some(Found { violations: vec![banned], ..Found::harmless(Format::Qed, 0) })
}
