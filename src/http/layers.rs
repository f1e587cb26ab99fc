//! What every request passes on its way in and out: its id, its log line, the form of its body.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::{Body as HttpBody, Incoming};
use hyper::header::{EXPECT, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tracing::Instrument;

use crate::api::routes;
use crate::api::{Head, Outgoing, RequestBody, refuse};
use crate::app::App;
use crate::blob::pipe;
use crate::clock::new_uuid;
use crate::http::body::Received;

const REQUEST_ID: &str = "x-openstack-request-id";

/// Answers one request.
pub(super) async fn answer(
    app: Arc<App>,
    request: Request<Incoming>,
    scheme: &'static str,
) -> Result<Response<Outgoing>, Infallible> {
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let request_id = request_id(&request, app.config.api.max_request_id_length);
    let span = tracing::info_span!(
        "request",
        request_id = request_id.as_deref().unwrap_or_default(),
        user_id = tracing::field::Empty,
        project_id = tracing::field::Empty
    );
    let mut reply = match &request_id {
        Some(id) => {
            let (head, body) = taken_apart(&app, request, scheme, id.clone());
            routes::answer(app, head, body).instrument(span.clone()).await
        }
        None => refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "x-openstack-request-id is too long"),
    };
    if let Some(value) = request_id.and_then(|id| HeaderValue::from_str(&id).ok()) {
        reply.headers_mut().insert(REQUEST_ID, value);
    }
    span.in_scope(|| {
        let status = reply.status().as_u16();
        let bytes = reply.body().size_hint().exact().unwrap_or_default();
        let took_ms = begun.elapsed().as_millis();
        tracing::info!(status, bytes, took_ms, "{method} {path}");
    });
    Ok(reply)
}

/// The id of a request: the client's, with `req-` before it, or a new one. None when the client's is too long.
fn request_id(request: &Request<Incoming>, longest: usize) -> Option<String> {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    match given.filter(|given| !given.is_empty()) {
        Some(given) if longest > 0 && given.len() > longest => None,
        Some(given) if given.starts_with("req-") => Some(given.to_owned()),
        Some(given) => Some(format!("req-{given}")),
        None => Some(format!("req-{}", new_uuid())),
    }
}

fn taken_apart(app: &App, request: Request<Incoming>, scheme: &'static str, request_id: String) -> (Head, RequestBody) {
    let (parts, incoming) = request.into_parts();
    let waits = parts.headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let declared = incoming.size_hint().exact();
    let bytes = (!incoming.is_end_stream()).then(|| {
        let received = Received::new(incoming, waits, app.background.clone());
        pipe::blocks(pipe::stall_guarded(Box::pin(received), app.config.listener.stall_timeout))
    });
    let head = Head { method: parts.method, uri: parts.uri, headers: parts.headers, scheme, request_id };
    (head, RequestBody::new(declared, bytes))
}
