//! What the pages of other sites may do here: the answers to their browsers' questions (Fetch, "CORS protocol").
//!
//! Every answer of the API passes here last. The rules are those of oslo.middleware.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, ORIGIN, VARY,
};
use hyper::{Method, Response};

use crate::api::error::{Asked, header_text};
use crate::api::reply::{Outgoing, Reply};
use crate::config::Cors;

/// Headers that a page may always send.
const SIMPLE_HEADERS: [&str; 8] = [
    "Accept",
    "Accept-Language",
    "Content-Type",
    "Cache-Control",
    "Content-Language",
    "Expires",
    "Last-Modified",
    "Pragma",
];

/// `reply` with what the browser of the page that asked has to know.
pub(crate) fn shared(options: &Cors, asked: &Asked, reply: Reply) -> Reply {
    let origin = header_text(&asked.headers, &ORIGIN).and_then(|origin| allowed(options, &origin));
    if asked.method == Method::OPTIONS {
        // Whatever the API has to say about this method: a question before the request is never refused.
        let mut reply = if reply.status().is_success() { reply } else { Response::new(Outgoing::Empty) };
        if let Some(origin) = origin {
            permit(options, asked, &origin, &mut reply);
        }
        return reply;
    }
    let mut reply = reply;
    if let Some(origin) = origin {
        name_origin(options, &origin, &mut reply);
        if !options.expose_headers.is_empty() {
            set(&mut reply, ACCESS_CONTROL_EXPOSE_HEADERS, &options.expose_headers.join(","));
        }
    }
    reply
}

/// What an answer calls `origin`; none when its pages may not call.
fn allowed(options: &Cors, origin: &str) -> Option<String> {
    let has = |wanted: &str| options.allowed_origin.iter().any(|allowed| allowed == wanted);
    [origin, "*"].into_iter().find(|name| has(name)).map(str::to_owned)
}

/// Permits the request that a page wants to send, if it may be sent.
fn permit(options: &Cors, asked: &Asked, origin: &str, reply: &mut Reply) {
    let Some(method) = header_text(&asked.headers, &ACCESS_CONTROL_REQUEST_METHOD) else { return };
    let wanted = header_text(&asked.headers, &ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let wanted: Vec<&str> = wanted.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let may_send = |name: &&str| {
        let configured = options.allow_headers.iter().map(String::as_str);
        configured.chain(SIMPLE_HEADERS).any(|allowed| allowed.eq_ignore_ascii_case(name))
    };
    if !options.allow_methods.contains(&method) || !wanted.iter().all(may_send) {
        return;
    }
    name_origin(options, origin, reply);
    if let Some(seconds) = options.max_age.filter(|seconds| *seconds > 0) {
        set(reply, ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
    }
    set(reply, ACCESS_CONTROL_ALLOW_METHODS, &method);
    if !wanted.is_empty() {
        set(reply, ACCESS_CONTROL_ALLOW_HEADERS, &wanted.join(","));
    }
}

fn name_origin(options: &Cors, origin: &str, reply: &mut Reply) {
    let varies = header_text(reply.headers(), &VARY).map_or_else(|| "Origin".to_owned(), |vary| vary + ",Origin");
    set(reply, VARY, &varies);
    set(reply, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if options.allow_credentials {
        set(reply, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
}

/// Sets a header, unless the operator's text for it can be none.
fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}
