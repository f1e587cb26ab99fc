//! A store that fails, stalls or cuts short on cue, and otherwise does what the store behind it does.

use std::collections::VecDeque;
use std::future;
use std::io;
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, stream};
use glint::blob::{Body, BodyError};
use glint::store::{ByteRange, Capabilities, Placed, Store, StoreError, StoreFuture};

/// One operation of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Put,
    Get,
    Delete,
    Size,
    Discard,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails at once, with an `Io` error.
    Fail,
    /// It fails at once: no room.
    Full,
    /// It fails at once: not allowed.
    Denied,
    /// It never ends. A `put` takes nothing of its body.
    Stall,
    /// A `put` fails, or a `get` breaks, after this many bytes; other operations fail at once.
    BreakAfter(u64),
    /// A `put` stops taking, or a `get` stops giving, after this many bytes; other operations never end.
    StallAfter(u64),
    /// A `get` ends early, as if the object were this long; other operations are not touched.
    Truncate(u64),
    /// It is done, and then reported as failed.
    FailAfterwards,
}

/// Wraps a store.
pub struct Flaky {
    inner: Arc<dyn Store>,
    cues: Mutex<VecDeque<(Operation, Fault)>>,
}

impl Flaky {
    /// `inner`, with nothing wrong yet.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, cues: Mutex::default() }
    }

    /// The next `operation` that has no cue yet goes wrong by `fault`.
    pub fn cue(&self, operation: Operation, fault: Fault) {
        self.cues.lock().unwrap().push_back((operation, fault));
    }

    /// Whether every cue has been used.
    pub fn is_done(&self) -> bool {
        self.cues.lock().unwrap().is_empty()
    }

    fn next(&self, operation: Operation) -> Option<Fault> {
        let mut cues = self.cues.lock().unwrap();
        let at = cues.iter().position(|(cued, _)| *cued == operation)?;
        cues.remove(at).map(|(_, fault)| fault)
    }

    /// An operation without a body: it goes wrong as a whole.
    async fn whole<T>(&self, operation: Operation, act: StoreFuture<'_, T>) -> Result<T, StoreError> {
        match self.next(operation) {
            None | Some(Fault::Truncate(_)) => act.await,
            Some(Fault::FailAfterwards) => {
                act.await?;
                Err(failed())
            }
            Some(fault) => at_once(fault).await,
        }
    }

    async fn flaky_put(&self, id: &str, body: Body, expected: Option<u64>) -> Result<Placed, StoreError> {
        match self.next(Operation::Put) {
            None | Some(Fault::Truncate(_)) => self.inner.put(id, body, expected).await,
            Some(Fault::BreakAfter(bytes)) => {
                let broken = cut(body, bytes).chain(stream::iter([Err(BodyError::Medium(cue()))]));
                match self.inner.put(id, Box::pin(broken), expected).await {
                    Err(StoreError::Body(BodyError::Medium(_))) => Err(failed()),
                    other => other,
                }
            }
            Some(Fault::StallAfter(bytes)) => {
                let stuck = cut(body, bytes).chain(stream::pending());
                self.inner.put(id, Box::pin(stuck), expected).await
            }
            Some(Fault::FailAfterwards) => {
                self.inner.put(id, body, expected).await?;
                Err(failed())
            }
            Some(fault) => at_once(fault).await,
        }
    }

    async fn flaky_get(&self, url: &str, range: Option<ByteRange>) -> Result<Body, StoreError> {
        match self.next(Operation::Get) {
            None => self.inner.get(url, range).await,
            Some(Fault::BreakAfter(bytes)) => {
                let body = cut(self.inner.get(url, range).await?, bytes);
                Ok(Box::pin(body.chain(stream::iter([Err(BodyError::Medium(cue()))]))))
            }
            Some(Fault::StallAfter(bytes)) => {
                let body = cut(self.inner.get(url, range).await?, bytes);
                Ok(Box::pin(body.chain(stream::pending())))
            }
            Some(Fault::Truncate(bytes)) => Ok(cut(self.inner.get(url, range).await?, bytes)),
            Some(fault) => at_once(fault).await,
        }
    }
}

impl Store for Flaky {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn owns(&self, url: &str) -> bool {
        self.inner.owns(url)
    }

    fn admits<'a>(&'a self, url: &'a str) -> StoreFuture<'a, bool> {
        self.inner.admits(url)
    }

    fn put<'a>(&'a self, id: &'a str, body: Body, expected: Option<u64>) -> StoreFuture<'a, Placed> {
        Box::pin(self.flaky_put(id, body, expected))
    }

    fn get<'a>(&'a self, url: &'a str, range: Option<ByteRange>) -> StoreFuture<'a, Body> {
        Box::pin(self.flaky_get(url, range))
    }

    fn delete<'a>(&'a self, url: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.whole(Operation::Delete, self.inner.delete(url)))
    }

    fn size<'a>(&'a self, url: &'a str) -> StoreFuture<'a, u64> {
        Box::pin(self.whole(Operation::Size, self.inner.size(url)))
    }

    fn discard<'a>(&'a self, id: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.whole(Operation::Discard, self.inner.discard(id)))
    }
}

async fn at_once<T>(fault: Fault) -> Result<T, StoreError> {
    match fault {
        Fault::Full => Err(StoreError::Full(cue())),
        Fault::Denied => Err(StoreError::Denied(cue())),
        Fault::Stall | Fault::StallAfter(_) => future::pending().await,
        Fault::Fail | Fault::FailAfterwards | Fault::BreakAfter(_) | Fault::Truncate(_) => Err(failed()),
    }
}

/// The first `bytes` of `body`.
fn cut(body: Body, bytes: u64) -> Body {
    let cut = stream::unfold((body, bytes), |(mut body, left)| async move {
        if left == 0 {
            return None;
        }
        let block = match body.next().await? {
            Ok(block) => block.slice(..block.len().min(usize::try_from(left).unwrap_or(usize::MAX))),
            Err(error) => return Some((Err(error), (body, 0))),
        };
        let left = left - block.len() as u64;
        Some((Ok(block), (body, left)))
    });
    Box::pin(cut)
}

fn failed() -> StoreError {
    StoreError::Io(cue())
}

fn cue() -> io::Error {
    io::Error::other("on cue")
}
