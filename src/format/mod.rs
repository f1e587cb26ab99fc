//! What the bytes of an image are: their format, the size of the disk inside, and what in them would be unsafe to open.
//!
//! Bytes are looked at once, in the order in which they come, and only some are kept: the head, the last few, and the
//! table of a VHDX. What is found depends on the bytes alone and not on the blocks that they come in.

use std::fmt;

use self::keep::Tail;

mod gpt;
mod iso;
mod keep;
mod luks;
mod qcow2;
mod qed;
mod vdi;
mod vhd;
mod vhdx;
mod vmdk;

/// How much of the head every inspection keeps, in bytes: the last thing looked for is the descriptor of an ISO, behind
/// its 32 KiB for the system.
const HEAD: usize = 34 * 1024;

/// The most that an inspection keeps, in bytes: the descriptor of a VMDK has up to a mebibyte.
pub const MOST_KEPT: usize = (1 << 20) + 4096;

/// A format that is known by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say all")]
pub enum Format {
    Raw,
    Qcow2,
    Vhd,
    Vhdx,
    Vmdk,
    Vdi,
    Qed,
    Iso,
    Gpt,
    Luks,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Raw,
        Self::Qcow2,
        Self::Vhd,
        Self::Vhdx,
        Self::Vmdk,
        Self::Vdi,
        Self::Qed,
        Self::Iso,
        Self::Gpt,
        Self::Luks,
    ];

    /// The name as `disk_format` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Qed => "qed",
            Self::Iso => "iso",
            Self::Gpt => "gpt",
            Self::Luks => "luks",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Bytes that are being looked at.
#[derive(Debug, Default)]
pub struct Inspection {
    size: u64,
    head: Vec<u8>,
    tail: Tail,
    vhdx: vhdx::Tables,
}

impl Inspection {
    /// Looks at the next bytes.
    pub fn feed(&mut self, block: &[u8]) {
        let at = self.size;
        self.size = at.saturating_add(block.len() as u64);
        self.keep_head(block);
        self.tail.feed(block);
        self.vhdx.feed(&self.head, at, block);
    }

    /// What the bytes were.
    pub fn finish(self) -> Findings {
        let Self { size, head, tail, vhdx } = self;
        let found = [
            qcow2::find(&head),
            vhd::find(&head),
            vhdx.find(&head, size),
            vmdk::find(&head, tail.bytes()),
            vdi::find(&head),
            qed::find(&head),
            iso::find(&head),
            gpt::find(&head, size),
            luks::find(&head, size),
        ];
        Findings { size, found: found.into_iter().flatten().collect() }
    }

    /// How many bytes are kept now.
    pub fn kept(&self) -> usize {
        self.head.len() + self.tail.bytes().len() + self.vhdx.kept()
    }

    fn keep_head(&mut self, mut block: &[u8]) {
        while !block.is_empty() {
            let room = wanted(&self.head).saturating_sub(self.head.len());
            if room == 0 {
                return;
            }
            let (taken, rest) = block.split_at(room.min(block.len()));
            self.head.extend_from_slice(taken);
            block = rest;
        }
    }
}

/// How long the head should be in the end, by what it begins with. Once there are `HEAD` bytes this does not change.
fn wanted(head: &[u8]) -> usize {
    if head.len() < HEAD { HEAD } else { HEAD.max(vmdk::head_length(head)).max(vhdx::head_length(head)) }
}

/// What bytes are, all formats that they could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// How many bytes there are.
    pub size: u64,
    /// Every format that is recognised. Nothing, if it is raw.
    pub found: Vec<Found>,
}

/// One format that is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub format: Format,
    /// Whether all is there that has to be looked at.
    pub complete: bool,
    /// The size of the disk inside in bytes; 0 where the bytes do not tell, none where what they tell is no size.
    pub virtual_size: Option<u64>,
    /// What about it is unsafe.
    pub violations: Vec<Violation>,
}

/// Something that would be unsafe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The reference's name of the check.
    pub check: &'static str,
    /// What is wrong, for the log.
    pub reason: &'static str,
}

impl Violation {
    /// `reason` if `wrong`.
    fn when(wrong: bool, check: &'static str, reason: &'static str) -> Option<Self> {
        wrong.then_some(Self { check, reason })
    }
}

impl Found {
    fn harmless(format: Format, virtual_size: u64) -> Self {
        Self { format, complete: true, virtual_size: Some(virtual_size), violations: Vec::new() }
    }

    /// Something that ends too early to be looked at.
    fn cut_off(format: Format) -> Self {
        Self { complete: false, ..Self::harmless(format, 0) }
    }
}

#[cfg(test)]
mod tests;
