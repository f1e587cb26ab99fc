//! `/v2/images/{image_id}/tags/{tag_value}`: put on and take off.

use hyper::StatusCode;

use crate::api::ctx::Call;
use crate::api::reply::{self, Reply};
use crate::api::{attributes, ownership};
use crate::error::{Error, Kind, Result};
use crate::image::{quota, update};
use crate::model::image::Image;
use crate::policy::Rule;

/// `PUT /v2/images/{image_id}/tags/{tag_value}`.
pub(crate) async fn put(call: Call) -> Result<Reply> {
    attributes::tag(call.place(1))?;
    let before = changeable(&call, "update").await?;
    let mut after = before.clone();
    after.tags.insert(call.place(1).to_owned());
    quota::tags(&call.app.config.quotas, after.tags.len())
        .map_err(|error| Error::too_large(format!("Image tag limit exceeded for image {}: {error}:", before.id)))?;
    update::save(&call.app, &before, after, call.identity.project_id.as_deref()).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /v2/images/{image_id}/tags/{tag_value}`.
pub(crate) async fn delete(call: Call) -> Result<Reply> {
    let before = changeable(&call, "delete").await?;
    let mut after = before.clone();
    if !after.tags.remove(call.place(1)) {
        return Err(Error::new(Kind::NotFound));
    }
    update::save(&call.app, &before, after, call.identity.project_id.as_deref()).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

async fn changeable(call: &Call, verb: &str) -> Result<Image> {
    call.mutating()?;
    let id = call.place(0);
    let found = call.image(id).await?;
    let image = found.ok_or_else(|| Error::not_found(format!("Image {id} not found.")))?;
    call.allow_by_rule(Rule::ModifyImage, &image).await?;
    ownership::of_image(call, Rule::ModifyImage, &image)
        .map_err(|_| Error::forbidden(format!("Not allowed to {verb} tags for image {id}.")))?;
    Ok(image)
}
