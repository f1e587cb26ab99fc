//! One request on its way through the API: who calls, what for, and the policy to ask.

use std::sync::{Arc, Mutex};

use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method};

use crate::api::query::Query;
use crate::api::{address, ownership, protection, rules};
use crate::app::App;
use crate::blob::Body;
use crate::db::images;
use crate::error::{Error, Kind, Result};
use crate::model::identity::Identity;
use crate::model::image::Image;
use crate::policy::{ImageTarget, Rule, Target};

/// One request.
pub struct Call {
    /// All that it may reach.
    pub app: Arc<App>,
    /// Who calls.
    pub identity: Identity,
    /// The method.
    pub method: Method,
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

    /// The image `id`, as far as the caller may see it, with its locations in the order in which they are read; none if
    /// not at all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn image(&self, id: &str) -> Result<Option<Image>> {
        let mut found = images::find(&self.app.db, id, &self.identity).await?;
        if let Some(image) = &mut found {
            self.app.stores.arrange(&mut image.locations);
        }
        protection::hide(self, found.as_mut_slice());
        Ok(found)
    }

    /// Asks `rule` about `target`.
    ///
    /// # Errors
    /// `Forbidden` when it does not hold.
    pub async fn allow(&self, rule: Rule, target: &dyn Target) -> Result<()> {
        if rules::hold(&self.app, rule, &self.identity, target).await {
            return Ok(());
        }
        Err(Error::forbidden(format!("You are not authorized to complete {} action.", rule.name())))
    }

    /// `image` as a target, as this caller sees it.
    pub fn target_of<'a>(&'a self, image: &'a Image) -> ImageTarget<'a> {
        ImageTarget { image, caller: &self.identity }
    }

    /// Asks `rule` about `image`, and whose it is where the reference does.
    ///
    /// # Errors
    /// `Forbidden` when it does not hold, or `NotFound` when the caller may not even know that the image is there.
    pub async fn allow_image(&self, rule: Rule, image: &Image) -> Result<()> {
        self.allow_by_rule(rule, image).await?;
        ownership::of_image(self, rule, image)
    }

    /// Asks `rule` about `image`, and nothing else.
    ///
    /// # Errors
    /// As of `allow_image`.
    pub async fn allow_by_rule(&self, rule: Rule, image: &Image) -> Result<()> {
        let target = self.target_of(image);
        let Err(refusal) = self.allow(rule, &target).await else { return Ok(()) };
        let seen = rule != Rule::GetImage && self.allow(Rule::GetImage, &target).await.is_ok();
        Err(if seen { refusal } else { Error::new(Kind::NotFound) })
    }
}

/// Header `name`, if it is there and is text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
