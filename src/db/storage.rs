//! What a project keeps in all, and what its uploads have reserved of the rest. Both are read in the transaction that
//! reserves, so that uploads side by side never take more than is left.

use crate::db::leases::Lease;
use crate::db::{Db, DbError, Sql, Tx, sql};

/// What one project may keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The project; none for what belongs to nobody.
    pub project: Option<String>,
    /// Bytes in all.
    pub quota: i64,
}

/// How a reservation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// So many bytes are reserved for the lease now.
    Bytes(i64),
    /// There is less room than needed.
    Full {
        /// Bytes that are left.
        left: i64,
    },
    /// The lease is lost.
    Lost,
}

/// Makes the reservation of `lease` as near to `wanted` bytes as there is room, and at least `needed`.
///
/// # Errors
/// When the database fails.
pub async fn reserve(
    db: &Db,
    lease: &Lease,
    allowance: &Allowance,
    needed: i64,
    wanted: i64,
) -> Result<Reserved, DbError> {
    db.write(|tx| async move {
        let left = left(&tx, allowance, &lease.image_id).await?;
        if left < needed {
            return Ok(Reserved::Full { left });
        }
        let bytes = wanted.min(left);
        let noted = tx
            .execute(sql!(
                "UPDATE glint_leases SET reserved_bytes = ? WHERE image_id = ? AND token = ?",
                bytes,
                &lease.image_id,
                &lease.token
            ))
            .await?;
        Ok(if noted == 1 { Reserved::Bytes(bytes) } else { Reserved::Lost })
    })
    .await
}

/// Bytes that `allowance` leaves, image `image_id` and its own reservation aside.
pub(super) async fn left(tx: &Tx, allowance: &Allowance, image_id: &str) -> Result<i64, DbError> {
    let mut kept = Sql::new(
        "SELECT COALESCE(SUM(images.size * (SELECT COUNT(*) FROM image_locations \
         WHERE image_locations.image_id = images.id AND image_locations.deleted = ? \
         AND image_locations.status <> 'deleted')), 0) FROM images WHERE ",
    );
    kept = kept.bind(false);
    kept.push(is("images.owner", allowance)).push(sql!(
        " AND images.deleted = ? AND images.size > 0 AND images.status NOT IN ('killed', 'deleted', 'pending_delete') \
         AND images.id <> ?",
        false,
        image_id
    ));
    let mut reserved = Sql::new("SELECT COALESCE(SUM(reserved_bytes), 0) FROM glint_leases WHERE ");
    reserved.push(is("project", allowance)).push(sql!(" AND image_id <> ?", image_id));
    let mut left = allowance.quota;
    for sum in [kept, reserved] {
        let row = tx.fetch_optional(sum).await?;
        left -= row.map_or(Ok(0), |row| row.get::<i64>(0))?;
    }
    Ok(left)
}

fn is(column: &str, allowance: &Allowance) -> Sql {
    match &allowance.project {
        Some(project) => Sql::new(format!("{column} = ?")).bind(project),
        None => Sql::new(format!("{column} IS NULL")),
    }
}
