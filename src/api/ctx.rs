//! One request on its way through the API: who calls, and what for.

use std::sync::{Arc, Mutex};

use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method, Uri};

use crate::api::address;
use crate::api::headers::header;
use crate::api::query::Query;
use crate::api::rules::Said;
use crate::app::App;
use crate::blob::Body;
use crate::error::{Error, Kind, Result};
use crate::model::identity::Identity;
use crate::policy::Policy;

/// The head of a request, and who it came through.
pub struct Head {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The id of the request.
    pub request_id: String,
}

/// One request.
pub struct Call {
    /// All that it may reach.
    pub app: Arc<App>,
    /// The rules as they stood when it came: what was read for them is all that they ask for.
    pub policy: Arc<Policy>,
    /// Who calls.
    pub identity: Identity,
    /// The method.
    pub method: Method,
    /// Path and query, as the client sent them.
    pub uri: Uri,
    /// What stands in the places of the route's pattern, in order.
    pub places: Vec<String>,
    /// The query.
    pub query: Query,
    /// The headers.
    pub headers: HeaderMap,
    /// `https` when the client came that way.
    pub scheme: &'static str,
    /// The id of the request.
    pub request_id: String,
    /// What the client sends.
    pub body: RequestBody,
    /// What was asked already about properties that are protected.
    pub said_of_properties: Said,
}

/// What a client sends after the head of its request.
pub struct RequestBody {
    /// The length that the head declares.
    pub declared: Option<u64>,
    /// The bytes. Only ever taken out; the lock makes a `Call` something that tasks can share.
    bytes: Mutex<Option<Body>>,
}

impl RequestBody {
    /// A body of `declared` bytes; none when there cannot be any.
    pub fn new(declared: Option<u64>, bytes: Option<Body>) -> Self {
        Self { declared, bytes: Mutex::new(bytes) }
    }

    /// The bytes, once; nothing afterwards, or when there are none.
    pub fn take(&mut self) -> Body {
        let bytes = self.bytes.get_mut().ok().and_then(Option::take);
        bytes.unwrap_or_else(|| crate::blob::body([]))
    }
}

impl Call {
    /// A request of which nothing is known yet but what its head says.
    pub fn new(app: Arc<App>, head: Head, body: RequestBody) -> Self {
        Self {
            policy: app.policy.now(),
            app,
            identity: Identity::default(),
            method: head.method,
            uri: head.uri,
            places: Vec::new(),
            query: Query::default(),
            headers: head.headers,
            scheme: head.scheme,
            request_id: head.request_id,
            body,
            said_of_properties: Said::default(),
        }
    }

    /// What stands in place `at` of the route's pattern.
    pub fn place(&self, at: usize) -> &str {
        self.places.get(at).map_or("", String::as_str)
    }

    /// Header `name`, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The address at which the client reached this service, without a path of the API.
    pub fn base_url(&self) -> String {
        address::base_url(&self.headers, self.scheme, self.app.config.api.enable_proxy_headers_parsing)
    }

    /// Whether the client sends a body, by the reference's rule: a length above zero, or chunks with a method that
    /// takes a body.
    pub fn has_body(&self) -> bool {
        let chunked = self.headers.contains_key(TRANSFER_ENCODING);
        let takes_body = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        (chunked && takes_body) || self.body.declared.is_some_and(|length| length > 0)
    }

    /// Whether the head declares a length at all.
    pub fn declares_length(&self) -> bool {
        self.headers.contains_key(CONTENT_LENGTH)
    }

    /// Refuses callers that may change nothing.
    ///
    /// # Errors
    /// `Forbidden` for a caller without a token.
    pub fn mutating(&self) -> Result<()> {
        if self.identity.read_only {
            return Err(Error::new(Kind::Forbidden).adding("Read-only access"));
        }
        Ok(())
    }
}
