//! Image bytes on web servers that others keep: they are read, and neither written nor removed (Glance's `http` store).

use crate::blob::Body;
use crate::fetch::{FetchError, Fetcher};
use crate::store::{ByteRange, Capabilities, Placed, Store, StoreError, StoreFuture};

/// All web servers, as one store.
pub struct WebStore {
    fetcher: Fetcher,
}

impl WebStore {
    /// A store that reads through `fetcher`.
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher }
    }
}

impl Store for WebStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { add: false, delete: false, random_access: false }
    }

    fn owns(&self, url: &str) -> bool {
        url.starts_with("http://") || url.starts_with("https://")
    }

    fn admits<'a>(&'a self, url: &'a str) -> StoreFuture<'a, bool> {
        Box::pin(async move { Ok(self.owns(url) && self.fetcher.guard().admits(url).await) })
    }

    fn put<'a>(&'a self, _: &'a str, _: Body, _: Option<u64>) -> StoreFuture<'a, Placed> {
        Box::pin(async { Err(StoreError::Unsupported { what: "adding images" }) })
    }

    fn get<'a>(&'a self, url: &'a str, range: Option<ByteRange>) -> StoreFuture<'a, Body> {
        Box::pin(async move {
            if range.is_some() {
                return Err(StoreError::Unsupported { what: "reading parts" });
            }
            Ok(self.fetcher.get(url).await.map_err(|error| failure(error, url))?.bytes)
        })
    }

    fn delete<'a>(&'a self, _: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async { Err(StoreError::Unsupported { what: "deleting images" }) })
    }

    fn size<'a>(&'a self, url: &'a str) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            let length = self.fetcher.length(url).await.map_err(|error| failure(error, url))?;
            Ok(length.unwrap_or(0))
        })
    }

    fn discard<'a>(&'a self, _: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn failure(error: FetchError, url: &str) -> StoreError {
    match error {
        FetchError::NotFound => StoreError::NotFound { url: url.to_owned() },
        FetchError::Refused(reason) => StoreError::BadUrl { reason },
        FetchError::Away(cause) => StoreError::Away(cause.into()),
    }
}
