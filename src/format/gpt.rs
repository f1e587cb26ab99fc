//! Disks with a table of partitions, in the form of the MBR or of GPT, which has an MBR before it for protection.

use super::keep::{le16, le32};
use super::{Format, Found, Violation};

const SECTOR: usize = 512;
const SIGNATURE: u16 = 0xAA55;
const ENTRIES: usize = 446;
const ENTRY: usize = 16;
const FIXED_DISK: u8 = 0xF8;
/// The type of the one partition that protects a GPT.
const PROTECTIVE: u8 = 0xEE;

pub(super) fn find(head: &[u8], size: u64) -> Option<Found> {
    let sector = head.get(..SECTOR)?;
    if le16(sector, 510)? != SIGNATURE || is_fat(sector) {
        return None;
    }
    let wrong = wrong_partitions(sector).map(|reason| Violation { check: "mbr", reason });
    Some(Found { violations: wrong.into_iter().collect(), ..Found::harmless(Format::Gpt, size) })
}

/// A FAT file system bears the same signature; it tells itself by two tables on a fixed disk.
fn is_fat(sector: &[u8]) -> bool {
    sector[0x10] == 2 && sector[0x15] == FIXED_DISK
}

fn wrong_partitions(sector: &[u8]) -> Option<&'static str> {
    let mut used = Vec::new();
    let mut protected = false;
    for (number, entry) in sector[ENTRIES..ENTRIES + 4 * ENTRY].chunks_exact(ENTRY).enumerate() {
        if !matches!(entry[0], 0x00 | 0x80) {
            return Some("a partition has an invalid boot flag");
        }
        let kind = entry[4];
        if kind != 0 {
            used.push(number);
        }
        if kind == PROTECTIVE {
            protected = true;
            if entry[1..4] != [0, 2, 0] {
                return Some("the partition that protects a GPT begins at another cylinder, head and sector");
            }
            if le32(entry, 8) != Some(1) {
                return Some("the partition that protects a GPT begins at another block");
            }
        }
    }
    if protected && used != [0] {
        return Some("beside the partition that protects a GPT are others");
    }
    used.is_empty().then_some("there are no partitions")
}
