//! The body of a request as the rest of the service knows it, and what becomes of one that nobody read to its end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Incoming};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::blob::BodyError;

/// How long the rest of a body is read after its request was answered without it. A client that is still sending
/// would otherwise have its connection reset, and never see the answer.
const LINGER_MAX: Duration = Duration::from_secs(30);
/// How long nothing of it may come.
const LINGER_IDLE_MAX: Duration = Duration::from_secs(5);

/// The blocks that a client sends. Dropped before the end, it has the rest read away in the background.
pub(super) struct Received {
    incoming: Option<Incoming>,
    /// The client waits for a word before it sends: not reading is the answer then.
    waits: bool,
    background: TaskTracker,
}

impl Received {
    pub(super) fn new(incoming: Incoming, waits: bool, background: TaskTracker) -> Self {
        Self { incoming: Some(incoming), waits, background }
    }
}

impl Stream for Received {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.waits = false;
        loop {
            let Some(incoming) = &mut this.incoming else {
                return Poll::Ready(None);
            };
            match Pin::new(incoming).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(block) if !block.is_empty() => return Poll::Ready(Some(Ok(block))),
                    // Trailers mean nothing here.
                    _ => {}
                },
                Poll::Ready(Some(Err(error))) => {
                    this.incoming = None;
                    return Poll::Ready(Some(Err(BodyError::Broken(io::Error::other(error)))));
                }
                Poll::Ready(None) => {
                    this.incoming = None;
                    return Poll::Ready(None);
                }
            }
        }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Some(incoming) = self.incoming.take()
            && !self.waits
            && !incoming.is_end_stream()
        {
            self.background.spawn(linger(incoming));
        }
    }
}

async fn linger(mut incoming: Incoming) {
    let rest = async { while let Ok(Some(Ok(_))) = timeout(LINGER_IDLE_MAX, incoming.frame()).await {} };
    if timeout(LINGER_MAX, rest).await.is_err() {
        tracing::debug!("client kept sending after its answer: cutting the connection");
    }
}
