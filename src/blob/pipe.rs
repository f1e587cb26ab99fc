//! What a body passes on its way: a cap on its length, a count, a watch for stalls, and the making of blocks.

use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use super::{Body, BodyError};

/// The size of the blocks that `blocks` makes of small frames, in bytes. Chosen by measurement: from here on, bigger
/// blocks make hashing and writing no faster, and a transfer's memory is a small multiple of it.
pub const BLOCK: usize = 256 * 1024;

/// A frame of this size or more, in bytes, is worth passing on by itself: copying it would cost more than it saves.
const LARGE_FRAME: usize = BLOCK / 4;

/// Lets at most `limit` bytes through. The block that exceeds it is withheld and `TooLong` comes in its place.
pub fn capped(body: Body, limit: u64) -> Body {
    let start = Some((body, limit));
    Box::pin(stream::unfold(start, move |state| async move {
        let (mut body, left) = state?;
        let block = match body.next().await? {
            Ok(block) => block,
            Err(error) => return Some((Err(error), None)),
        };
        match left.checked_sub(length(&block)) {
            Some(left) => Some((Ok(block), Some((body, left)))),
            None => Some((Err(BodyError::TooLong { limit }), None)),
        }
    }))
}

/// Lets exactly `length` bytes through: fewer end with `Medium`, and the block that exceeds them is withheld for `TooLong`.
pub fn exact(body: Body, length: u64) -> Body {
    let start = Some((capped(body, length), length));
    Box::pin(stream::unfold(start, |state| async move {
        let (mut body, left) = state?;
        match body.next().await {
            Some(Ok(block)) => {
                let left = left.saturating_sub(self::length(&block));
                Some((Ok(block), Some((body, left))))
            }
            Some(Err(error)) => Some((Err(error), None)),
            None if left == 0 => None,
            None => {
                let missing =
                    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the last {left} bytes are missing"));
                Some((Err(BodyError::Medium(missing)), None))
            }
        }
    }))
}

/// Counts the bytes that pass; the count can be read meanwhile and afterwards.
pub fn counted(body: Body) -> (Body, Count) {
    let count = Count::default();
    let counter = count.clone();
    let body = body.inspect(move |block| {
        if let Ok(block) = block {
            counter.0.fetch_add(length(block), Ordering::Relaxed);
        }
    });
    (Box::pin(body), count)
}

/// How many bytes have passed a place.
#[derive(Clone, Debug, Default)]
pub struct Count(Arc<AtomicU64>);

impl Count {
    /// Bytes until now.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends with `Stalled` when the next block takes longer than `patience`. Only the sender's time counts: while nobody
/// asks for a block, no time passes.
pub fn stall_guarded(body: Body, patience: Duration) -> Body {
    Box::pin(stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        let Ok(block) = timeout(patience, body.next()).await else {
            let seconds = patience.as_secs();
            return Some((Err(BodyError::Stalled { seconds }), None));
        };
        Some((block?, Some(body)))
    }))
}

/// Gathers small frames into blocks of about `BLOCK` bytes; large frames pass as they are. A client may send its data
/// one byte at a time: everything behind this sees few blocks, and none that keeps a bigger buffer alive.
pub fn blocks(body: Body) -> Body {
    let gathering = Gathering { body, gathered: BytesMut::new(), held: None, ended: false };
    Box::pin(stream::unfold(gathering, |mut gathering| async move {
        let block = gathering.next().await?;
        Some((block, gathering))
    }))
}

struct Gathering {
    body: Body,
    gathered: BytesMut,
    /// What came behind the block that was handed out last.
    held: Option<Result<Bytes, BodyError>>,
    /// Whether nothing comes behind it.
    ended: bool,
}

impl Gathering {
    async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        loop {
            let frame = match self.held.take() {
                Some(held) => Some(held),
                None if self.ended => None,
                None => self.body.next().await,
            };
            match frame {
                Some(Ok(frame)) if self.has_room_for(&frame) => self.gather(&frame),
                passing if self.gathered.is_empty() => return passing,
                later => {
                    self.ended = later.is_none();
                    self.held = later;
                    return Some(Ok(mem::take(&mut self.gathered).freeze()));
                }
            }
        }
    }

    fn has_room_for(&self, frame: &Bytes) -> bool {
        frame.len() < LARGE_FRAME && self.gathered.len() + frame.len() <= BLOCK
    }

    fn gather(&mut self, frame: &Bytes) {
        if self.gathered.is_empty() {
            self.gathered.reserve(BLOCK);
        }
        self.gathered.extend_from_slice(frame);
    }
}

/// The length of a block as the counters have it.
pub(super) fn length(block: &Bytes) -> u64 {
    // No platform of ours has a longer usize.
    block.len() as u64
}

#[cfg(test)]
mod tests;
