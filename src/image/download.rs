//! Reading an image's data: from the first of its locations that gives it.

use crate::app::App;
use crate::blob::Body;
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

/// The data of `image`, or the part of it in `range`.
///
/// # Errors
/// `NoContent` when there is none, `Invalid` for a range when no store that has it can give a part.
pub async fn download(app: &App, image: &Image, range: Option<ByteRange>) -> Result<Body> {
    let mut failure = Error::new(Kind::NoContent);
    for location in &image.locations {
        let store = match app.stores.of(location) {
            Ok(store) => store,
            Err(error) => {
                failure = error;
                continue;
            }
        };
        match store.get(&location.url, range).await {
            Ok(body) => return Ok(body),
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
        StoreError::Unsupported { what } => {
            Error::invalid(format!("Getting images randomly from this store is not supported: {what}"))
        }
        StoreError::Denied(cause) => Error::unavailable(cause),
        other => Error::internal(other),
    }
}
