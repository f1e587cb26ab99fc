//! The pipe's parts lose, add and reorder nothing, and stop where they say.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use proptest::prelude::*;

use super::{BLOCK, LARGE_FRAME, blocks, capped, counted, exact, stall_guarded};
use crate::blob::{Body, BodyError, body};

fn broken() -> BodyError {
    BodyError::Broken(io::ErrorKind::ConnectionReset.into())
}

fn frames(lengths: &[usize]) -> Vec<Bytes> {
    let mut next = 0_u8;
    let mut byte = || {
        next = next.wrapping_add(1);
        next
    };
    lengths.iter().map(|&length| (0..length).map(|_| byte()).collect()).collect()
}

/// `frames` and then a failure.
fn failing(frames: Vec<Bytes>) -> Body {
    let frames = frames.into_iter().map(Ok);
    Box::pin(stream::iter(frames.chain([Err(broken())])))
}

async fn all(body: Body) -> Vec<Result<Bytes, BodyError>> {
    body.collect().await
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

#[tokio::test]
async fn what_is_exact_is_neither_short_nor_long() {
    // Lengths of the frames, the length they should have, the frames that pass, and how it ends.
    let cases: &[(&[usize], u64, usize, &str)] = &[
        (&[], 0, 0, ""),
        (&[3, 4], 7, 2, ""),
        (&[3, 4], 8, 2, "reading the data failed: the last 1 bytes are missing"),
        (&[], 1, 0, "reading the data failed: the last 1 bytes are missing"),
        (&[3, 4], 6, 1, "more than 6 bytes"),
        (&[3, 4, 5], 3, 1, "more than 3 bytes"),
    ];
    for &(lengths, length, pass, end) in cases {
        let out = all(exact(body(frames(lengths)), length)).await;
        let passed = out.iter().take_while(|block| block.is_ok()).count();
        let ends: Vec<String> = out[pass..].iter().map(|block| block.as_ref().unwrap_err().to_string()).collect();
        assert_eq!((passed, ends.join("; ")), (pass, end.to_owned()), "{lengths:?} of {length}");
    }
    let out = all(exact(failing(frames(&[2])), 9)).await;
    assert!(matches!(out.as_slice(), [Ok(_), Err(BodyError::Broken(_))]), "{out:?}");
}

#[tokio::test]
async fn a_cap_lets_the_limit_through_and_no_byte_more() {
    // Lengths of the frames, the limit, the frames that pass, and whether the end is good.
    let cases: &[(&[usize], u64, usize, bool)] = &[
        (&[], 0, 0, true),
        (&[0, 0], 0, 2, true),
        (&[1], 0, 0, false),
        (&[3, 4], 7, 2, true),
        (&[3, 4], 6, 1, false),
        (&[3, 4, 5], 6, 1, false),
        (&[3, 4], u64::MAX, 2, true),
    ];
    for &(lengths, limit, pass, good) in cases {
        let frames = frames(lengths);
        let out = all(capped(body(frames.clone()), limit)).await;
        let passed: Vec<_> = out.iter().map_while(|block| block.as_ref().ok()).collect();
        assert_eq!(passed, frames.iter().take(pass).collect::<Vec<_>>(), "{lengths:?} {limit}");
        match (&out[pass..], good) {
            ([], true) => {}
            ([Err(BodyError::TooLong { limit: told })], false) => assert_eq!(*told, limit),
            (rest, _) => panic!("{lengths:?} under {limit} ends with {rest:?}"),
        }
    }
}

#[tokio::test]
async fn a_count_counts_what_passed() {
    let (mut body, count) = counted(failing(frames(&[3, 4])));
    assert_eq!(count.bytes(), 0);
    body.next().await;
    assert_eq!(count.bytes(), 3);
    assert_eq!(all(body).await.len(), 2);
    assert_eq!(count.bytes(), 7);
}

#[tokio::test]
async fn a_stall_ends_the_body() {
    let stalling = stream::iter(frames(&[5]).into_iter().map(Ok)).chain(stream::pending());
    let patience = Duration::from_millis(20);
    let out = all(stall_guarded(Box::pin(stalling), patience)).await;
    assert!(matches!(&out[..], [Ok(_), Err(BodyError::Stalled { seconds: 0 })]), "{out:?}");
}

#[tokio::test]
async fn a_slow_receiver_is_no_stall() {
    let mut body = stall_guarded(body(frames(&[1, 1, 1])), Duration::from_millis(20));
    while let Some(block) = body.next().await {
        block.unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

#[tokio::test]
async fn errors_pass_every_part_and_end_it() {
    let (counted, _) = counted(failing(frames(&[2])));
    let guarded = stall_guarded(blocks(capped(counted, 10)), Duration::from_mins(1));
    let out = all(guarded).await;
    assert!(matches!(&out[..], [Ok(_), Err(BodyError::Broken(_))]), "{out:?}");
}

#[tokio::test]
async fn tiny_frames_become_few_blocks() {
    let out = all(blocks(body(frames(&vec![1; BLOCK * 2 + 1])))).await;
    let lengths: Vec<_> = out.iter().map(|block| block.as_ref().unwrap().len()).collect();
    assert_eq!(lengths, [BLOCK, BLOCK, 1]);
}

#[tokio::test]
async fn large_frames_pass_uncopied() {
    let large = Bytes::from(vec![7; LARGE_FRAME]);
    let out = all(blocks(body([Bytes::from_static(b"x"), large.clone(), large.clone()]))).await;
    let passed: Vec<_> = out.iter().map(|block| block.as_ref().unwrap()).collect();
    assert_eq!(passed[0], "x");
    assert!(passed[1..].iter().all(|block| block.as_ptr() == large.as_ptr()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_are_the_frames_joined(lengths in prop::collection::vec(0..LARGE_FRAME * 2, 0..40), fails: bool) {
        let frames = frames(&lengths);
        let whole = frames.concat();
        let source = if fails { failing(frames) } else { body(frames) };
        let mut out = run(all(blocks(source)));
        if fails {
            prop_assert!(matches!(out.pop(), Some(Err(BodyError::Broken(_)))));
        }
        let out: Vec<Bytes> = out.into_iter().map(Result::unwrap).collect();
        prop_assert!(out.iter().all(|block| !block.is_empty() && block.len() <= BLOCK));
        // Two blocks in a row are never both small: memory holds few blocks, and each is worth its turn.
        prop_assert!(out.windows(2).all(|two| two[0].len() + two[1].len() >= LARGE_FRAME));
        prop_assert_eq!(out.concat(), whole);
    }
}
