//! QCOW2, and the first QCOW, which nobody should have any more.

use super::keep::{be32, be64};
use super::{Format, Found, Violation};

const MAGIC: &[u8] = b"QFI\xfb";
const HEADER: usize = 512;

/// Features that a reader must know, as far as they are known: dirty, corrupt, external data file, compression type.
const KNOWN_FEATURES: u64 = 0b1111;
const EXTERNAL_DATA: u64 = 0b0100;

pub(super) fn find(head: &[u8]) -> Option<Found> {
    let header = head.get(..HEADER).filter(|header| header.starts_with(MAGIC))?;
    let version = be32(header, 4)?;
    let backing_file = be64(header, 8)?;
    let size = be64(header, 24)?;
    let features = be64(header, 72)?;
    let violations = [
        Violation::when(backing_file != 0, "backing_file", "it has a backing file"),
        // Whatever the version: that of the second has no such field, but a careless reader may read it.
        Violation::when(features & EXTERNAL_DATA != 0, "data_file", "its data is in another file"),
        Violation::when(!matches!(version, 2 | 3), "unknown_features", "its version is not supported"),
        Violation::when(version == 3 && features & !KNOWN_FEATURES != 0, "unknown_features", "it has unknown features"),
    ];
    let violations = violations.into_iter().flatten().collect();
    Some(Found { violations, ..Found::harmless(Format::Qcow2, size) })
}
