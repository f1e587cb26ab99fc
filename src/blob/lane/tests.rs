//! A lane keeps order, holds no thread while idle, and ends from either side.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::{DEPTH, Stopped, open};

const SOON: Duration = Duration::from_secs(20);

#[expect(clippy::unnecessary_wraps, reason = "the form of a lane's work")]
fn append(all: &mut Vec<u8>, block: &Bytes) -> io::Result<()> {
    all.extend_from_slice(block);
    Ok(())
}

#[tokio::test]
async fn every_block_in_order() {
    let (feeder, outcome) = open(Vec::new(), append);
    let mut expected = Vec::new();
    for n in 0..2000_u32 {
        let block = Bytes::copy_from_slice(&n.to_be_bytes());
        expected.extend_from_slice(&block);
        feeder.feed(block).await.unwrap();
        if n % 100 == 0 {
            // Let the worker run dry and rest.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    feeder.finish().await;
    assert_eq!(outcome.finished().await.unwrap(), expected);
}

#[tokio::test]
async fn nothing_fed_gives_the_state_back() {
    let (feeder, outcome) = open(Vec::new(), append);
    feeder.finish().await;
    assert_eq!(outcome.finished().await.unwrap(), Vec::<u8>::new());
}

#[tokio::test]
async fn a_failure_stops_the_feeder_and_is_told() {
    let (feeder, outcome) = open((), |(), _| Err(io::Error::other("no")));
    let mut fed = 0;
    while feeder.feed(Bytes::from_static(b"x")).await != Err(Stopped) {
        fed += 1;
    }
    assert!(fed <= DEPTH + 1, "{fed} blocks were taken after the failure");
    feeder.finish().await;
    assert_eq!(outcome.finished().await.unwrap_err().to_string(), "no");
}

#[tokio::test]
async fn a_dropped_feeder_is_told() {
    let (feeder, outcome) = open(Vec::new(), append);
    feeder.feed(Bytes::from_static(b"x")).await.unwrap();
    drop(feeder);
    assert_eq!(outcome.finished().await.unwrap_err().kind(), io::ErrorKind::Interrupted);
}

#[tokio::test]
async fn a_panic_is_told() {
    let (feeder, outcome) = open((), |(), _| panic!("a defect"));
    feeder.feed(Bytes::from_static(b"x")).await.unwrap();
    feeder.finish().await;
    assert_eq!(outcome.finished().await.unwrap_err().kind(), io::ErrorKind::Interrupted);
}

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn the_state_is_dropped_whichever_end_goes_first() {
    for blocks in 0..=DEPTH {
        for outcome_first in [false, true] {
            let drops = Arc::new(AtomicUsize::new(0));
            let (feeder, outcome) = open(Counted(Arc::clone(&drops)), |_, _| Ok(()));
            for _ in 0..blocks {
                feeder.feed(Bytes::from_static(b"x")).await.unwrap();
            }
            if outcome_first {
                drop(outcome);
                feeder.finish().await;
            } else {
                drop(feeder);
                drop(outcome);
            }
            timeout(SOON, async {
                while drops.load(Ordering::SeqCst) == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
            .await
            .expect("the state is dropped");
        }
    }
}

/// More lanes than the pool has threads, each with work done and more to come: none may starve the others.
#[test]
fn idle_lanes_hold_no_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_time().build().unwrap();
    runtime.block_on(async {
        let lanes: Vec<_> = (0..20).map(|_| open(Vec::new(), append)).collect();
        for round in 0..3_u8 {
            for (feeder, _) in &lanes {
                timeout(SOON, feeder.feed(Bytes::copy_from_slice(&[round]))).await.expect("no lane starves").unwrap();
            }
        }
        for (feeder, outcome) in lanes {
            feeder.finish().await;
            let all = timeout(SOON, outcome.finished()).await.expect("no lane starves");
            assert_eq!(all.unwrap(), [0, 1, 2]);
        }
    });
}
