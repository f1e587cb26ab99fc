//! Answers in gzip, for those who say that they can read it, where the operator has the filter of that name.

use std::io::{self, Write as _};
use std::mem;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt, stream};
use hyper::Method;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};
use tokio::task::spawn_blocking;

use crate::api::error::{self, Asked};
use crate::api::reply::{Outgoing, Reply};
use crate::blob::{Body, BodyError};
use crate::error::Error;

/// Images are made of what does not get much smaller: speed counts for more than the last per cent.
const EFFORT: Compression = Compression::fast();

/// `reply` in gzip, if it has a body and whoever asked can read that. Its other headers stay as they are: those of a part
/// speak of the part, and `Content-MD5` of the image.
pub(crate) async fn encoded(asked: &Asked, reply: Reply) -> Reply {
    if asked.method == Method::HEAD || !is_accepted(&asked.headers) {
        return reply;
    }
    let (mut head, body) = reply.into_parts();
    let body = match body {
        Outgoing::Full(bytes) if !bytes.is_empty() => match whole(bytes).await {
            Ok(bytes) => Outgoing::Full(bytes),
            Err(defect) => return error::reply(&Error::internal(defect), asked),
        },
        Outgoing::Stream(blocks, _) => Outgoing::Stream(by_blocks(blocks), None),
        nothing => return Reply::from_parts(head, nothing),
    };
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Reply::from_parts(head, body)
}

fn is_accepted(headers: &HeaderMap) -> bool {
    let named = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
        // compat: a weight of zero means that it is not accepted.
        matches!(name.trim().to_ascii_lowercase().as_str(), "gzip" | "x-gzip")
            && weight.is_none_or(|weight| weight > 0.0)
    })
}

async fn whole(bytes: Bytes) -> io::Result<Bytes> {
    fed(GzEncoder::new(Vec::new(), EFFORT), bytes).await?.finish().map(Bytes::from)
}

/// The blocks of an image, each as soon as it comes; little is kept.
fn by_blocks(blocks: Body) -> Body {
    let start = Some((blocks, GzEncoder::new(Vec::new(), EFFORT)));
    Box::pin(stream::try_unfold(start, |state| async {
        let Some((mut blocks, mut encoder)) = state else { return Ok(None) };
        while let Some(block) = blocks.next().await {
            encoder = fed(encoder, block?).await.map_err(BodyError::Medium)?;
            if !encoder.get_ref().is_empty() {
                let packed = mem::take(encoder.get_mut());
                return Ok(Some((packed.into(), Some((blocks, encoder)))));
            }
        }
        let last = encoder.finish().map_err(BodyError::Medium)?;
        Ok(Some((last.into(), None)))
    }))
}

/// Off the executor: a block takes milliseconds.
async fn fed(mut encoder: GzEncoder<Vec<u8>>, block: Bytes) -> io::Result<GzEncoder<Vec<u8>>> {
    let work = move || encoder.write_all(&block).map(|()| encoder);
    spawn_blocking(work).await.unwrap_or_else(|lost| Err(io::Error::other(lost)))
}
