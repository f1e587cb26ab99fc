//! VHDX: at 192 KiB stands a table of regions, one of which has a table of metadata, one of which is the size.

use super::keep::{Window, le16, le32, le64};
use super::{Format, Found};

const MAGIC: &[u8] = b"vhdxfile";
const REGIONS: std::ops::Range<usize> = 192 * 1024..256 * 1024;
const REGIONS_SIGNATURE: &[u8] = b"regi";
const REGIONS_HEADER: usize = 16;
const METADATA_SIGNATURE: &[u8] = b"metadata";
const METADATA_HEADER: usize = 32;
/// An entry of either table, in bytes, and how many there are at most.
const ENTRY: usize = 32;
const MOST_ENTRIES: usize = 2047;
/// A table of metadata with as many entries as there may be.
const TABLE: usize = METADATA_HEADER + MOST_ENTRIES * ENTRY;

/// 8B7CA206-4790-4B9A-B8FE-575F050F886E, as it is written.
const METADATA_REGION: [u8; 16] =
    [0x06, 0xA2, 0x7C, 0x8B, 0x90, 0x47, 0x9A, 0x4B, 0xB8, 0xFE, 0x57, 0x5F, 0x05, 0x0F, 0x88, 0x6E];
/// 2FA54224-CD1B-4876-B211-5DBED83BF4B8, as it is written.
const VIRTUAL_DISK_SIZE: [u8; 16] =
    [0x24, 0x42, 0xA5, 0x2F, 0x1B, 0xCD, 0x76, 0x48, 0xB2, 0x11, 0x5D, 0xBE, 0xD8, 0x3B, 0xF4, 0xB8];

/// How much of the head is needed when it begins like this.
pub(super) fn head_length(head: &[u8]) -> usize {
    if head.starts_with(MAGIC) { REGIONS.end } else { 0 }
}

/// What lies behind the head, at places that the head names.
#[derive(Debug, Default)]
pub(super) struct Tables {
    metadata: Option<Window>,
    size: Option<Window>,
}

impl Tables {
    /// Takes what is needed from a block at `at`; `head` has what it brought already.
    pub(super) fn feed(&mut self, head: &[u8], at: u64, block: &[u8]) {
        if self.metadata.is_none()
            && let Some(Region::At(offset)) = metadata_region(head)
        {
            let mut metadata = Window::new(offset, TABLE);
            metadata.feed(0, head);
            self.metadata = Some(metadata);
        }
        let Some(metadata) = &mut self.metadata else { return };
        metadata.feed(at, block);
        if metadata.is_full() && self.size.is_none() {
            self.size = item(&metadata.bytes).map(|item| item.window(head, metadata));
        }
        if let Some(size) = &mut self.size {
            size.feed(at, block);
        }
    }

    pub(super) fn kept(&self) -> usize {
        self.metadata.as_ref().map_or(0, |window| window.bytes.len())
            + self.size.as_ref().map_or(0, |window| window.bytes.len())
    }

    pub(super) fn find(mut self, head: &[u8], end: u64) -> Option<Found> {
        if !head.starts_with(MAGIC) {
            return None;
        }
        let sizeless = Found::harmless(Format::Vhdx, 0);
        let cut_off = Found::cut_off(Format::Vhdx);
        let Some(metadata) = self.metadata.take() else {
            // What the table of regions does not tell, nobody can look up; a reader will find that out by itself.
            let told = matches!(metadata_region(head), Some(Region::None));
            return Some(if told { sizeless } else { cut_off });
        };
        let Some(item) = item(&metadata.bytes) else {
            return Some(if metadata.is_full() { sizeless } else { cut_off });
        };
        if end < metadata.offset.saturating_add(item.offset).saturating_add(item.length) {
            return Some(cut_off);
        }
        let window = self.size.unwrap_or_else(|| item.window(head, &metadata));
        let size = if item.length == 8 { le64(&window.bytes, 0) } else { None };
        Some(Found { virtual_size: size, ..sizeless })
    }
}

/// Where the table of metadata is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Region {
    /// There is none.
    None,
    /// At this position.
    At(u64),
}

/// What the table of regions says; none while it is not all there.
fn metadata_region(head: &[u8]) -> Option<Region> {
    let table = head.get(REGIONS).filter(|_| head.starts_with(MAGIC))?;
    let count = usize::try_from(le32(table, 8)?).ok().filter(|&count| count <= MOST_ENTRIES);
    let Some(count) = count.filter(|_| table.starts_with(REGIONS_SIGNATURE)) else { return Some(Region::None) };
    let mut entries = table[REGIONS_HEADER..].chunks_exact(ENTRY).take(count);
    let Some(entry) = entries.find(|entry| entry.starts_with(&METADATA_REGION)) else { return Some(Region::None) };
    le64(entry, 16).map(Region::At)
}

/// Where the size of the disk is, seen from the table of metadata.
struct Item {
    offset: u64,
    length: u64,
}

impl Item {
    /// The window on it, with what of it is in the head, or in the table itself.
    fn window(&self, head: &[u8], metadata: &Window) -> Window {
        let mut window = Window::new(metadata.offset.saturating_add(self.offset), 8);
        window.feed(0, head);
        window.feed(metadata.offset, &metadata.bytes);
        window
    }
}

/// What the table of metadata says, if it is one and all of it is there.
fn item(table: &[u8]) -> Option<Item> {
    let count = usize::from(le16(table, 10)?);
    let entries = table.get(METADATA_HEADER..METADATA_HEADER + count * ENTRY)?;
    if !table.starts_with(METADATA_SIGNATURE) {
        return None;
    }
    let entry = entries.chunks_exact(ENTRY).find(|entry| entry.starts_with(&VIRTUAL_DISK_SIZE))?;
    let length = u64::from(le32(entry, 20)?).min(TABLE as u64);
    Some(Item { offset: u64::from(le32(entry, 16)?), length })
}
