//! Taking an active image out of service and back.

use crate::app::App;
use crate::db::images::{self, Updated};
use crate::error::{Error, Result};
use crate::model::image::Image;
use crate::model::lifecycle::Status;

/// Takes `image` out of service. One that is out already stays so.
///
/// # Errors
/// `Forbidden` unless it is active or deactivated.
pub async fn deactivate(app: &App, image: &Image) -> Result<()> {
    switch(app, image, "deactivate", Status::Active, Status::Deactivated).await
}

/// Puts `image` back into service. One that is in service already stays so.
///
/// # Errors
/// `Forbidden` unless it is active or deactivated.
pub async fn reactivate(app: &App, image: &Image) -> Result<()> {
    switch(app, image, "reactivate", Status::Deactivated, Status::Active).await
}

async fn switch(app: &App, image: &Image, verb: &str, from: Status, to: Status) -> Result<()> {
    if image.status == to {
        return Ok(());
    }
    if image.status != from {
        return Err(Error::forbidden(format!("Not allowed to {verb} image in status '{}'", image.status)));
    }
    let after = Image { status: to, ..image.clone() };
    if images::update(&app.db, image, &after, None, app.clock.now()).await? == Updated::Yes {
        tracing::info!(image_id = image.id, "image {} is {to}", image.id);
        return Ok(());
    }
    Err(Error::conflict(format!("Image {} changed while it was switched", image.id)))
}
