//! The flaky store fails as it is told, once per cue, and is a sound store otherwise.

use std::time::Duration;

use glint::blob::BodyError;
use glint::store::{Store, StoreError};
use tokio::time::timeout;

use super::filesystem::Directory;
use crate::harness::bytes::{body, read, text};
use crate::harness::flaky::{Fault, Flaky, Operation};
use crate::store_conformance::Driver;

const ID: &str = "3a8c8c5e-7d0b-4f0e-9f5e-1d2c3b4a5f60";

/// Long enough to see that nothing comes.
const A_WHILE: Duration = Duration::from_millis(50);

mod sound {
    use super::super::filesystem::Directory;
    use crate::harness::flaky::Flaky;
    use crate::store_conformance::Driver;
    use glint::store::Store;
    use std::pin::Pin;
    use std::sync::Arc;

    struct Wrapped(Directory);

    impl Driver for Wrapped {
        fn store(&self) -> Arc<dyn Store> {
            Arc::new(Flaky::new(self.0.store()))
        }

        fn held(&self) -> Pin<Box<dyn Future<Output = Vec<String>> + Send + '_>> {
            self.0.held()
        }
    }

    conformance!(Wrapped(Directory::new()));
}

#[tokio::test]
async fn operations_fail_on_cue() {
    let directory = Directory::new();
    let store = Flaky::new(directory.store());
    let url = store.put(ID, body(1, 10), None).await.unwrap().url;

    store.cue(Operation::Size, Fault::Fail);
    store.cue(Operation::Size, Fault::Denied);
    store.cue(Operation::Get, Fault::Stall);
    assert!(matches!(store.size(&url).await, Err(StoreError::Io(_))));
    assert!(matches!(store.size(&url).await, Err(StoreError::Denied(_))));
    assert_eq!(store.size(&url).await.unwrap(), 10);
    assert!(timeout(A_WHILE, store.get(&url, None)).await.is_err());
    assert!(store.is_done());

    store.cue(Operation::Delete, Fault::FailAfterwards);
    assert!(matches!(store.delete(&url).await, Err(StoreError::Io(_))));
    assert!(matches!(store.delete(&url).await, Err(StoreError::NotFound { .. })));
    store.cue(Operation::Discard, Fault::Fail);
    assert!(store.discard(ID).await.is_err());
}

#[tokio::test]
async fn puts_fail_on_cue() {
    let directory = Directory::new();
    let store = Flaky::new(directory.store());
    store.cue(Operation::Put, Fault::Full);
    assert!(matches!(store.put(ID, body(1, 10), None).await, Err(StoreError::Full(_))));
    store.cue(Operation::Put, Fault::BreakAfter(5));
    assert!(matches!(store.put(ID, body(1, 10), None).await, Err(StoreError::Io(_))));
    assert!(directory.held().await.is_empty());
    store.cue(Operation::Put, Fault::StallAfter(5));
    assert!(timeout(A_WHILE, store.put(ID, body(1, 10), None)).await.is_err());
    store.cue(Operation::Put, Fault::FailAfterwards);
    assert!(matches!(store.put(ID, body(1, 10), None).await, Err(StoreError::Io(_))));
    assert!(matches!(store.put(ID, body(1, 10), None).await, Err(StoreError::Exists { .. })));
}

#[tokio::test]
async fn gets_break_on_cue() {
    let directory = Directory::new();
    let store = Flaky::new(directory.store());
    let url = store.put(ID, body(1, 10), None).await.unwrap().url;
    store.cue(Operation::Get, Fault::BreakAfter(5));
    let broken = read(store.get(&url, None).await.unwrap()).await;
    assert!(matches!(broken, Err(BodyError::Medium(_))));
    store.cue(Operation::Get, Fault::Truncate(5));
    let short = read(store.get(&url, None).await.unwrap()).await.unwrap();
    assert_eq!(short, text(1, 0, 5));
    store.cue(Operation::Get, Fault::StallAfter(5));
    let stalled = store.get(&url, None).await.unwrap();
    assert!(timeout(A_WHILE, read(stalled)).await.is_err());
}
