//! Keystone's limits for a project, where they hold: what is refused by them, and what is to be heeded when it is done.
//!
//! Each is looked at twice: here, before anything else, as the reference does, and in the transaction that takes what is
//! left, so that requests side by side never take more.

use crate::app::App;
use crate::db::images::CountLimit;
use crate::db::storage::{self, Allowance, MEBIBYTE, Room, Storage};
use crate::db::usage::{self, Usage};
use crate::error::{Error, Result};
use crate::model::limits::{Limits, Resource};

/// How many images `project` may have; none for as many as it likes.
///
/// # Errors
/// `TooLarge` when it has so many, `Unavailable` when Keystone cannot say.
pub async fn for_image(app: &App, project: Option<&str>) -> Result<Option<CountLimit>> {
    let Some(limits) = of(app, project).await? else { return Ok(None) };
    let Some(most) = limits.of(Resource::ImageCountTotal) else { return Ok(None) };
    let there = usage::count_images(&app.db, project).await?;
    let limit = CountLimit { project: project.map(str::to_owned), most };
    if there >= most { Err(too_many_images(&limit, there)) } else { Ok(Some(limit)) }
}

/// What an upload of `size` bytes by `project` has to heed by limits in Keystone; none where they do not hold.
///
/// # Errors
/// `TooLarge` when there is no room for it, `Unavailable` when Keystone cannot say.
pub async fn for_upload(app: &App, project: Option<&str>, size: Option<i64>) -> Result<Option<Allowance>> {
    let Some(limits) = of(app, project).await? else { return Ok(None) };
    let allowance = Allowance {
        project: project.map(str::to_owned),
        storage: limits.of(Resource::ImageSizeTotal).map_or(Storage::Unlimited, Storage::Mebibytes),
        uploading: limits.of(Resource::ImageCountUploading),
    };
    if let Storage::Mebibytes(most) = allowance.storage {
        let room = storage::look(&app.db, &allowance).await?;
        if !allowance.storage.holds(size, room) {
            return Err(too_much_data(project, most, size, room));
        }
    }
    Ok(Some(allowance))
}

/// What `project` has and may have; none where limits in Keystone do not hold.
///
/// # Errors
/// `Unavailable` when Keystone cannot say.
pub async fn usage(app: &App, project: Option<&str>) -> Result<Option<(Limits, Usage)>> {
    let Some(limits) = of(app, project).await? else { return Ok(None) };
    Ok(Some((limits, usage::of(&app.db, project).await?)))
}

/// How much of `resource` that is, in its unit.
pub fn amount(usage: &Usage, resource: Resource) -> i64 {
    match resource {
        Resource::ImageSizeTotal => usage.stored_bytes / MEBIBYTE,
        Resource::ImageStageTotal => usage.staged_bytes / MEBIBYTE,
        Resource::ImageCountTotal => usage.images,
        Resource::ImageCountUploading => usage.uploading,
    }
}

/// What a project is told that has as many images as it may.
pub fn too_many_images(limit: &CountLimit, there: i64) -> Error {
    over(limit.project.as_deref(), Resource::ImageCountTotal, limit.most, there, 1)
}

/// What a project is told that has more uploads than it may.
pub fn too_many_uploads(project: Option<&str>, most: i64, uploading: i64) -> Error {
    over(project, Resource::ImageCountUploading, most, uploading, 0)
}

/// What a project is told that has no room for data of `size`.
pub fn too_much_data(project: Option<&str>, most: i64, size: Option<i64>, room: Room) -> Error {
    let delta = size.unwrap_or(0).div_euclid(MEBIBYTE);
    over(project, Resource::ImageSizeTotal, most, room.used / MEBIBYTE, delta)
}

fn over(project: Option<&str>, resource: Resource, limit: i64, usage: i64, delta: i64) -> Error {
    let (project, resource) = (project.unwrap_or("None"), resource.name());
    Error::too_large(format!(
        "The request returned a 413 Request Entity Too Large. This generally means that rate limiting or a quota threshold \
         was breached.\n\nThe response body:\nProject {project} is over a limit for [Resource {resource} is over limit of \
         {limit} due to current usage {usage} and delta {delta}]"
    ))
}

async fn of(app: &App, project: Option<&str>) -> Result<Option<Limits>> {
    match &app.limits {
        Some(limits) => limits.of(project).await.map(Some),
        None => Ok(None),
    }
}
