//! Reading an image's data: from the first of its locations that gives it.

use crate::app::App;
use crate::blob::{Body, pipe};
use crate::error::{Error, Kind, Result};
use crate::model::identity::Identity;
use crate::model::image::Image;
use crate::model::lifecycle::Status;
use crate::store::{ByteRange, StoreError};

/// Whether `who` may read the data of `image` as it stands now.
///
/// # Errors
/// `Forbidden` for a deactivated image, unless an administrator asks.
pub fn in_service(image: &Image, who: &Identity) -> Result<()> {
    if image.status == Status::Deactivated && !who.is_admin {
        let text = "The requested image has been deactivated. Image data download is forbidden.";
        return Err(Error::forbidden(text));
    }
    Ok(())
}

/// The data of `image`, which is `size` bytes long, or the part of it in `range`. What a store gives beyond or short of that
/// breaks the data off.
///
/// # Errors
/// `NoContent` when there is none, `Invalid` for a range when no store that has it can give a part, `Unavailable` when a
/// store is away.
pub async fn download(app: &App, image: &Image, size: u64, range: Option<ByteRange>) -> Result<Body> {
    let length = range.map_or(size, |range| range.length);
    let mut failure = Error::new(Kind::NoContent);
    for location in &image.locations {
        let store = match app.stores.of(location) {
            Ok(store) => store,
            Err(error) => {
                failure = error;
                continue;
            }
        };
        if let Some(range) = range.filter(|_| !store.capabilities().random_access) {
            failure = no_parts(range);
            continue;
        }
        match store.get(&location.url, range).await {
            Ok(body) => return Ok(pipe::exact(body, length)),
            Err(error) => {
                tracing::warn!(image_id = image.id, "image {} not read from a location: {error}", image.id);
                failure = read_failure(error);
            }
        }
    }
    Err(failure)
}

fn read_failure(error: StoreError) -> Error {
    match error {
        StoreError::NotFound { .. } => Error::new(Kind::NoContent),
        StoreError::Denied(cause) => Error::unavailable(cause),
        StoreError::Away(cause) => {
            Error::unavailable(cause).saying("Remote server where the image is present is unavailable.")
        }
        other => Error::internal(other),
    }
}

fn no_parts(range: ByteRange) -> Error {
    let ByteRange { start, length } = range;
    let text = "Getting images randomly from this store is not supported.";
    Error::invalid(format!("{text} Offset: {start}, length: {length}"))
}
