//! Taking rows away for good that were deleted long ago. A few at a time, each few in a transaction of their own, so that
//! nobody waits long for them, however many there are.

use super::row::{Columns, Row, Value};
use super::sql::any_of;
use super::{Arg, Db, DbError, Sql, Tx, sql};
use crate::clock::Timestamp;

/// How many rows go in one transaction.
const BATCH: u64 = 500;
/// How many rows are chosen at once when the oldest are to go first.
const ROUND: u64 = 2_000;

/// What belongs to images.
const OF_IMAGES: [&str; 4] = ["image_properties", "image_tags", "image_locations", "image_members"];

/// How many rows have gone from a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// The table.
    pub table: &'static str,
    /// The rows.
    pub rows: u64,
}

/// Why not all of them have gone.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// A row is still needed by others.
    #[error("image {0} has rows in other tables: purge these first")]
    Needed(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Which rows go.
#[derive(Clone, Copy)]
struct Doomed {
    before: Timestamp,
    max_rows: Option<u64>,
}

impl Db {
    /// Takes away what was deleted before `before`, at most `max_rows` from each table, the oldest first; all but images:
    /// as long as a deleted image has its row, nobody can make another one with its id.
    ///
    /// # Errors
    /// When the database fails. What has gone until then stays away.
    pub async fn purge(&self, before: Timestamp, max_rows: Option<u64>) -> Result<Vec<Purged>, PurgeError> {
        let doomed = Doomed { before, max_rows };
        let mut all = Vec::new();
        for table in OF_IMAGES {
            let [rows] = self.purge_table(table, doomed, |ids| [doomed.delete(table, ids)]).await?;
            all.push(Purged { table, rows });
        }
        let with_info = |ids: &[Arg]| [delete("task_info", "task_id", ids), doomed.delete("tasks", ids)];
        let [infos, tasks] = self.purge_table("tasks", doomed, with_info).await?;
        all.push(Purged { table: "task_info", rows: infos });
        all.push(Purged { table: "tasks", rows: tasks });
        Ok(all)
    }

    /// Takes away the rows of images that were deleted before `before`, at most `max_rows`, the oldest first. Their ids are
    /// noted: no other image gets one of them.
    ///
    /// # Errors
    /// When something of such an image is left in other tables, or the database fails.
    pub async fn purge_images(&self, before: Timestamp, max_rows: Option<u64>) -> Result<Purged, PurgeError> {
        let doomed = Doomed { before, max_rows };
        self.add_purged_images().await?;
        let noted = |ids: &[Arg]| [doomed.note(ids), doomed.delete("images", ids)];
        let [_, rows] = self.purge_table("images", doomed, noted).await?;
        Ok(Purged { table: "images", rows })
    }

    /// Runs the statements that `delete` makes for some of the ids of `table`, until no id is left; how many rows each of
    /// them has touched.
    async fn purge_table<const N: usize>(
        &self,
        table: &'static str,
        doomed: Doomed,
        delete: impl Fn(&[Arg]) -> [Sql; N],
    ) -> Result<[u64; N], PurgeError> {
        let mut gone = [0; N];
        let mut left = doomed.max_rows;
        let mut last = None;
        loop {
            let wanted = left.map_or(BATCH, |left| left.min(ROUND));
            let chosen = match left {
                Some(_) => doomed.oldest(table, wanted),
                None => doomed.following(table, last.as_ref(), wanted),
            };
            let rows = if wanted == 0 { Vec::new() } else { self.fetch_all(chosen).await? };
            let ids = rows.iter().map(id).collect::<Result<Vec<_>, _>>()?;
            let before = gone;
            for batch in ids.chunks(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
                let touched = self.purge_batch(table, batch, &delete).await?;
                gone.iter_mut().zip(touched).for_each(|(gone, touched)| *gone += touched);
            }
            left = left.map(|left| left.saturating_sub(ids.len() as u64));
            let stuck = left.is_some() && gone == before;
            let Some(end) = ids.last().filter(|_| ids.len() as u64 == wanted && !stuck) else { return Ok(gone) };
            last = Some(end.clone());
        }
    }

    async fn purge_batch<const N: usize>(
        &self,
        table: &str,
        ids: &[Arg],
        delete: &impl Fn(&[Arg]) -> [Sql; N],
    ) -> Result<Vec<u64>, PurgeError> {
        if table == "images"
            && let Some(needed) = self.with_belongings(ids).await?
        {
            return Err(PurgeError::Needed(needed));
        }
        let purge = |tx: Tx| async move {
            tx.execute_batch(delete(ids).into()).await.map_err(|error| match error {
                DbError::Duplicate => DbError::Contended("somebody else has purged the same images".into()),
                other => other,
            })
        };
        Ok(self.write(purge).await?)
    }

    /// One of these images of which something is left in other tables.
    async fn with_belongings(&self, ids: &[Arg]) -> Result<Option<String>, DbError> {
        for table in OF_IMAGES {
            let mut found = sql!(format!("SELECT image_id FROM {table} WHERE "));
            found.push(any_of("image_id", ids.iter().cloned())).push(" LIMIT 1");
            if let Some(row) = self.fetch_optional(found).await? {
                return row.get(0).map(Some);
            }
        }
        Ok(None)
    }
}

impl Doomed {
    /// compat: the reference asks for the time only, which a property keeps that was taken off and set again.
    fn condition(self) -> Sql {
        sql!("deleted = ? AND deleted_at < ?", true, self.before)
    }

    /// The ids of the `count` rows that were deleted first.
    fn oldest(self, table: &str, count: u64) -> Sql {
        let mut chosen = sql!(format!("SELECT id FROM {table} WHERE "));
        chosen.push(self.condition()).push(sql!(format!(" ORDER BY deleted_at, id LIMIT {count}")));
        chosen
    }

    /// The next `count` ids behind `last`: however many rows there are, each is looked at once.
    fn following(self, table: &str, last: Option<&Arg>, count: u64) -> Sql {
        let mut chosen = sql!(format!("SELECT id FROM {table} WHERE "));
        chosen.push(self.condition());
        if let Some(last) = last {
            chosen.push(sql!(" AND id > ?", last.clone()));
        }
        chosen.push(sql!(format!(" ORDER BY id LIMIT {count}")));
        chosen
    }

    /// Notes the ids of images. One may be noted already: the reference has given it to another image.
    fn note(self, ids: &[Arg]) -> Sql {
        let mut note = sql!("INSERT INTO glint_purged_images (id) SELECT id FROM images WHERE ");
        note.push(any_of("id", ids.iter().cloned()));
        note.push(sql!(" AND +deleted = ? AND deleted_at < ?", true, self.before));
        note.push(" AND NOT EXISTS (SELECT 1 FROM glint_purged_images AS noted WHERE noted.id = images.id)");
        note
    }

    fn delete(self, table: &str, ids: &[Arg]) -> Sql {
        let mut deletion = delete(table, "id", ids);
        // By their ids, not by the index of all that are deleted.
        deletion.push(sql!(" AND +deleted = ? AND deleted_at < ?", true, self.before));
        deletion
    }
}

fn delete(table: &str, column: &str, ids: &[Arg]) -> Sql {
    let mut deletion = sql!(format!("DELETE FROM {table} WHERE "));
    deletion.push(any_of(column, ids.iter().cloned()));
    deletion
}

fn id(row: &Row) -> Result<Arg, DbError> {
    Ok(match row.value(0)? {
        Value::Int(id) => id.into(),
        Value::Text(id) => id.into(),
        Value::Null | Value::Time(_) => Arg::Null,
    })
}
