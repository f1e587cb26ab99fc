//! The data of an image, the length of its blocks before it: what is found is what is found in one block, and what is kept
//! on the way has a bound.

#![no_main]

use glint::format::{Findings, Inspection, MOST_KEPT};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((length, data)) = input.split_first_chunk() else { return };
    let length = usize::from(u16::from_le_bytes(*length)).max(1);
    assert_eq!(inspected(data.chunks(length)), inspected([data]));
});

fn inspected<'b>(blocks: impl IntoIterator<Item = &'b [u8]>) -> Findings {
    let mut inspection = Inspection::default();
    for block in blocks {
        inspection.feed(block);
        assert!(inspection.kept() <= MOST_KEPT);
    }
    inspection.finish()
}
