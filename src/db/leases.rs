//! Leases: who is at work on an image's bytes.

use std::time::Duration;

use crate::clock::{Timestamp, new_uuid};
use crate::db::{Db, DbError, Row, Sql, Tx, sql};

/// How long a lease lasts without being renewed.
pub const LEASE_DURATION: Duration = Duration::from_mins(1);

/// The right to work on an image's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The image.
    pub image_id: String,
    /// What the work is.
    pub purpose: Purpose,
    /// The node that does it.
    pub holder: String,
    /// Tells this piece of work from an earlier one.
    pub token: String,
    /// The store that an upload goes to; empty for a deletion.
    pub store: String,
}

/// What a lease is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Bytes are being written: when it runs out, they are removed and the image is `queued` again.
    Upload,
    /// Bytes are being removed: when it runs out, the removal is finished.
    Delete,
    /// The bytes of some of the locations are being removed, which are `pending_delete` meanwhile: likewise.
    Remove,
    /// Bytes that are somewhere already become the image's: when it runs out, they are read once more if the image is
    /// active, or else it is `queued` again.
    Adopt,
}

impl Lease {
    /// A lease on `image_id` for `holder`, as it is before it is taken.
    pub fn new(purpose: Purpose, image_id: &str, holder: &str) -> Self {
        Self {
            image_id: image_id.to_owned(),
            purpose,
            holder: holder.to_owned(),
            token: new_uuid().to_string(),
            store: String::new(),
        }
    }
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Delete => "delete",
            Self::Remove => "remove",
            Self::Adopt => "adopt",
        }
    }
}

/// Gives a lease back without doing anything else.
///
/// # Errors
/// When the database fails.
pub async fn release(db: &Db, lease: &Lease) -> Result<(), DbError> {
    db.execute(giving_back(lease)).await.map(drop)
}

/// Makes a lease last for another `LEASE_DURATION`. False when it is lost.
///
/// # Errors
/// When the database fails.
pub async fn renew(db: &Db, lease: &Lease, now: Timestamp) -> Result<bool, DbError> {
    Ok(db.execute(holding(lease, now)).await? == 1)
}

/// Up to `limit` leases that ran out before `now`, and, with `of_holder`, all of that node's whatever their time:
/// a node that starts knows that its former self is gone.
///
/// # Errors
/// When the database fails.
pub async fn abandoned(db: &Db, of_holder: Option<&str>, now: Timestamp, limit: u32) -> Result<Vec<Lease>, DbError> {
    let mut select =
        sql!("SELECT image_id, purpose, holder, token, store FROM glint_leases WHERE (expires_at < ?", now);
    if let Some(holder) = of_holder {
        select.push(sql!(" OR holder = ?", holder));
    }
    select.push(sql!(") ORDER BY expires_at LIMIT ?", i64::from(limit)));
    db.fetch_all(select).await?.iter().map(read).collect()
}

/// Makes `lease`, which was abandoned, belong to `holder` under a new token. False when it changed meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn take_over(db: &Db, lease: &Lease, by: &Lease, now: Timestamp) -> Result<bool, DbError> {
    let taken = db
        .execute(sql!(
            "UPDATE glint_leases SET holder = ?, token = ?, expires_at = ? WHERE image_id = ? AND token = ?",
            &by.holder,
            &by.token,
            now + LEASE_DURATION,
            &lease.image_id,
            &lease.token
        ))
        .await?;
    Ok(taken == 1)
}

pub(super) async fn take(tx: &Tx, lease: &Lease, now: Timestamp) -> Result<(), DbError> {
    tx.execute(taking(lease, now)).await.map(drop)
}

pub(super) async fn hold(tx: &Tx, lease: &Lease, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(holding(lease, now)).await? == 1)
}

pub(super) async fn give_back(tx: &Tx, lease: &Lease) -> Result<bool, DbError> {
    Ok(tx.execute(giving_back(lease)).await? == 1)
}

pub(super) fn taking(lease: &Lease, now: Timestamp) -> Sql {
    sql!(
        "INSERT INTO glint_leases (image_id, purpose, holder, token, store, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        &lease.image_id,
        lease.purpose.as_str(),
        &lease.holder,
        &lease.token,
        &lease.store,
        now + LEASE_DURATION
    )
}

fn holding(lease: &Lease, now: Timestamp) -> Sql {
    sql!(
        "UPDATE glint_leases SET expires_at = ? WHERE image_id = ? AND token = ?",
        now + LEASE_DURATION,
        &lease.image_id,
        &lease.token
    )
}

pub(super) fn giving_back(lease: &Lease) -> Sql {
    sql!("DELETE FROM glint_leases WHERE image_id = ? AND token = ?", &lease.image_id, &lease.token)
}

fn read(row: &Row) -> Result<Lease, DbError> {
    let purpose = match row.get::<String>(1)?.as_str() {
        "upload" => Purpose::Upload,
        "delete" => Purpose::Delete,
        "remove" => Purpose::Remove,
        "adopt" => Purpose::Adopt,
        other => return Err(DbError::Unreadable(format!("lease purpose {other:?}"))),
    };
    Ok(Lease { image_id: row.get(0)?, purpose, holder: row.get(2)?, token: row.get(3)?, store: row.get(4)? })
}
