//! VMDK: a header with a descriptor behind it, or a descriptor alone. The descriptor is text that names where the data
//! is, and could name any file: only what is all in one file is safe.

use super::keep::{TAIL, le32, le64};
use super::{Format, Found, Violation};

const MAGIC: &[u8] = b"KDMV";
const SECTOR: usize = 512;
/// The part of the header that has the numbers.
const NUMBERS: usize = 64;
/// Where the descriptor stands, in sectors: QEMU knows no other place.
const DESCRIPTOR_SECTOR: u64 = 1;
/// The most that is read of a descriptor, as by QEMU.
const DESCRIPTOR_MOST: usize = (1 << 20) - 1;
/// Where the header says that a footer goes before it.
const AT_END: u64 = u64::MAX;
const FOOTER_MARKER: u32 = 3;
const END_MARKER: u32 = 0;
/// The kinds of which all is in one file.
const SELF_CONTAINED: [&str; 2] = ["monolithicsparse", "streamoptimized"];
/// The longest name of a kind that is believed to be one.
const KIND_MOST: usize = 63;

/// How much of the head is needed when it begins like this.
pub(super) fn head_length(head: &[u8]) -> usize {
    match Header::read(head) {
        Some(header) if header.is_supported() => SECTOR + header.descriptor_length(),
        None if is_text(head) => DESCRIPTOR_MOST,
        _ => 0,
    }
}

pub(super) fn find(head: &[u8], tail: &[u8]) -> Option<Found> {
    match Header::read(head) {
        Some(header) => Some(sparse(&header, head, tail)),
        None if head.starts_with(MAGIC) => Some(Found::cut_off(Format::Vmdk)),
        None => bare_descriptor(head),
    }
}

/// What is read of the header, and of the footer, which is the same in another place.
struct Header {
    version: u32,
    sectors: u64,
    descriptor_sector: u64,
    descriptor_sectors: u64,
    directory: u64,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..NUMBERS).filter(|bytes| bytes.starts_with(MAGIC))?;
        Some(Self {
            version: le32(bytes, 4)?,
            sectors: le64(bytes, 12)?,
            descriptor_sector: le64(bytes, 28)?,
            descriptor_sectors: le64(bytes, 36)?,
            directory: le64(bytes, 56)?,
        })
    }

    fn is_supported(&self) -> bool {
        matches!(self.version, 1..=3) && self.descriptor_sector == DESCRIPTOR_SECTOR
    }

    fn descriptor_length(&self) -> usize {
        let length = usize::try_from(self.descriptor_sectors).ok().and_then(|sectors| sectors.checked_mul(SECTOR));
        length.map_or(DESCRIPTOR_MOST, |length| length.min(DESCRIPTOR_MOST))
    }

    fn has_footer(&self) -> bool {
        self.directory == AT_END
    }
}

/// A header and a descriptor.
fn sparse(header: &Header, head: &[u8], tail: &[u8]) -> Found {
    if !header.is_supported() {
        // The reference stops here, before or after it knew of a footer, which it then misses.
        let footer_missed = header.has_footer() && matches!(header.version, 1..=3);
        let violations = vec![NO_DESCRIPTOR];
        return Found { complete: !footer_missed, violations, ..Found::harmless(Format::Vmdk, 0) };
    }
    let length = header.descriptor_length();
    let bytes = if length == 0 { Some(&[][..]) } else { head.get(SECTOR..SECTOR + length) };
    let Some(bytes) = bytes else { return Found::cut_off(Format::Vmdk) };
    let descriptor = Descriptor::read(bytes);
    let wrong_footer = if header.has_footer() { wrong_footer(header, tail) } else { None };
    let wrong = [descriptor.violation(), wrong_footer.map(|reason| Violation { check: "footer", reason })];
    Found {
        format: Format::Vmdk,
        complete: !header.has_footer() || tail.len() == TAIL,
        virtual_size: if descriptor.is_self_contained() { header.sectors.checked_mul(SECTOR as u64) } else { Some(0) },
        violations: wrong.into_iter().flatten().collect(),
    }
}

/// A descriptor alone: its data is elsewhere, and that is not safe.
fn bare_descriptor(head: &[u8]) -> Option<Found> {
    if !is_text(head) {
        return None;
    }
    let descriptor = Descriptor::read(&head[..head.len().min(DESCRIPTOR_MOST)]);
    descriptor.kind.as_ref()?;
    Some(Found {
        format: Format::Vmdk,
        complete: true,
        // Without a header there is no size to be had for those that should have one.
        virtual_size: if descriptor.is_self_contained() { None } else { Some(0) },
        violations: descriptor.violation().into_iter().collect(),
    })
}

/// Whether it begins with a sector of ASCII that could be printed, or is all of that; a few bytes are nothing.
fn is_text(head: &[u8]) -> bool {
    let start = &head[..head.len().min(SECTOR)];
    start.len() >= NUMBERS && start.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'..=b'\r' | 0x1C..=0x1F))
}

const NO_DESCRIPTOR: Violation = Violation { check: "descriptor", reason: "it has no descriptor" };

/// The text that says what the file is, in small letters.
struct Descriptor {
    /// None where it is no ASCII.
    text: Option<String>,
    /// The kind of VMDK that it names.
    kind: Option<String>,
}

impl Descriptor {
    /// It ends at the first NUL.
    fn read(bytes: &[u8]) -> Self {
        let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        // compat: a kind is found beside letters that are no ASCII, too; else such letters would hide it.
        let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
        let kind = kind(&text).map(str::to_owned);
        Self { text: bytes.is_ascii().then_some(text), kind }
    }

    fn is_self_contained(&self) -> bool {
        self.text.is_some() && self.kind.as_deref().is_some_and(|kind| SELF_CONTAINED.contains(&kind))
    }

    fn violation(&self) -> Option<Violation> {
        let Some(text) = self.text.as_deref().filter(|text| !text.is_empty()) else { return Some(NO_DESCRIPTOR) };
        let reason = if self.is_self_contained() { wrong_line(text)? } else { "its kind is not supported" };
        Some(Violation { check: "descriptor", reason })
    }
}

/// The kind that `text` names, as the reference cuts it out: without a closing quotation mark it goes up to the last
/// letter but one.
fn kind(text: &str) -> Option<&str> {
    const NAMED: &str = "createtype=\"";
    let rest = &text[text.find(NAMED)? + NAMED.len()..];
    match rest.find('"') {
        Some(end) if end > KIND_MOST => None,
        Some(end) => Some(&rest[..end]),
        None => {
            let mut letters = rest.chars();
            letters.next_back();
            Some(letters.as_str())
        }
    }
}

/// Every line has to be something that we know.
fn wrong_line(text: &str) -> Option<&'static str> {
    let mut extents = Vec::new();
    for line in text.split('\n').map(|line| line.trim_matches(|c: char| matches!(c, '\t'..='\r' | '\x1C'..=' '))) {
        let word = line.split(' ').next().unwrap_or("");
        let is_field = line.split_once('=').is_some_and(|(name, _)| !name.contains(' '));
        if line.is_empty() || line.starts_with('#') || line.starts_with("ddb") || is_field {
            continue;
        }
        if !matches!(word, "rw" | "rdonly" | "noaccess") {
            return Some("its descriptor has a line that nobody knows");
        }
        extents.push(line);
    }
    if extents.iter().any(|extent| extent.contains('/')) {
        return Some("its descriptor names files in other folders");
    }
    extents.is_empty().then_some("its descriptor names no data")
}

/// The footer goes before the header, so it must say the same.
fn wrong_footer(header: &Header, tail: &[u8]) -> Option<&'static str> {
    let [marker, footer, end] = [0, SECTOR, 2 * SECTOR].map(|at| tail.get(at..at + SECTOR).unwrap_or_default());
    let Some(footer) = Header::read(footer) else { return Some("its footer is none") };
    if footer.version != header.version {
        return Some("its footer has another version than its header");
    }
    let descriptors = |header: &Header| (header.descriptor_sector, header.descriptor_sectors);
    if descriptors(&footer) != descriptors(header) {
        return Some("its footer names another descriptor than its header");
    }
    if footer.has_footer() {
        return Some("its footer names another footer");
    }
    if !is_marker(marker, FOOTER_MARKER) {
        return Some("there is no marker before its footer");
    }
    if !is_marker(end, END_MARKER) || le64(end, 0) != Some(0) {
        return Some("there is no marker at its end");
    }
    None
}

fn is_marker(sector: &[u8], kind: u32) -> bool {
    le32(sector, 8) == Some(0) && le32(sector, 12) == Some(kind) && sector[16..].iter().all(|&byte| byte == 0)
}
