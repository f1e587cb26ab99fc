//! `Range` and `Content-Range`: what is sent is some of the image, never more. The first eight bytes are its size.

#![no_main]

use glint::blob::range::{Wanted, wanted};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, &str)| {
    let (size, header) = input;
    for answer in [wanted(Some(header), None, size), wanted(None, Some(header), size)] {
        if let Ok(Wanted::Part(part)) = answer {
            assert!(part.length > 0 && part.last() < size);
            assert!(part.start.checked_add(part.length).is_some_and(|end| end <= size));
        }
    }
});
