//! Bytes in flight: one stream type for every upload and download, and what is done to it on the way.

use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, stream};

use crate::error::Error;

pub mod hash;
pub mod lane;
pub mod pipe;
pub mod range;

/// The bytes of an image on their way in or out, in blocks of at most a few MiB. Ends after the first error.
pub type Body = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// A body of these blocks.
pub fn body(blocks: impl IntoIterator<Item = Bytes, IntoIter: Send + 'static>) -> Body {
    Box::pin(stream::iter(blocks.into_iter().map(Ok)))
}

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The sender hung up or broke the framing.
    #[error("the sender ended the data early: {0}")]
    Broken(io::Error),
    /// Nothing came for longer than the stall timeout.
    #[error("no data came for {seconds} s")]
    Stalled {
        /// The timeout that ran out.
        seconds: u64,
    },
    /// More bytes came than allowed.
    #[error("more than {limit} bytes")]
    TooLong {
        /// The most that was allowed, in bytes.
        limit: u64,
    },
    /// Whoever wanted the bytes wants no more of them.
    #[error("{0}")]
    Refused(Box<Error>),
    /// The medium that the bytes are read from failed.
    #[error("reading the data failed: {0}")]
    Medium(io::Error),
}
