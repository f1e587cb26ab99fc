//! Our error in the form of Keystone's.

use hyper::StatusCode;
use hyper::header::{HeaderValue, WWW_AUTHENTICATE};
use serde_json::json;

use crate::api::error::{log, status};
use crate::api::reply::{Outgoing, Reply, with_type};
use crate::error::{Error, Text};

/// The answer to a request that failed with `error`. It is logged here if it is ours.
pub(super) fn reply(error: &Error, identity_url: &str) -> Reply {
    log(error);
    let status = status(error.kind());
    let mut reply = match error.text() {
        Text::Standard => told(status, sentence(status)),
        Text::Instead(text) | Text::Beside(text) => told(status, text),
    };
    // A Host header that cannot stand in an answer leaves the hint out.
    if status == StatusCode::UNAUTHORIZED
        && let Ok(realm) = HeaderValue::from_str(&format!("Keystone uri=\"{identity_url}\""))
    {
        reply.headers_mut().insert(WWW_AUTHENTICATE, realm);
    }
    reply
}

/// 405: the path exists, this method of it does not.
pub(super) fn method_not_allowed() -> Reply {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    told(status, sentence(status))
}

fn told(status: StatusCode, message: &str) -> Reply {
    let title = status.canonical_reason().unwrap_or("");
    let body = json!({ "error": { "code": status.as_u16(), "message": message, "title": title } });
    with_type(status, "application/json", Outgoing::Full(body.to_string().into()))
}

/// The sentence that a status has by itself.
fn sentence(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => {
            "The server could not comply with the request since it is either malformed or otherwise incorrect. The \
             client is assumed to be in error."
        }
        401 => "The request you have made requires authentication.",
        403 => "You are not authorized to perform the requested action.",
        404 => "The resource could not be found.",
        405 => "The method is not allowed for the requested URL.",
        503 => "The service is temporarily unable to process the request.",
        _ => "An unexpected error prevented the server from fulfilling your request.",
    }
}
