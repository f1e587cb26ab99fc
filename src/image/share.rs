//! Sharing an image with other projects: its members.

use crate::app::App;
use crate::db::members::Added;
use crate::db::{DbError, members};
use crate::error::{Error, Kind, Result};
use crate::model::image::{Image, Visibility};
use crate::model::member::{Member, MemberStatus};

/// Whether `image` can have members at all.
///
/// # Errors
/// `Forbidden` unless it is shared.
pub fn shareable(image: &Image) -> Result<()> {
    if image.visibility == Visibility::Shared {
        return Ok(());
    }
    Err(Error::forbidden("Only shared images have members."))
}

/// Shares `image` with project `member_id`.
///
/// # Errors
/// `Conflict` when it is a member already, `TooLarge` beyond the quota.
pub async fn add(app: &App, image: &Image, member_id: &str) -> Result<Member> {
    let quota = app.config.quotas.image_member_quota;
    match members::add(&app.db, &image.id, member_id, quota, app.clock.now()).await {
        Ok(Added::Member(member)) => Ok(member),
        Ok(Added::TooMany { attempted }) => Err(Error::too_large(format!(
            "Image member limit exceeded for image {}: The limit has been exceeded on the number of allowed image \
             members for this image. Attempted: {attempted}, Maximum: {}:",
            image.id,
            quota.unwrap_or_default()
        ))),
        Err(DbError::Duplicate) => {
            Err(Error::conflict(format!("Member {member_id} is duplicated for image {}", image.id)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes what `member` said to being given the image.
///
/// # Errors
/// `NotFound` when it is no member any more.
pub async fn answer(app: &App, member: &Member, status: MemberStatus) -> Result<Member> {
    let now = app.clock.now();
    if members::set_status(&app.db, member, status, now).await? {
        return Ok(Member { status, updated_at: Some(now), ..member.clone() });
    }
    Err(Error::new(Kind::NotFound))
}

/// Ends sharing with `member`.
///
/// # Errors
/// `NotFound` when it is no member any more.
pub async fn remove(app: &App, member: &Member) -> Result<()> {
    if members::remove(&app.db, member, app.clock.now()).await? {
        return Ok(());
    }
    Err(Error::new(Kind::NotFound))
}
