//! What the reference answers to every form of the two headers, row by row, and what is never answered.

use proptest::prelude::*;

use super::{Part, SEVERAL, Wanted, wanted};
use crate::error::{Error, Kind, Text};

const RANGE: &str = "Invalid Range header.";
const CONTENT_RANGE: &str = "Invalid Content-Range header.";

/// Start, last and length of the part; or the words of the refusal.
type Answer = Result<(u64, u64, u64), &'static str>;

fn answer(wanted: Result<Wanted, Error>, size: u64) -> Result<(u64, u64, u64), String> {
    match wanted {
        Ok(Wanted::Whole) => panic!("a part was asked for"),
        Ok(Wanted::Part(part)) => {
            assert_eq!(part.total, size);
            Ok((part.start, part.last(), part.length))
        }
        Err(error) => match (error.kind(), error.text()) {
            (Kind::Invalid, Text::Instead(text)) | (Kind::RangeNotSatisfiable, Text::Beside(text)) => {
                Err(text.clone().into_owned())
            }
            other => panic!("{other:?}"),
        },
    }
}

fn check(rows: &[(&str, u64, Answer)], of: impl Fn(&str, u64) -> Result<Wanted, Error>) {
    for &(header, size, expected) in rows {
        assert_eq!(answer(of(header, size), size), expected.map_err(str::to_owned), "{header:?} of {size} bytes");
    }
}

#[test]
fn without_a_header_all_is_wanted() {
    assert_eq!(wanted(None, None, 10).unwrap(), Wanted::Whole);
    assert_eq!(wanted(None, None, 0).unwrap(), Wanted::Whole);
}

#[test]
fn ranges() {
    let start = "Invalid start position in Range header. Start position MUST be in the inclusive range [0, 9].";
    let start_of_none =
        "Invalid start position in Range header. Start position MUST be in the inclusive range [0, -1].";
    let rows = [
        ("bytes=0-0", 10, Ok((0, 0, 1))),
        ("bytes=0-4", 10, Ok((0, 4, 5))),
        ("bytes=3-3", 10, Ok((3, 3, 1))),
        ("bytes=4-9", 10, Ok((4, 9, 6))),
        ("bytes=4-10", 10, Ok((4, 9, 6))),
        ("bytes=4-99999999999999999999999", 10, Ok((4, 9, 6))),
        ("bytes=0-18446744073709551615", 10, Ok((0, 9, 10))),
        ("bytes=4-", 10, Ok((4, 9, 6))),
        ("bytes=9-", 10, Ok((9, 9, 1))),
        ("bytes=-1", 10, Ok((9, 9, 1))),
        ("bytes=-10", 10, Ok((0, 9, 10))),
        ("bytes=-11", 10, Ok((0, 9, 10))),
        ("bytes=-99999999999999999999999", 10, Ok((0, 9, 10))),
        ("bytes=-0", 10, Ok((0, 9, 10))),
        // Blanks, case and what follows.
        ("BYTES  =  1  -  2", 10, Ok((1, 2, 2))),
        ("bytes=1-2abc", 10, Ok((1, 2, 2))),
        ("bytes=1-2-3", 10, Ok((1, 2, 2))),
        ("bytes=1-x", 10, Ok((1, 9, 9))),
        ("bytes=-5x", 10, Ok((5, 9, 5))),
        ("bytes=1 -2", 10, Ok((1, 2, 2))),
        // Out of the image.
        ("bytes=10-", 10, Err(start)),
        ("bytes=10-11", 10, Err(start)),
        ("bytes=99999999999999999999999-", 10, Err(start)),
        ("bytes=0-", 0, Err(start_of_none)),
        ("bytes=0-0", 0, Err(start_of_none)),
        ("bytes=-0", 0, Err(start_of_none)),
        // Here the reference sends 206 with "bytes 0--1/0".
        ("bytes=-5", 0, Err(start_of_none)),
        // Malformed.
        ("", 10, Err(RANGE)),
        ("bytes", 10, Err(RANGE)),
        ("bytes=", 10, Err(RANGE)),
        ("bytes=x", 10, Err(RANGE)),
        ("bytes=5", 10, Err(RANGE)),
        ("bytes=5-4", 10, Err(RANGE)),
        ("bytes=20-19", 10, Err(RANGE)),
        (" bytes=0-4", 10, Err(RANGE)),
        ("bytes\t=0-4", 10, Err(RANGE)),
        ("bytes 0-4/10", 10, Err(RANGE)),
        ("octets=0-4", 10, Err(RANGE)),
        ("bytés=0-4", 10, Err(RANGE)),
        ("byté", 10, Err(RANGE)),
        ("0-4", 10, Err(RANGE)),
        // Here the reference fails.
        ("bytes=-", 10, Err(RANGE)),
        ("bytes=-x", 10, Err(RANGE)),
        // Several.
        ("bytes=0-1,3-4", 10, Err(SEVERAL)),
        (",", 10, Err(SEVERAL)),
    ];
    check(&rows, |header, size| wanted(Some(header), None, size));
}

#[test]
fn a_range_goes_before_a_content_range() {
    let both = wanted(Some("bytes=1-2"), Some("bytes 3-4/*"), 10).unwrap();
    let part = Part { start: 1, length: 2, total: 10 };
    assert_eq!(both, Wanted::Part(part));
    assert!(wanted(Some("nonsense"), Some("bytes 3-4/*"), 10).is_err());
}

#[test]
fn content_ranges() {
    let start = "Invalid start position in Content-Range header. Start position MUST be in the inclusive range [0, 9].";
    let stop =
        "Invalid stop position in Content-Range header. The stop position MUST be in the inclusive range [0, 9].";
    let stop_of_none =
        "Invalid stop position in Content-Range header. The stop position MUST be in the inclusive range [0, -1].";
    let rows = [
        ("bytes 0-4/*", 10, Ok((0, 4, 5))),
        ("bytes 0-4/10", 10, Ok((0, 4, 5))),
        ("bytes 9-9/10", 10, Ok((9, 9, 1))),
        ("bytes 0-9/*", 10, Ok((0, 9, 10))),
        ("bytes 0-9/10", 10, Ok((0, 9, 10))),
        // The total is not compared with the image.
        ("bytes 0-4/100", 10, Ok((0, 4, 5))),
        ("bytes 0-4/7", 10, Ok((0, 4, 5))),
        ("bytes 0-4/10junk", 10, Ok((0, 4, 5))),
        ("bytes 0-4/*junk", 10, Ok((0, 4, 5))),
        // Out of the image.
        ("bytes 0-10/*", 10, Err(stop)),
        ("bytes 10-10/*", 10, Err(stop)),
        ("bytes 0-99999999999999999999999/*", 10, Err(stop)),
        ("bytes 0-0/*", 0, Err(stop_of_none)),
        ("bytes 10-10/11", 10, Err(start)),
        ("bytes 99-99/100", 10, Err(start)),
        // Here the reference promises 100 bytes and sends ten.
        ("bytes 0-99/100", 10, Err(stop)),
        // Malformed, or against itself.
        ("", 10, Err(CONTENT_RANGE)),
        ("bytes 5-4/*", 10, Err(CONTENT_RANGE)),
        ("bytes 5-4/10", 10, Err(CONTENT_RANGE)),
        ("bytes 0-10/10", 10, Err(CONTENT_RANGE)),
        ("bytes 0-0/0", 10, Err(CONTENT_RANGE)),
        ("bytes 0-4", 10, Err(CONTENT_RANGE)),
        ("bytes 0-4/", 10, Err(CONTENT_RANGE)),
        ("bytes 0-4/x", 10, Err(CONTENT_RANGE)),
        ("bytes 0-/10", 10, Err(CONTENT_RANGE)),
        ("bytes -4/10", 10, Err(CONTENT_RANGE)),
        ("bytes=0-4/10", 10, Err(CONTENT_RANGE)),
        ("Bytes 0-4/10", 10, Err(CONTENT_RANGE)),
        ("bytes  0-4/10", 10, Err(CONTENT_RANGE)),
        // Here the reference fails.
        ("bytes */10", 10, Err(CONTENT_RANGE)),
        ("bytes */*", 10, Err(CONTENT_RANGE)),
    ];
    check(&rows, |header, size| wanted(None, Some(header), size));
}

proptest! {
    #[test]
    fn a_part_is_always_some_of_the_image(range in "(?i:bytes)? ?=? ?[0-9]{0,21} ?-? ?[0-9]{0,21}.?", size: u64) {
        for answer in [wanted(Some(&range), None, size), wanted(None, Some(&range), size)] {
            if let Ok(Wanted::Part(part)) = answer {
                prop_assert!(part.length > 0);
                prop_assert!(part.start.checked_add(part.length).is_some_and(|end| end <= size));
                prop_assert!(part.last() < size);
            }
        }
    }

    #[test]
    fn nothing_makes_it_panic(range: String, content_range: String, size: u64) {
        let _ = wanted(Some(&range), None, size);
        let _ = wanted(None, Some(&content_range), size);
    }

    #[test]
    fn a_sound_range_is_what_it_says(start in 0..1000_u64, more in 0..1000_u64, size in 1..1000_u64) {
        let last = start + more;
        let asked = wanted(Some(&format!("bytes={start}-{last}")), None, size);
        if start < size {
            let length = (last + 1).min(size) - start;
            prop_assert_eq!(asked.unwrap(), Wanted::Part(Part { start, length, total: size }));
        } else {
            prop_assert_eq!(asked.unwrap_err().kind(), Kind::RangeNotSatisfiable);
        }
        let asked = wanted(None, Some(&format!("bytes {start}-{last}/*")), size);
        prop_assert_eq!(asked.is_ok(), last < size);
    }
}
