//! Making an image: its record, without data yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::App;
use crate::clock::new_uuid;
use crate::db::DbError;
use crate::db::images::{self, CountLimit, IdBy, Inserted};
use crate::error::{Error, Result};
use crate::image::{limits, quota, update};
use crate::model::image::{Image, Visibility};
use crate::model::lifecycle::Status;

/// A new image as it is before anything is known about it: `queued`, shared, with an id of its own.
pub fn blank(app: &App) -> Image {
    let now = app.clock.now();
    Image {
        id: new_uuid().to_string(),
        name: None,
        status: Status::Queued,
        visibility: Visibility::Shared,
        owner: None,
        container_format: None,
        disk_format: None,
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        min_disk: 0,
        min_ram: 0,
        protected: false,
        os_hidden: false,
        created_at: now,
        updated_at: Some(now),
        properties: BTreeMap::new(),
        tags: BTreeSet::new(),
        locations: Vec::new(),
    }
}

/// Writes `image`, which is new and has its id by `id_by`, if that fits into `limit`, where there is one.
///
/// # Errors
/// `TooLarge` beyond a quota, `Invalid` for a number that the database cannot hold, `Conflict` when the id was ever used.
pub async fn create(app: &App, image: &Image, id_by: IdBy, limit: Option<&CountLimit>) -> Result<()> {
    quota::properties(&app.config.quotas, image)?;
    update::numbers_fit(image)?;
    match (images::insert(&app.db, image, id_by, limit).await, limit) {
        (Err(DbError::Duplicate), _) => Err(Error::conflict(format!("Image ID {} already exists!", image.id))),
        (Err(error), _) => Err(error.into()),
        (Ok(Inserted::TooMany(there)), Some(limit)) => Err(limits::too_many_images(limit, there)),
        (Ok(_), _) => Ok(()),
    }
}
