//! The limits of a single image: how many properties, tags and bytes it may have.

use crate::config::Quotas;
use crate::error::{Error, Result};
use crate::model::image::Image;

/// What the service itself notes does not count.
const RESERVED_PREFIX: &str = "os_glance";

/// Whether `image` has no more properties than it may.
///
/// # Errors
/// `TooLarge` when it has.
pub fn properties(quotas: &Quotas, image: &Image) -> Result<()> {
    let attempted = image.properties.keys().filter(|name| !name.starts_with(RESERVED_PREFIX)).count();
    within(quotas.image_property_quota, attempted, "properties")
}

/// Whether `attempted` tags are no more than an image may have.
///
/// # Errors
/// `TooLarge` when they are.
pub fn tags(quotas: &Quotas, attempted: usize) -> Result<()> {
    within(quotas.image_tag_quota, attempted, "tags")
}

/// Whether `attempted` locations are no more than an image may have.
///
/// # Errors
/// `TooLarge` when they are.
pub fn locations(quotas: &Quotas, attempted: usize) -> Result<()> {
    within(quotas.image_location_quota, attempted, "locations")
}

fn within(quota: Option<usize>, attempted: usize, what: &str) -> Result<()> {
    match quota {
        Some(maximum) if attempted > maximum => Err(Error::too_large(format!(
            "The limit has been exceeded on the number of allowed image {what}. \
             Attempted: {attempted}, Maximum: {maximum}"
        ))),
        _ => Ok(()),
    }
}

/// What an uploader is told for whose bytes, as many as are known, the project has no room.
pub fn no_room(bytes: Option<i64>, left: i64) -> Error {
    let bytes = bytes.map_or_else(|| "None".to_owned(), |bytes| bytes.to_string());
    Error::too_large(format!(
        "Image exceeds the storage quota: The size of the data {bytes} will exceed the limit. {left} bytes remaining."
    ))
}

/// What somebody is told who names more places than the project has room for.
pub fn no_room_for_locations(needed: i64, left: i64) -> Error {
    Error::too_large(format!(
        "Denying attempt to upload image because it exceeds the quota: The size of the data {needed} will exceed the \
         limit. {left} bytes remaining."
    ))
}

/// What an uploader is told whose bytes are too many.
pub fn too_many_bytes() -> Error {
    Error::too_large("The incoming image is too large: The provided image is too large.")
}
