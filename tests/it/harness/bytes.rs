//! Bodies for tests: made as they are read, so that big ones cost no memory, and broken where a test wants it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use glint::blob::{Body, BodyError};

/// The size of the frames that bodies come in: no divisor of any block size.
pub const FRAME: usize = 50_021;

/// The bytes from `start` on, `length` of them, of an endless text that repeats itself late. `seed` picks the text.
pub fn text(seed: u64, start: u64, length: usize) -> Bytes {
    (start..).map(|at| byte(seed, at)).take(length).collect()
}

/// Neighbours differ, and so do bytes at the same place of two blocks.
fn byte(seed: u64, at: u64) -> u8 {
    let mixed = (at ^ (at >> 8) ^ (at >> 16).wrapping_mul(0x9E37)).wrapping_add(seed.wrapping_mul(0x51));
    mixed.to_le_bytes()[0]
}

/// A body of the first `length` bytes of the text.
pub fn body(seed: u64, length: u64) -> Body {
    let frames = stream::unfold(0, move |at| async move {
        let size = usize::try_from(length - at).unwrap().min(FRAME);
        (size > 0).then(|| (Ok(text(seed, at, size)), at + size as u64))
    });
    Box::pin(frames)
}

/// Like `body`, but the sender hangs up after `length` bytes.
pub fn broken(seed: u64, length: u64) -> Body {
    Box::pin(body(seed, length).chain(stream::iter([Err(hang_up())])))
}

/// Like `body`, but after `length` bytes nothing comes, for ever. The number says how many frames were taken.
pub fn stuck(seed: u64, length: u64) -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let body = body(seed, length).inspect(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    (Box::pin(body.chain(stream::pending())), taken)
}

/// All of a body.
pub async fn read(mut body: Body) -> Result<Vec<u8>, BodyError> {
    let mut all = Vec::new();
    while let Some(block) = body.next().await {
        all.extend_from_slice(&block?);
    }
    Ok(all)
}

/// What a sender that goes away causes.
pub fn hang_up() -> BodyError {
    BodyError::Broken(io::ErrorKind::ConnectionReset.into())
}

/// The files anywhere below `folder`, by their paths in it.
pub fn files_below(folder: &std::path::Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in std::fs::read_dir(current).unwrap().map(Result::unwrap) {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => files.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    files
}
