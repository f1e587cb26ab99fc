//! An object while it is read: one block with the receiver, one being read meanwhile.

use std::fs::File;
use std::io;
use std::ops::RangeInclusive;

use bytes::Bytes;
use futures_util::stream;
use rustix::buffer::spare_capacity;
use rustix::io::{pread, retry_on_intr};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::blob::{Body, BodyError};
use crate::store::ByteRange;

/// How much is read at once unless the operator says otherwise, in bytes. Measured: 64 KiB are half as fast, 1 MiB is
/// a fifth faster and takes four times the memory for every download.
pub(super) const BLOCK: usize = 256 * 1024;

/// What an operator can choose instead, in bytes: no less than a page, no more than what many downloads at once can
/// have each.
const BLOCKS: RangeInclusive<usize> = 4 * 1024..=8 * 1024 * 1024;

/// The bytes of `range`, in blocks of `block` bytes or what of `BLOCKS` is next to it. A file that ends before is `Medium`.
pub(super) fn body(file: File, range: ByteRange, block: usize) -> Body {
    let reading =
        Reading { file, at: range.start, left: range.length, block: block.clamp(*BLOCKS.start(), *BLOCKS.end()) };
    Box::pin(stream::unfold(reading.ahead(), |reading| async {
        let outcome = match reading?.await {
            Ok(outcome) => outcome,
            Err(lost) => Err(io::Error::other(lost)),
        };
        match outcome {
            Ok((block, reading)) => Some((Ok(block), reading.ahead())),
            Err(error) => Some((Err(BodyError::Medium(error)), None)),
        }
    }))
}

struct Reading {
    file: File,
    at: u64,
    left: u64,
    block: usize,
}

impl Reading {
    /// Begins to read the next block; none if there is no more.
    fn ahead(self) -> Option<JoinHandle<io::Result<(Bytes, Self)>>> {
        (self.left > 0).then(|| spawn_blocking(|| self.next()))
    }

    fn next(mut self) -> io::Result<(Bytes, Self)> {
        let length = usize::try_from(self.left).map_or(self.block, |left| left.min(self.block));
        let mut block = Vec::with_capacity(length);
        while block.len() < length {
            let at = self.at + block.len() as u64;
            if retry_on_intr(|| pread(&self.file, spare_capacity(&mut block), at))? == 0 {
                let missing = self.left - block.len() as u64;
                let shorter = format!("the file ends at {at}, {missing} bytes are missing");
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, shorter));
            }
        }
        // A vector may have more room than it was asked for, and then more was read.
        block.truncate(length);
        self.at += length as u64;
        self.left -= length as u64;
        Ok((block.into(), self))
    }
}
