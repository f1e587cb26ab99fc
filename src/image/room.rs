//! Room for an upload: what it may take of its project's storage quota is reserved before the first byte. An upload that
//! does not say how long it is reserves in steps while it comes.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use crate::app::App;
use crate::blob::{Body, BodyError};
use crate::db::leases::Lease;
use crate::db::storage::{self, Allowance, Reserved, Room, Storage};
use crate::error::{Error, Result};
use crate::image::{limits, quota};

/// How much an upload of unknown length reserves at a time, in bytes: little enough to leave room for others, and a
/// trip to the database is nothing beside the transfer of so many.
const STEP: i64 = 64 << 20;

/// What new data of `project` has to heed by the configuration; none without a quota, or where limits in Keystone hold.
pub fn allowance(app: &App, project: Option<&str>) -> Option<Allowance> {
    let quota = app.config.quotas.user_storage_quota.filter(|_| app.limits.is_none())?;
    let storage = Storage::Bytes(i64::try_from(quota).unwrap_or(i64::MAX));
    Some(Allowance { project: project.map(str::to_owned), storage, uploading: None })
}

/// What an uploader is told for whose bytes, as many as are known, `allowance` has no room.
pub fn refused(allowance: &Allowance, size: Option<i64>, room: Room) -> Error {
    match allowance.storage {
        Storage::Mebibytes(most) => limits::too_much_data(allowance.project.as_deref(), most, size, room),
        Storage::Bytes(_) | Storage::Unlimited => quota::no_room(size, room.left),
    }
}

/// `bytes`, of which each block passes only when there is room for it.
pub fn reserved_on_the_way(app: &Arc<App>, lease: &Lease, allowance: Allowance, bytes: Body) -> Body {
    let meter = Meter { app: Arc::clone(app), lease: lease.clone(), allowance, bytes, received: 0, reserved: 0 };
    Box::pin(stream::unfold(Some(meter), |meter| async move {
        let mut meter = meter?;
        let block = match meter.bytes.next().await? {
            Ok(block) => block,
            Err(error) => return Some((Err(error), None)),
        };
        match meter.make_room(block.len()).await {
            Ok(()) => Some((Ok(block), Some(meter))),
            Err(error) => Some((Err(BodyError::Refused(Box::new(error))), None)),
        }
    }))
}

struct Meter {
    app: Arc<App>,
    lease: Lease,
    allowance: Allowance,
    bytes: Body,
    received: i64,
    reserved: i64,
}

impl Meter {
    async fn make_room(&mut self, length: usize) -> Result<()> {
        self.received = self.received.saturating_add(i64::try_from(length).unwrap_or(i64::MAX));
        if self.received <= self.reserved {
            return Ok(());
        }
        let wanted = self.received.saturating_add(STEP);
        match storage::reserve(&self.app.db, &self.lease, &self.allowance, self.received, wanted).await? {
            Reserved::Bytes(bytes) => {
                self.reserved = bytes;
                Ok(())
            }
            Reserved::Full(room) => Err(refused(&self.allowance, Some(self.received), room)),
            Reserved::Lost => Err(Error::gone(format!("Image {} was taken from this upload.", self.lease.image_id))),
        }
    }
}
