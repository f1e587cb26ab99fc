//! What goes back: status, headers, and a body that is nothing, a few bytes, or an image.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::blob::{Body, BodyError};
use crate::error::{Error, Result};

/// An answer.
pub type Reply = Response<Outgoing>;

/// The body of an answer.
pub enum Outgoing {
    /// Nothing.
    Empty,
    /// All at once.
    Full(Bytes),
    /// An image's bytes as they come from its store, and how many there will be, where that is known.
    Stream(Body, Option<u64>),
}

/// An image takes about so many bytes of JSON: an answer that is no longer is written without moving it.
const USUAL_BYTES: usize = 2 << 10;

/// `value` as JSON.
///
/// # Errors
/// When `value` cannot be JSON, which is a defect.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Reply> {
    json_list(status, value, 1)
}

/// `value`, in which there are `count` things, as JSON.
///
/// # Errors
/// As of `json`.
pub(crate) fn json_list(status: StatusCode, value: &impl Serialize, count: usize) -> Result<Reply> {
    let mut text = Vec::with_capacity(USUAL_BYTES * count.max(1));
    serde_json::to_writer(&mut text, value).map_err(Error::internal)?;
    Ok(with_type(status, "application/json", Outgoing::Full(text.into())))
}

/// No body, with the headers that the reference sends then.
pub(crate) fn empty(status: StatusCode) -> Reply {
    with_type(status, "text/html; charset=UTF-8", Outgoing::Empty)
}

/// No body, and no header that speaks of one.
pub(crate) fn bare(status: StatusCode) -> Reply {
    let mut reply = Response::new(Outgoing::Empty);
    *reply.status_mut() = status;
    reply
}

pub(crate) fn with_type(status: StatusCode, content_type: &'static str, body: Outgoing) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match this {
            Self::Empty => Poll::Ready(None),
            Self::Full(_) => {
                let Self::Full(bytes) = std::mem::replace(this, Self::Empty) else {
                    return Poll::Ready(None);
                };
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Stream(body, left) => match body.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(block))) => {
                    *left = left.map(|left| left.saturating_sub(block.len() as u64));
                    Poll::Ready(Some(Ok(Frame::data(block))))
                }
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_, left) => left.map_or_else(SizeHint::new, SizeHint::with_exact),
        }
    }
}
