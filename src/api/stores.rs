//! `/v2/stores/{store}/{image_id}`: one image in one store.

use hyper::StatusCode;

use crate::api::ctx::Call;
use crate::api::reply::{self, Reply};
use crate::error::{Error, Kind, Result};
use crate::image::removal;
use crate::model::lifecycle::Status;
use crate::policy::Rule;

/// `DELETE /v2/stores/{store}/{image_id}`: the image's data there, as long as it has some elsewhere.
pub(crate) async fn delete_data(call: Call) -> Result<Reply> {
    call.mutating()?;
    let stores = &call.app.config.stores;
    let (store, id) = (call.place(0), call.place(1));
    if !stores.multi {
        return Err(Error::new(Kind::NotFound));
    }
    if !stores.enabled.iter().any(|known| known.id == store) {
        return Err(Error::conflict(format!("The selected store {store} is not available on this node.")));
    }
    let found = call.image(id).await?;
    let image = found.ok_or_else(|| Error::not_found(format!("Failed to find image {id}")))?;
    call.allow_image(Rule::GetImageLocation, &image).await?;
    call.allow_image(Rule::DeleteImageLocation, &image).await?;
    if image.status != Status::Active {
        let text = "It's not allowed to remove image data from store if image status is not 'active'";
        return Err(Error::conflict(text));
    }
    if image.locations.len() == 1 {
        return Err(Error::forbidden(
            "Cannot delete image data from the only store containing it. Consider deleting the image instead.",
        ));
    }
    let there = image.locations.iter().find(|location| location.store() == Some(store));
    let there = there.ok_or_else(|| Error::not_found(format!("Image {id} is not stored in store {store}.")))?;
    removal::remove_one(&call.app, &image, there).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
