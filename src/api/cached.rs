//! `/v2/cache…`: the image cache, which is off. Who may not ask is told so; everybody else, that there is none.

use crate::api::ctx::Call;
use crate::api::reply::Reply;
use crate::error::{Error, Result};
use crate::model::image::Image;
use crate::policy::{Nothing, Rule};

/// `GET /v2/cache`.
pub(crate) async fn show(call: Call) -> Result<Reply> {
    off(&call, Rule::CacheList).await
}

/// `DELETE /v2/cache`.
pub(crate) async fn clear(call: Call) -> Result<Reply> {
    off(&call, Rule::CacheDelete).await
}

/// `POST /v2/cache/clean`.
pub(crate) async fn clean(call: Call) -> Result<Reply> {
    off(&call, Rule::CacheClean).await
}

/// `POST /v2/cache/prune`.
pub(crate) async fn prune(call: Call) -> Result<Reply> {
    off(&call, Rule::CachePrune).await
}

/// `GET /v2/cache/nodes/{image_id}`.
pub(crate) async fn nodes(call: Call) -> Result<Reply> {
    off(&call, Rule::ListCachedNodes).await
}

/// `PUT /v2/cache/{image_id}`.
pub(crate) async fn queue(call: Call) -> Result<Reply> {
    let image = find(&call).await?;
    call.allow(Rule::CacheImage, &call.target_of(&image)).await?;
    Err(none_here())
}

/// `DELETE /v2/cache/{image_id}`. compat: the reference fails with 500 on an image that is not there.
pub(crate) async fn delete(call: Call) -> Result<Reply> {
    let image = find(&call).await?;
    call.allow(Rule::CacheDelete, &call.target_of(&image)).await?;
    Err(none_here())
}

async fn find(call: &Call) -> Result<Image> {
    let id = call.place(0);
    let found = call.image(id).await?;
    found.ok_or_else(|| Error::not_found(format!("Image {id} not found.")))
}

async fn off(call: &Call, rule: Rule) -> Result<Reply> {
    call.allow(rule, &Nothing).await?;
    Err(none_here())
}

fn none_here() -> Error {
    Error::not_found("Caching via API is not supported at this site.")
}
