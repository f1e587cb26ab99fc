//! The moves of an image whose bytes come or go. Whoever makes one holds the image's lease.

use crate::clock::Timestamp;
use crate::db::leases::{self, Lease};
use crate::db::storage::{self, Allowance, Room};
use crate::db::{Db, DbError, images, sql, usage};
use crate::model::image::Location;
use crate::model::lifecycle::Status;

/// What an upload found out about the bytes.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// Where they are.
    pub location: Location,
    /// How many.
    pub size: i64,
    /// How many the disk inside has, if they tell.
    pub virtual_size: Option<i64>,
    /// Their MD5, in hex.
    pub checksum: String,
    /// The algorithm of `os_hash_value`.
    pub os_hash_algo: String,
    /// Their secure hash, in hex.
    pub os_hash_value: String,
}

/// How the begin of an upload went. Nothing is written unless it is `Saving`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The image is `saving`, and the lease is taken.
    Saving,
    /// The image is not `queued` any more.
    NotQueued,
    /// The project has no room for it.
    Full(Room),
    /// The project has too many uploads: so many with this one.
    TooMany(i64),
}

/// Takes an upload's lease and moves its image from `queued` to `saving`. With an `allowance`, room for `size` bytes is
/// reserved in the same breath; where the size is not known, some has to be left. What is not `wanted` any more when all that
/// makes it wait is over is not done.
///
/// # Errors
/// When the database fails; `GivenUp` when it is not wanted any more.
pub async fn begin_upload(
    db: &Db,
    lease: &Lease,
    allowance: Option<&Allowance>,
    size: Option<i64>,
    now: Timestamp,
    wanted: impl Fn() -> bool,
) -> Result<Begun, DbError> {
    let wanted = &wanted;
    db.write(|tx| async move {
        if let Some(allowance) = allowance {
            // An image that cannot take data is told of before the room that it does not need.
            let queued = sql!(
                "SELECT 1 FROM images WHERE id = ? AND status = ? AND deleted = ?",
                &lease.image_id,
                Status::Queued.as_str(),
                false
            );
            if tx.fetch_optional(queued).await?.is_none() {
                return Ok(Begun::NotQueued);
            }
            let room = storage::room(&tx, allowance, &lease.image_id).await?;
            if !allowance.storage.holds(size, room) {
                return Ok(Begun::Full(room));
            }
            if let Some(most) = allowance.uploading {
                usage::hold(&tx, allowance.project.as_deref()).await?;
                let uploading = usage::uploading(allowance.project.as_deref(), &lease.image_id);
                let [uploading] = usage::read(tx.fetch_optional(usage::together([uploading])).await?)?;
                if uploading > most {
                    return Ok(Begun::TooMany(uploading));
                }
            }
        }
        let moved = tx.execute(images::moved(&lease.image_id, Status::Queued, Status::Saving, now)).await?;
        if moved == 0 {
            return Ok(Begun::NotQueued);
        }
        if !wanted() {
            return Err(DbError::GivenUp);
        }
        // A lease of an earlier piece of work on a queued image has nothing left to guard.
        tx.finally(vec![
            sql!("DELETE FROM glint_leases WHERE image_id = ?", &lease.image_id),
            leases::taking(lease, now),
        ]);
        if let Some(allowance) = allowance {
            tx.finally(vec![sql!(
                "UPDATE glint_leases SET project = ?, reserved_bytes = ? WHERE image_id = ?",
                allowance.project.as_ref(),
                size.unwrap_or(0).max(0),
                &lease.image_id
            )]);
        }
        Ok(Begun::Saving)
    })
    .await
}

/// Ends an upload well: location, size and hashes are written and the image is `active`, and the lease is given back.
/// False, and nothing written, when the lease is lost or the image is not `saving` any more.
///
/// # Errors
/// When the database fails.
pub async fn finish_upload(db: &Db, lease: &Lease, uploaded: &Uploaded, now: Timestamp) -> Result<bool, DbError> {
    db.write(|tx| async move {
        // Held first: what follows is then ours alone, and an image that is gone leaves the lease to guard the bytes.
        if !leases::hold(&tx, lease, now).await? {
            return Ok(false);
        }
        let active = tx
            .execute(sql!(
                "UPDATE images SET status = ?, size = ?, virtual_size = ?, checksum = ?, os_hash_algo = ?, \
                 os_hash_value = ?, updated_at = ? WHERE id = ? AND status = ? AND deleted = ?",
                Status::Active.as_str(),
                uploaded.size,
                uploaded.virtual_size,
                &uploaded.checksum,
                &uploaded.os_hash_algo,
                &uploaded.os_hash_value,
                now,
                &lease.image_id,
                Status::Saving.as_str(),
                false
            ))
            .await?;
        if active == 0 {
            return Ok(false);
        }
        let place = images::insert_location(&lease.image_id, &uploaded.location, now);
        tx.finally(vec![place, leases::giving_back(lease)]);
        Ok(true)
    })
    .await
}

/// Takes the lease of an upload once more that has lost it, if there is nobody else at work on the image and it has no data:
/// what came too late is somebody's to remove then. False, and nothing written, when it is not.
///
/// # Errors
/// When the database fails.
pub async fn regain(db: &Db, lease: &Lease, now: Timestamp) -> Result<bool, DbError> {
    let regained = db
        .write(|tx| async move {
            let in_use = sql!(
                "SELECT 1 FROM images WHERE id = ? AND status <> ? AND deleted = ?",
                &lease.image_id,
                Status::Queued.as_str(),
                false
            );
            if tx.fetch_optional(in_use).await?.is_some() {
                return Ok(false);
            }
            leases::take(&tx, lease, now).await?;
            Ok(true)
        })
        .await;
    match regained {
        Err(DbError::Duplicate) => Ok(false),
        other => other,
    }
}

/// Ends an upload that failed: the image is `queued` again, if it still was `saving`, and the lease is given back.
/// To be called when the bytes are removed.
///
/// # Errors
/// When the database fails.
pub async fn undo_upload(db: &Db, lease: &Lease, now: Timestamp) -> Result<(), DbError> {
    db.write(|tx| async move {
        if leases::give_back(&tx, lease).await? {
            tx.finally(vec![sql!(
                "UPDATE images SET status = ?, size = ?, virtual_size = ?, updated_at = ? \
                 WHERE id = ? AND status = ? AND deleted = ?",
                Status::Queued.as_str(),
                None::<i64>,
                None::<i64>,
                now,
                &lease.image_id,
                Status::Saving.as_str(),
                false
            )]);
        }
        Ok(())
    })
    .await
}

/// Takes the lease for the deletion of an image's bytes. Somebody else's lease is left alone: deleting twice at once
/// does no harm, and the conditional update of `finish_delete` decides.
///
/// # Errors
/// When the database fails.
pub async fn begin_delete(db: &Db, lease: &Lease, now: Timestamp) -> Result<(), DbError> {
    match db.execute(leases::taking(lease, now)).await {
        Err(DbError::Duplicate) => Ok(()),
        taken => taken.map(drop),
    }
}

/// Ends a deletion: the image and all that belongs to it is marked deleted, and the lease is given back.
/// False, and nothing written, when the image does not stand at `from` any more.
///
/// # Errors
/// When the database fails.
pub async fn finish_delete(db: &Db, lease: &Lease, from: Status, now: Timestamp) -> Result<bool, DbError> {
    let id = &lease.image_id;
    let mut batch = images::removal(db.dialect(), id, from, now);
    // Who reads the bytes only to know their hash, stops, too: nothing is left to write that into.
    let reader = images::if_removed(db.dialect(), sql!("purpose = 'adopt'"), id);
    let mut leases = sql!("DELETE FROM glint_leases WHERE image_id = ? AND (token = ? OR (", id, &lease.token);
    leases.push(reader).push("))");
    batch.push(leases);
    Ok(db.execute_batch(batch).await?.first() == Some(&1))
}

/// Takes the lease for removing the bytes at `locations`, which nobody sees from now on. False, and nothing written, when
/// somebody else is at work on the image, when it is not active any more, or when these are not its locations any more or
/// all that it has.
///
/// # Errors
/// When the database fails.
pub async fn begin_remove(db: &Db, lease: &Lease, locations: &[i64], now: Timestamp) -> Result<bool, DbError> {
    let begun = db
        .write(|tx| async move {
            tx.take_turn(&lease.image_id).await?;
            leases::take(&tx, lease, now).await?;
            let hidden = images::hide_locations(&tx, &lease.image_id, locations, now).await?;
            if !hidden {
                leases::give_back(&tx, lease).await?;
            }
            Ok(hidden)
        })
        .await;
    match begun {
        Err(DbError::Duplicate) => Ok(false),
        other => other,
    }
}

/// Ends the removal of bytes: the locations that were hidden for it are marked deleted, or, when the bytes are still
/// there, are back.
///
/// # Errors
/// When the database fails.
pub async fn finish_remove(db: &Db, lease: &Lease, removed: bool, now: Timestamp) -> Result<(), DbError> {
    db.write(|tx| async move {
        if leases::give_back(&tx, lease).await? {
            tx.finally(vec![images::settle_locations(&lease.image_id, removed, now)]);
        }
        Ok(())
    })
    .await
}
