//! Where image bytes live: the trait that every driver implements, and its errors.

use std::future::Future;
use std::pin::Pin;

use serde_json::{Map, Value};

use crate::blob::{Body, BodyError};

pub mod filesystem;
pub mod http;
pub mod registry;

/// A boxed future: the registry keeps drivers of every type in one map.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// One place that keeps image bytes. An object's name is an image id; its address afterwards is a URL
/// whose form is the reference's (`file:///…`, `rbd://…`), so that either server reads what the other wrote.
pub trait Store: Send + Sync {
    /// What this store can do.
    fn capabilities(&self) -> Capabilities;

    /// Whether `url` has the form of this store's locations, so that this store is the one to ask about it.
    fn owns(&self, url: &str) -> bool;

    /// Whether a client may name `url` as a place of an image's bytes. Not so what is on this machine: it might be anything.
    fn admits<'a>(&'a self, url: &'a str) -> StoreFuture<'a, bool>;

    /// Writes `body` as the object of `id`, `expected` bytes as far as anybody knows. It is visible and durable when the future ends well, and nothing
    /// of it is left when it does not. When the future is dropped, nothing is left soon after: what a thread or a
    /// server is still busy with is removed behind the caller's back.
    ///
    /// # Errors
    /// `Exists` when there is such an object already; `Body` when `body` broke.
    fn put<'a>(&'a self, id: &'a str, body: Body, expected: Option<u64>) -> StoreFuture<'a, Placed>;

    /// Opens the object at `url`, or the part of it in `range`.
    fn get<'a>(&'a self, url: &'a str, range: Option<ByteRange>) -> StoreFuture<'a, Body>;

    /// Removes the object at `url`.
    fn delete<'a>(&'a self, url: &'a str) -> StoreFuture<'a, ()>;

    /// The size of the object at `url` in bytes.
    fn size<'a>(&'a self, url: &'a str) -> StoreFuture<'a, u64>;

    /// Removes everything that a `put` for `id` left behind when its process was killed, finished or not.
    /// Only for ids that no location names.
    fn discard<'a>(&'a self, id: &'a str) -> StoreFuture<'a, ()>;
}

/// What a store can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// New objects can be written.
    pub add: bool,
    /// Objects can be removed.
    pub delete: bool,
    /// A part of an object can be read without reading what is before it.
    pub random_access: bool,
}

/// An object that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Where it is.
    pub url: String,
    /// How long it is, in bytes.
    pub size: u64,
    /// What the store wants noted beside the URL.
    pub metadata: Map<String, Value>,
}

/// A part of an object: `length` bytes from `start` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub start: u64,
    /// How many bytes.
    pub length: u64,
}

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such object.
    #[error("no object at {url}")]
    NotFound {
        /// Where it was looked for.
        url: String,
    },
    /// There is such an object already.
    #[error("an object for image {id} exists already")]
    Exists {
        /// The image.
        id: String,
    },
    /// No room is left.
    #[error("the storage is full")]
    Full(#[source] std::io::Error),
    /// No folder has room for what is to come.
    #[error("no folder has room for {wanted} bytes")]
    NoRoom {
        /// How much that would be, as far as it is known.
        wanted: u64,
    },
    /// The store may not write, or not remove.
    #[error("permission denied by the storage")]
    Denied(#[source] std::io::Error),
    /// The URL is not one of this store.
    #[error("malformed location: {reason}")]
    BadUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// The server that holds the object was not reached.
    #[error("the server of the storage is away: {0}")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store cannot do this at all.
    #[error("the store does not support {what}")]
    Unsupported {
        /// What was asked.
        what: &'static str,
    },
    /// The data that was to be written broke off.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Anything else.
    #[error("storage failed: {0}")]
    Io(#[from] std::io::Error),
}

impl StoreError {
    /// Whether asking again cannot help.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::Full(_) | Self::NoRoom { .. } | Self::Away(_))
    }
}

/// Whether `value` may stand in what is noted beside a URL: texts, and lists and objects of them.
pub fn may_be_noted(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(values) => values.iter().all(may_be_noted),
        Value::Object(members) => members.values().all(may_be_noted),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
