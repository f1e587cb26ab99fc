//! The data of an image, the length of its blocks before it: what is found is what is found in one block, and what is kept
//! on the way has a bound.

#![no_main]

use std::iter;

use glint::format::{Findings, Inspection, MOST_KEPT};
use libfuzzer_sys::fuzz_target;

/// The last place at which a piece begins: behind the tables of a VHDX.
const FARTHEST: usize = 512 * 1024;

fuzz_target!(|input: &[u8]| {
    let Some((length, pieces)) = input.split_first_chunk() else { return };
    let length = usize::from(u16::from_le_bytes(*length)).max(1);
    let Some(data) = spread(pieces) else { return };
    assert_eq!(inspected(data.chunks(length)), inspected([data.as_slice()]));
});

/// What matters in a disk lies far apart. How many pieces there are, three bytes of a piece's place, one of its length and the
/// piece itself, and in the end, in the rest, what the data begins with; zeros between them.
fn spread(input: &[u8]) -> Option<Vec<u8>> {
    let (count, mut rest) = input.split_first()?;
    let pieces: Vec<_> = iter::repeat_n((), usize::from(count % 8))
        .map_while(|()| {
            let (&[low, middle, high, length], behind) = rest.split_first_chunk()?;
            let (piece, behind) = behind.split_at_checked(usize::from(length))?;
            rest = behind;
            Some((u32::from_le_bytes([low, middle, high, 0]) as usize % FARTHEST, piece))
        })
        .collect();
    let mut data = rest.to_vec();
    for (place, piece) in pieces {
        let end = place + piece.len();
        data.resize(data.len().max(end), 0);
        data[place..end].copy_from_slice(piece);
    }
    Some(data)
}

fn inspected<'b>(blocks: impl IntoIterator<Item = &'b [u8]>) -> Findings {
    let mut inspection = Inspection::default();
    for block in blocks {
        inspection.feed(block);
        assert!(inspection.kept() <= MOST_KEPT);
    }
    inspection.finish()
}
