//! What every store driver must do, whatever is behind it. A driver's tests name it once in `conformance!`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use glint::blob::{BodyError, body as of};
use glint::store::{ByteRange, Store, StoreError};
use tokio::time::{sleep, timeout};

use crate::harness::bytes::{FRAME, body, broken, read, stuck, text};

/// The suite, one test per case. `$driver` makes an empty store that can do everything.
macro_rules! conformance {
    ($driver:expr) => {
        conformance!(@ $driver;
            gives_back_what_was_put
            streams_what_does_not_fit_in_memory
            gives_parts
            does_not_give_what_is_not_there
            knows_nothing_of_what_was_never_put
            forgets_what_was_deleted
            refuses_a_second_object
            lets_one_of_many_win
            undoes_a_broken_put
            undoes_a_dropped_put
            is_not_hurt_by_a_dropped_get
            discards_what_is_left
            reads_no_foreign_url
        );
    };
    (@ $driver:expr; $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::store_conformance::$case(&$driver).await;
            }
        )*
    };
}

/// A driver under test.
pub trait Driver: Sync {
    /// The store.
    fn store(&self) -> Arc<dyn Store>;

    /// The names of all that it holds, finished or not, as the medium has them.
    fn held(&self) -> Pin<Box<dyn Future<Output = Vec<String>> + Send + '_>>;
}

const ID: &str = "3a8c8c5e-7d0b-4f0e-9f5e-1d2c3b4a5f60";
const OTHER: &str = "3a8c8c5e-7d0b-4f0e-9f5e-1d2c3b4a5f61";

/// Far longer than anything here takes.
const SOON: Duration = Duration::from_mins(1);

const MIB: u64 = 1024 * 1024;

/// Waits until nothing is held: what a dropped future leaves is removed behind its back.
pub async fn nothing_is_left(driver: &dyn Driver) {
    for _ in 0..1000 {
        if driver.held().await.is_empty() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("left behind: {:?}", driver.held().await);
}

pub async fn gives_back_what_was_put(driver: &dyn Driver) {
    let store = driver.store();
    let frame = FRAME as u64;
    for length in [0, 1, 511, 65_536, frame, frame + 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 17] {
        let placed = store.put(ID, body(length, length), None).await.unwrap();
        assert_eq!(placed.size, length);
        assert_eq!(store.size(&placed.url).await.unwrap(), length);
        let back = read(store.get(&placed.url, None).await.unwrap()).await.unwrap();
        assert!(back == text(length, 0, back.len()) && back.len() as u64 == length, "{length} bytes");
        store.delete(&placed.url).await.unwrap();
    }
}

pub async fn streams_what_does_not_fit_in_memory(driver: &dyn Driver) {
    let store = driver.store();
    let length = 64 * MIB;
    let placed = store.put(ID, body(1, length), None).await.unwrap();
    assert_eq!(placed.size, length);
    let mut back = store.get(&placed.url, None).await.unwrap();
    let mut at = 0;
    while let Some(block) = back.next().await {
        let block = block.unwrap();
        assert!(block.len() as u64 <= 8 * MIB, "a block of {} bytes", block.len());
        assert!(block == text(1, at, block.len()), "at {at}");
        at += block.len() as u64;
    }
    assert_eq!(at, length);
}

pub async fn gives_parts(driver: &dyn Driver) {
    let store = driver.store();
    let size = 2 * MIB + 3;
    let url = store.put(ID, body(2, size), None).await.unwrap().url;
    for (start, length) in
        [(0, 0), (0, 1), (0, size), (1, size - 1), (size - 1, 1), (size, 0), (MIB - 1, 2), (300_000, 700_001)]
    {
        let part = store.get(&url, Some(ByteRange { start, length })).await.unwrap();
        let part = read(part).await.unwrap();
        assert!(part == text(2, start, part.len()) && part.len() as u64 == length, "{length} bytes from {start}");
    }
}

/// Whether by refusing or by breaking the body: less than was asked never looks like all of it.
pub async fn does_not_give_what_is_not_there(driver: &dyn Driver) {
    let store = driver.store();
    let url = store.put(ID, body(3, 1000), None).await.unwrap().url;
    for (start, length) in [(0, 1001), (999, 2), (1000, 1), (5000, 10), (u64::MAX / 2, 10)] {
        if let Ok(part) = store.get(&url, Some(ByteRange { start, length })).await {
            let part = timeout(SOON, read(part)).await.expect("the body ends");
            assert!(matches!(part, Err(BodyError::Medium(_))), "{length} bytes from {start}: {part:?}");
        }
    }
}

pub async fn knows_nothing_of_what_was_never_put(driver: &dyn Driver) {
    let store = driver.store();
    let url = store.put(ID, body(4, 10), None).await.unwrap().url.replace(ID, OTHER);
    assert!(matches!(store.get(&url, None).await.map(|_| ()), Err(StoreError::NotFound { .. })));
    assert!(matches!(store.size(&url).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.delete(&url).await, Err(StoreError::NotFound { .. })));
    store.discard(OTHER).await.unwrap();
}

pub async fn forgets_what_was_deleted(driver: &dyn Driver) {
    let store = driver.store();
    let url = store.put(ID, body(5, 10), None).await.unwrap().url;
    let other = store.put(OTHER, body(6, 10), None).await.unwrap().url;
    store.delete(&url).await.unwrap();
    assert!(matches!(store.get(&url, None).await.map(|_| ()), Err(StoreError::NotFound { .. })));
    assert!(matches!(store.delete(&url).await, Err(StoreError::NotFound { .. })));
    assert_eq!(store.size(&other).await.unwrap(), 10);
    assert_eq!(store.put(ID, body(7, 11), None).await.unwrap().size, 11);
}

pub async fn refuses_a_second_object(driver: &dyn Driver) {
    let store = driver.store();
    let url = store.put(ID, body(8, 10), None).await.unwrap().url;
    let second = store.put(ID, body(9, 20), None).await;
    assert!(matches!(second, Err(StoreError::Exists { id }) if id == ID));
    let back = read(store.get(&url, None).await.unwrap()).await.unwrap();
    assert_eq!(back, text(8, 0, 10));
    assert_eq!(driver.held().await.len(), 1);
}

pub async fn lets_one_of_many_win(driver: &dyn Driver) {
    let store = driver.store();
    let length = MIB;
    let puts = join_all((0..8).map(|seed| store.put(ID, body(seed, length), None))).await;
    let mut winners = puts.iter().zip(0_u64..).filter(|(put, _)| put.is_ok());
    let (placed, seed) = winners.next().expect("one wins");
    assert!(winners.next().is_none(), "only one wins");
    for lost in puts.iter().filter_map(|put| put.as_ref().err()) {
        assert!(matches!(lost, StoreError::Exists { .. }), "{lost}");
    }
    let url = &placed.as_ref().unwrap().url;
    let back = read(store.get(url, None).await.unwrap()).await.unwrap();
    assert!(back == text(seed, 0, back.len()) && back.len() as u64 == length);
    assert_eq!(driver.held().await.len(), 1);
}

pub async fn undoes_a_broken_put(driver: &dyn Driver) {
    let store = driver.store();
    let frame = FRAME as u64;
    for length in [0, 1, frame, 2 * frame, 10 * frame, 3 * MIB] {
        let put = timeout(SOON, store.put(ID, broken(10, length), None)).await.expect("it ends");
        assert!(matches!(put, Err(StoreError::Body(BodyError::Broken(_)))), "after {length}: {put:?}");
        let held = driver.held().await;
        assert!(held.is_empty(), "after {length}: {held:?}");
    }
    store.put(ID, body(10, 10), None).await.unwrap();
}

pub async fn undoes_a_dropped_put(driver: &dyn Driver) {
    let store = driver.store();
    for frames in [0, 1, 2, 5, 20, 100] {
        let (stuck, taken) = stuck(11, frames * FRAME as u64);
        {
            let put = store.put(ID, stuck, None);
            tokio::pin!(put);
            while (taken.load(Ordering::SeqCst) as u64) < frames {
                let ended = timeout(Duration::from_millis(1), &mut put).await;
                assert!(ended.is_err(), "a put ended before its body");
            }
        }
        nothing_is_left(driver).await;
    }
    store.put(ID, body(11, 10), None).await.unwrap();
}

pub async fn is_not_hurt_by_a_dropped_get(driver: &dyn Driver) {
    let store = driver.store();
    let url = store.put(ID, body(12, 4 * MIB), None).await.unwrap().url;
    for blocks in 0..3 {
        let mut reading = store.get(&url, None).await.unwrap();
        for _ in 0..blocks {
            reading.next().await.unwrap().unwrap();
        }
    }
    let back = read(store.get(&url, None).await.unwrap()).await.unwrap();
    assert_eq!(back.len() as u64, 4 * MIB);
}

pub async fn discards_what_is_left(driver: &dyn Driver) {
    let store = driver.store();
    store.put(OTHER, body(13, 10), None).await.unwrap();
    store.put(ID, body(14, MIB), None).await.unwrap();
    for _ in 0..2 {
        store.discard(ID).await.unwrap();
        let held = driver.held().await;
        assert_eq!(held.len(), 1, "{held:?}");
    }
    let blocks = body(15, 10).chain(stream::pending());
    let unfinished = store.put(ID, Box::pin(blocks), None);
    assert!(timeout(Duration::from_millis(100), unfinished).await.is_err());
    store.discard(ID).await.unwrap();
    store.put(ID, of([text(16, 0, 5)]), None).await.unwrap();
}

pub async fn reads_no_foreign_url(driver: &dyn Driver) {
    let store = driver.store();
    for url in ["", "nonsense", "gopher://host/path", "gopher:///path"] {
        assert!(matches!(store.get(url, None).await.map(|_| ()), Err(StoreError::BadUrl { .. })), "{url}");
        assert!(matches!(store.size(url).await, Err(StoreError::BadUrl { .. })), "{url}");
        assert!(matches!(store.delete(url).await, Err(StoreError::BadUrl { .. })), "{url}");
    }
}
