//! Adoptions: bytes that are somewhere already become an image's. The moves of the image on that way, each with the lease.

use crate::clock::Timestamp;
use crate::db::images::{self, Updated};
use crate::db::leases::{self, Lease};
use crate::db::storage::{self, Allowance};
use crate::db::{Db, DbError, Tx, sql};
use crate::model::image::Location;
use crate::model::lifecycle::Status;

/// The property that tells other nodes, the reference's among them, that somebody is at work on an image.
pub const LOCK: &str = "os_glance_import_task";

/// What is known of the bytes' hashes.
#[derive(Clone, Debug, Default)]
pub struct Hashes {
    /// Their MD5, in hex.
    pub checksum: Option<String>,
    /// The algorithm of `os_hash_value`.
    pub os_hash_algo: Option<String>,
    /// Their secure hash, in hex.
    pub os_hash_value: Option<String>,
}

/// Takes the lease for an adoption, and the lock. False, and nothing written, when the image is not `queued` any more, or
/// somebody is at work on it.
///
/// # Errors
/// When the database fails.
pub async fn begin(db: &Db, lease: &Lease, now: Timestamp) -> Result<bool, DbError> {
    let begun = db
        .write(|tx| async move {
            tx.take_turn(&lease.image_id).await?;
            let queued = sql!(
                "SELECT 1 FROM images WHERE id = ? AND status = ? AND deleted = ? AND NOT EXISTS (SELECT 1 FROM \
                 image_properties WHERE image_id = images.id AND name = ? AND deleted = ?)",
                &lease.image_id,
                Status::Queued.as_str(),
                false,
                LOCK,
                false
            );
            if tx.fetch_all(queued).await?.is_empty() {
                return Ok(false);
            }
            leases::take(&tx, lease, now).await?;
            images::put_property(&tx, &lease.image_id, LOCK, &lease.token, now).await?;
            Ok(true)
        })
        .await;
    match begun {
        Err(DbError::Duplicate) => Ok(false),
        other => other,
    }
}

/// What is known of the bytes before they are read.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where they are.
    pub location: Location,
    /// How many.
    pub size: i64,
}

/// Writes what was found; the image, which must be `queued`, is `becomes` by that. What is found has to fit into the
/// `allowance`, where there is one. Nothing is written when the lease is lost or the image is not `queued` any more.
///
/// # Errors
/// When the database fails.
pub async fn place(
    db: &Db,
    lease: &Lease,
    found: &Found,
    allowance: Option<&Allowance>,
    becomes: Status,
    now: Timestamp,
) -> Result<Updated, DbError> {
    let Found { location, size } = found;
    db.write(|tx| async move {
        if !leases::hold(&tx, lease, now).await? {
            return Ok(Updated::Changed);
        }
        if let Some(allowance) = allowance {
            let left = storage::room(&tx, allowance, &lease.image_id).await?.left;
            if *size > left {
                return Ok(Updated::Full { needed: *size, left });
            }
        }
        let moved = tx
            .execute(sql!(
                "UPDATE images SET status = ?, size = ?, updated_at = ? WHERE id = ? AND status = ? AND deleted = ?",
                becomes.as_str(),
                *size,
                now,
                &lease.image_id,
                Status::Queued.as_str(),
                false
            ))
            .await?;
        if moved == 0 {
            return Ok(Updated::Changed);
        }
        tx.finally(vec![images::insert_location(&lease.image_id, location, now)]);
        Ok(Updated::Yes)
    })
    .await
}

/// Ends an adoption well: an image that was `importing` is `active`, its hashes are as far as known, and lease and lock are
/// given back. False, and nothing written, when the lease is lost.
///
/// # Errors
/// When the database fails.
pub async fn finish(db: &Db, lease: &Lease, lock: &str, hashes: &Hashes, now: Timestamp) -> Result<bool, DbError> {
    db.write(|tx| async move {
        if !leases::give_back(&tx, lease).await? {
            return Ok(false);
        }
        let known = [
            ("checksum", &hashes.checksum),
            ("os_hash_algo", &hashes.os_hash_algo),
            ("os_hash_value", &hashes.os_hash_value),
        ];
        let mut update = sql!("UPDATE images SET updated_at = ?", now);
        for (column, value) in known {
            if let Some(value) = value {
                update.push(sql!(format!(", {column} = ?"), value));
            }
        }
        update.push(sql!(" WHERE id = ? AND deleted = ?", &lease.image_id, false));
        tx.execute(update).await?;
        tx.execute(images::moved(&lease.image_id, Status::Importing, Status::Active, now)).await?;
        unlock(&tx, lease, lock).await?;
        Ok(true)
    })
    .await
}

/// Ends an adoption that failed: an image that was `importing` is `queued` again and has no location, and lease and lock
/// are given back.
///
/// # Errors
/// When the database fails.
pub async fn undo(db: &Db, lease: &Lease, lock: &str, now: Timestamp) -> Result<(), DbError> {
    db.write(|tx| async move {
        unlock(&tx, lease, lock).await?;
        if !leases::give_back(&tx, lease).await? {
            return Ok(());
        }
        if tx.execute(images::moved(&lease.image_id, Status::Importing, Status::Queued, now)).await? == 1 {
            images::forget_locations(&tx, &lease.image_id, now).await?;
            let size = sql!("UPDATE images SET size = ? WHERE id = ?", None::<i64>, &lease.image_id);
            tx.execute(size).await?;
        }
        Ok(())
    })
    .await
}

/// Removes `lock`, which this lease's work, or the work that it was taken over from, has set; not that of somebody who came
/// later.
async fn unlock(tx: &Tx, lease: &Lease, lock: &str) -> Result<(), DbError> {
    let locks =
        sql!("DELETE FROM image_properties WHERE image_id = ? AND name = ? AND value = ?", &lease.image_id, LOCK, lock);
    tx.execute(locks).await.map(drop)
}
