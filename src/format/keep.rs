//! Keeping some of the bytes that pass, and reading numbers from what is kept.

/// How many of the last bytes are kept: the footer of a VMDK, and a marker before and behind it.
pub(super) const TAIL: usize = 3 * 512;

/// The last bytes of what passed.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    pub(super) fn feed(&mut self, block: &[u8]) {
        let from = block.len().saturating_sub(TAIL);
        let surplus = (self.0.len() + block.len() - from).saturating_sub(TAIL);
        self.0.drain(..surplus.min(self.0.len()));
        self.0.extend_from_slice(&block[from..]);
    }

    /// `TAIL` bytes, or all if there were fewer.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The bytes of one place, `length` of them, as far as they have passed.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) offset: u64,
    length: usize,
    pub(super) bytes: Vec<u8>,
}

impl Window {
    pub(super) fn new(offset: u64, length: usize) -> Self {
        Self { offset, length, bytes: Vec::new() }
    }

    /// Takes what it still lacks from a block that stands at `at`. Bytes that it has are passed over; what was missed
    /// never comes.
    pub(super) fn feed(&mut self, at: u64, block: &[u8]) {
        let next = self.offset.saturating_add(self.bytes.len() as u64);
        let Some(skipped) = next.checked_sub(at).and_then(|skipped| usize::try_from(skipped).ok()) else { return };
        let lacking = self.length - self.bytes.len();
        if let Some(rest) = block.get(skipped..) {
            self.bytes.extend_from_slice(&rest[..lacking.min(rest.len())]);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() == self.length
    }
}

macro_rules! readers {
    ($($name:ident: $number:ty, $from:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        pub(super) fn $name(bytes: &[u8], at: usize) -> Option<$number> {
            let field = bytes.get(at..)?.first_chunk()?;
            Some(<$number>::$from(*field))
        }
    )*};
}

readers! {
    be16: u16, from_be_bytes, "Two bytes, the high one first.";
    be32: u32, from_be_bytes, "Four bytes, the highest first.";
    be64: u64, from_be_bytes, "Eight bytes, the highest first.";
    le16: u16, from_le_bytes, "Two bytes, the low one first.";
    le32: u32, from_le_bytes, "Four bytes, the lowest first.";
    le64: u64, from_le_bytes, "Eight bytes, the lowest first.";
}
