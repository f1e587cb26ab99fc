//! `/v2/images/{image_id}/actions/…`: out of service and back.

use hyper::StatusCode;

use crate::api::ctx::Call;
use crate::api::images;
use crate::api::reply::{self, Reply};
use crate::error::Result;
use crate::image::state;
use crate::policy::Rule;

/// `POST /v2/images/{image_id}/actions/deactivate`.
pub(crate) async fn deactivate(call: Call) -> Result<Reply> {
    call.mutating()?;
    let image = images::find(&call).await?;
    call.allow_image(Rule::Deactivate, &image).await?;
    state::deactivate(&call.app, &image).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /v2/images/{image_id}/actions/reactivate`.
pub(crate) async fn reactivate(call: Call) -> Result<Reply> {
    call.mutating()?;
    let image = images::find(&call).await?;
    call.allow_image(Rule::Reactivate, &image).await?;
    state::reactivate(&call.app, &image).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
