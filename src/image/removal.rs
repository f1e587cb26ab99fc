//! Removing the bytes at some of an image's locations, and the locations with them.

use std::sync::Arc;

use crate::app::App;
use crate::db::images;
use crate::db::leases::{Lease, Purpose};
use crate::db::moves;
use crate::error::{Error, Result};
use crate::model::image::{Image, Location};
use crate::store::StoreError;

/// Removes the bytes at `location` of `image`, and the location with them, as `remove` does.
///
/// # Errors
/// As `remove`.
pub async fn remove_one(app: &Arc<App>, image: &Image, location: &Location) -> Result<()> {
    let (of, image, location) = (Arc::clone(app), image.clone(), location.clone());
    app.to_its_end(async move { remove(&of, &image, &[&location]).await }).await
}

/// Removes the bytes at `locations` of `image`, and the locations with them. Nobody sees them while that is under way; a
/// lease sees to it that a crash in between is made good.
///
/// # Errors
/// `Conflict` when somebody else works on the image, or when these are not its locations any more, or all that it has by
/// now. When the store fails, they stay.
pub(super) async fn remove(app: &App, image: &Image, locations: &[&Location]) -> Result<()> {
    let lease = Lease::new(Purpose::Remove, &image.id, &app.config.node);
    let ids: Vec<i64> = locations.iter().filter_map(|location| location.id).collect();
    match moves::begin_remove(&app.db, &lease, &ids, app.clock.now()).await {
        Ok(true) => {}
        Ok(false) => {
            return Err(Error::conflict(format!("Image {} changed while its locations were removed", image.id)));
        }
        Err(error) => {
            // Who is told that it failed is not to find them removed when the lease has run out.
            if error.may_be_kept() {
                moves::finish_remove(&app.db, &lease, false, app.clock.now()).await?;
            }
            return Err(error.into());
        }
    }
    let stay: Vec<&str> = image
        .locations
        .iter()
        .filter(|location| location.id.is_some_and(|id| !ids.contains(&id)))
        .map(|location| location.url.as_str())
        .collect();
    let mut removed = Ok(());
    for location in locations.iter().filter(|location| !stay.contains(&location.url.as_str())) {
        removed = removed.and(bytes(app, &image.id, location).await);
    }
    moves::finish_remove(&app.db, &lease, removed.is_ok(), app.clock.now()).await?;
    removed
}

/// The rest of a removal that a crash cut off after it had begun.
///
/// # Errors
/// When store or database fail; it stays to be finished then.
pub async fn resume(app: &App, lease: &Lease) -> Result<()> {
    for location in images::hidden_locations(&app.db, &lease.image_id).await? {
        bytes(app, &lease.image_id, &location).await?;
    }
    Ok(moves::finish_remove(&app.db, lease, true, app.clock.now()).await?)
}

/// Removes the bytes at `location`. What is not there is removed already, and what a store never removes is not ours.
///
/// # Errors
/// `Forbidden` when the store does not let us.
pub(super) async fn bytes(app: &App, image_id: &str, location: &Location) -> Result<()> {
    match app.stores.of(location)?.delete(&location.url).await {
        Ok(()) => Ok(()),
        Err(StoreError::NotFound { .. }) => {
            tracing::warn!(image_id, "there was no data of image {image_id} at a location that is removed");
            Ok(())
        }
        Err(StoreError::Unsupported { what }) => {
            tracing::warn!(image_id, "data of image {image_id} stays: the store does not support {what}");
            Ok(())
        }
        Err(StoreError::Denied(cause)) => {
            let text = format!("You cannot delete image data of image {image_id}");
            tracing::error!(image_id, "{text}: {cause}");
            Err(Error::forbidden(text))
        }
        Err(error) => Err(Error::internal(error)),
    }
}
