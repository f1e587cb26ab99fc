//! Room for bytes: what a project keeps, what its uploads have reserved, and what is left of what it may keep. All is read in
//! the transaction that reserves, so that uploads side by side never take more than is left.

use crate::db::leases::Lease;
use crate::db::usage;
use crate::db::{Db, DbError, Tx, sql};

/// Bytes in the unit of limits that are registered in Keystone.
pub const MEBIBYTE: i64 = 1 << 20;

/// What one project may keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The project; none for what belongs to nobody.
    pub project: Option<String>,
    /// Bytes in all.
    pub storage: Storage,
    /// Images whose data is on its way, at a time; none for no limit.
    pub uploading: Option<i64>,
}

/// How much may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// As much as there is.
    Unlimited,
    /// So many bytes.
    Bytes(i64),
    /// So many mebibytes, of which only whole ones count: of what is there, and of what comes.
    Mebibytes(i64),
}

/// Where a project stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that are kept, or reserved.
    pub used: i64,
    /// Bytes that are left.
    pub left: i64,
}

/// How a reservation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// So many bytes are reserved for the lease now.
    Bytes(i64),
    /// There is less room than needed.
    Full(Room),
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
        let room = room(&tx, allowance, &lease.image_id).await?;
        if room.left < needed {
            return Ok(Reserved::Full(room));
        }
        let bytes = wanted.min(room.left);
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

/// The room that `allowance` leaves now.
///
/// # Errors
/// When the database fails.
pub async fn look(db: &Db, allowance: &Allowance) -> Result<Room, DbError> {
    let project = allowance.project.as_deref();
    let numbers = usage::together([usage::stored(project, ""), usage::reserved(project, "")]);
    Ok(allowance.storage.beside(usage::read(db.fetch_optional(numbers).await?)?))
}

/// The room that `allowance` leaves, image `but` and its own reservation aside.
pub(super) async fn room(tx: &Tx, allowance: &Allowance, but: &str) -> Result<Room, DbError> {
    if allowance.storage == Storage::Unlimited {
        return Ok(Room { used: 0, left: i64::MAX });
    }
    let project = allowance.project.as_deref();
    usage::hold(tx, project).await?;
    let numbers = usage::together([usage::stored(project, but), usage::reserved(project, but)]);
    Ok(allowance.storage.beside(usage::read(tx.fetch_optional(numbers).await?)?))
}

impl Storage {
    /// Whether an upload of `size` bytes, or of nobody knows how many, fits into `room`.
    pub fn holds(self, size: Option<i64>, room: Room) -> bool {
        match (size, self) {
            (Some(size), _) => size <= room.left,
            // compat: a limit of Keystone's that is just reached is not exceeded yet.
            (None, Self::Mebibytes(_)) => room.left >= 0,
            (None, _) => room.left > 0,
        }
    }

    fn beside(self, [stored, reserved]: [i64; 2]) -> Room {
        let used = stored.saturating_add(reserved);
        let left = match self {
            Self::Unlimited => i64::MAX,
            Self::Bytes(most) => most.saturating_sub(used),
            Self::Mebibytes(most) => {
                let whole = most.saturating_sub(used / MEBIBYTE);
                whole.saturating_add(1).saturating_mul(MEBIBYTE) - 1
            }
        };
        Room { used, left }
    }
}

#[cfg(test)]
mod tests {
    use super::{MEBIBYTE, Room, Storage};

    /// (kept, reserved, mebibytes allowed, size, whether it fits): whole mebibytes of both are counted.
    #[test]
    fn whole_mebibytes_count() {
        let cases = [
            (0, 0, 0, Some(MEBIBYTE - 1), true),
            (0, 0, 0, Some(MEBIBYTE), false),
            (0, 0, 0, None, true),
            (0, 0, 1, Some(2 * MEBIBYTE - 1), true),
            (0, 0, 1, Some(2 * MEBIBYTE), false),
            (MEBIBYTE - 1, 0, 1, Some(2 * MEBIBYTE - 1), true),
            (MEBIBYTE - 1, 1, 1, Some(MEBIBYTE), false),
            (MEBIBYTE, 0, 1, Some(MEBIBYTE - 1), true),
            (MEBIBYTE, 0, 1, None, true),
            (2 * MEBIBYTE - 1, 0, 1, None, true),
            (MEBIBYTE, MEBIBYTE, 1, None, false),
            (2 * MEBIBYTE, 0, 1, Some(0), false),
            (0, 0, i64::MAX, Some(i64::MAX - 1), true),
        ];
        for (stored, reserved, most, size, expected) in cases {
            let storage = Storage::Mebibytes(most);
            let room = storage.beside([stored, reserved]);
            assert_eq!(storage.holds(size, room), expected, "{stored} {reserved} {most} {size:?}: {room:?}");
        }
    }

    #[test]
    fn bytes_count_each() {
        let storage = Storage::Bytes(10);
        assert_eq!(storage.beside([3, 4]), Room { used: 7, left: 3 });
        for (left, size, expected) in [(3, Some(3), true), (3, Some(4), false), (1, None, true), (0, None, false)] {
            assert_eq!(storage.holds(size, Room { used: 0, left }), expected, "{left} {size:?}");
        }
    }
}
