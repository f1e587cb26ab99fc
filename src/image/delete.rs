//! Deleting an image: its bytes first, then its record, with a lease so that a crash in between is made good.

use std::sync::Arc;

use crate::app::App;
use crate::db::images;
use crate::db::leases::{self, Lease, Purpose};
use crate::db::moves;
use crate::error::{Error, Result};
use crate::image::removal;
use crate::model::identity::Identity;
use crate::model::image::Image;
use crate::model::lifecycle::Status;

/// How often a deletion begins anew because the image changed under it.
const ATTEMPTS_MAX: u32 = 5;

/// Deletes `image` and its data.
///
/// # Errors
/// `Forbidden` when it is protected or the store does not allow it, `Invalid` when its status does not, `NotFound`
/// when somebody else was faster.
pub async fn delete(app: &Arc<App>, image: &Image) -> Result<()> {
    // Who goes away meanwhile does not leave an image whose bytes are gone.
    let work = delete_whole(Arc::clone(app), image.clone());
    app.to_its_end(work).await
}

async fn delete_whole(app: Arc<App>, mut image: Image) -> Result<()> {
    for _ in 0..ATTEMPTS_MAX {
        if delete_as_it_stands(&app, &image).await? {
            return Ok(());
        }
        // It moved on while we worked, by an upload that ended or an action: look again.
        let found = images::find(&app.db, &image.id, &Identity::service()).await?;
        image = found.ok_or_else(|| Error::not_found(format!("Failed to find image {} to delete", image.id)))?;
    }
    Err(Error::conflict(format!("Image {} kept changing while it was deleted", image.id)))
}

async fn delete_as_it_stands(app: &App, image: &Image) -> Result<bool> {
    if image.protected {
        return Err(Error::forbidden(format!("Image {} is protected and cannot be deleted.", image.id)));
    }
    if !image.status.may_become(Status::Deleted) {
        let text = format!("Image status transition from {} to deleted is not allowed", image.status);
        return Err(Error::invalid(text));
    }
    let lease = Lease::new(Purpose::Delete, &image.id, &app.config.node);
    if !image.locations.is_empty() {
        if let Err(error) = moves::begin_delete(&app.db, &lease, app.clock.now()).await {
            // Who is told that it failed is not to find the image deleted when the lease has run out.
            if error.may_be_kept() {
                leases::release(&app.db, &lease).await?;
            }
            return Err(error.into());
        }
        if let Err(error) = remove_data(app, image).await {
            leases::release(&app.db, &lease).await?;
            return Err(error);
        }
    }
    Ok(moves::finish_delete(&app.db, &lease, image.status, app.clock.now()).await?)
}

/// The rest of a deletion that a crash cut off after it had begun.
///
/// # Errors
/// When store or database fail; it stays to be finished then.
pub async fn resume(app: &App, lease: &Lease, image: &Image) -> Result<()> {
    remove_data(app, image).await?;
    moves::finish_delete(&app.db, lease, image.status, app.clock.now()).await?;
    Ok(())
}

/// Removes the bytes at every location.
async fn remove_data(app: &App, image: &Image) -> Result<()> {
    for location in &image.locations {
        removal::bytes(app, &image.id, location).await?;
    }
    Ok(())
}
