//! Tasks in the database: the task itself in one row, what went in and came out in another.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::db::order::{self, Key};
use crate::db::row::Columns;
use crate::db::{Arg, Db, DbError, Row, Sql, sql};
use crate::model::task::{Task, TaskColumn, TaskPage, TaskStatus};

/// The columns that `read` reads, in its order.
const SELECT: &str = "SELECT tasks.id, tasks.type, tasks.status, tasks.owner, tasks.image_id, tasks.request_id, \
    tasks.user_id, tasks.expires_at, tasks.created_at, tasks.updated_at, tasks.deleted_at, tasks.deleted, \
    task_info.input, task_info.result, task_info.message FROM tasks LEFT JOIN task_info ON task_info.task_id = tasks.id \
    WHERE ";

/// Writes a new task.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &Db, task: &Task) -> Result<(), DbError> {
    db.write(|tx| async move {
        let row = sql!(
            "INSERT INTO tasks (id, type, status, owner, image_id, request_id, user_id, expires_at, created_at, \
             updated_at, deleted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &task.id,
            &task.kind,
            task.status.as_str(),
            &task.owner,
            task.image_id.as_ref(),
            task.request_id.as_ref(),
            task.user_id.as_ref(),
            task.expires_at,
            task.created_at,
            task.updated_at,
            false
        );
        let text = |map: &Option<_>| map.clone().map(|map| Value::Object(map).to_string());
        let info = sql!(
            "INSERT INTO task_info (task_id, input, result, message) VALUES (?, ?, ?, ?)",
            &task.id,
            text(&task.input),
            text(&task.result),
            task.message.as_ref()
        );
        tx.execute_batch(vec![row, info]).await.map(drop)
    })
    .await
}

/// The task `id`; also one that was deleted, if `with_deleted`.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str, with_deleted: bool) -> Result<Option<Task>, DbError> {
    let mut select = Sql::new(SELECT);
    select.push(sql!("tasks.id = ?", id));
    if !with_deleted {
        select.push(sql!(" AND tasks.deleted = ?", false));
    }
    db.fetch_optional(select).await?.as_ref().map(read).transpose()
}

/// The tasks about image `image_id` that have not expired: of `owner` only, or of all.
///
/// # Errors
/// When the database fails.
pub async fn of_image(db: &Db, image_id: &str, owner: Option<&str>, now: Timestamp) -> Result<Vec<Task>, DbError> {
    let mut select = Sql::new(SELECT);
    select.push(sql!(
        "tasks.deleted = ? AND tasks.image_id = ? AND (tasks.expires_at IS NULL OR tasks.expires_at >= ?)",
        false,
        image_id,
        now
    ));
    if let Some(owner) = owner {
        select.push(sql!(" AND tasks.owner = ?", owner));
    }
    select.push(" ORDER BY tasks.created_at, tasks.id");
    db.fetch_all(select).await?.iter().map(read).collect()
}

/// The tasks on `page`, after `marker`.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, page: &TaskPage, marker: Option<&Task>) -> Result<Vec<Task>, DbError> {
    let mut select = Sql::new(SELECT);
    select.push(sql!("tasks.deleted = ?", false));
    if let Some(owner) = &page.owner {
        select.push(sql!(" AND tasks.owner = ?", owner));
    }
    for (column, value) in &page.equal {
        select.push(sql!(format!(" AND tasks.{} = ?", column.as_str()), value));
    }
    let keys = order::keys(page.sort, [TaskColumn::CreatedAt, TaskColumn::Id]);
    let marker = marker.map(|marker| keys.iter().map(|key| value(marker, *key)).collect());
    let keys: Vec<Key> = keys.into_iter().map(comparable).collect();
    order::page(&mut select, db.dialect(), &keys, marker, page.direction);
    select.push(sql!(" LIMIT ?", i64::from(page.limit)));
    db.fetch_all(select).await?.iter().map(read).collect()
}

/// Marks what has expired of `owner` as deleted.
///
/// # Errors
/// When the database fails.
pub async fn forget_expired(db: &Db, owner: &str, now: Timestamp) -> Result<(), DbError> {
    let expired = |start: Sql| {
        let mut sql = start;
        sql.push(sql!(" WHERE owner = ? AND deleted = ? AND expires_at <= ?", owner, false, now));
        sql
    };
    // Mostly there is none, and looking costs no write.
    let mut any = expired(Sql::new("SELECT 1 FROM tasks"));
    any.push(" LIMIT 1");
    if db.fetch_optional(any).await?.is_none() {
        return Ok(());
    }
    db.execute(expired(sql!("UPDATE tasks SET deleted = ?, deleted_at = ?", true, now))).await.map(drop)
}

/// Marks task `id` as under way, if nobody has begun.
///
/// # Errors
/// When the database fails.
pub async fn begin(db: &Db, id: &str, now: Timestamp) -> Result<(), DbError> {
    db.execute(sql!(
        "UPDATE tasks SET status = ?, updated_at = ? WHERE id = ? AND status = ?",
        TaskStatus::Processing.as_str(),
        now,
        id,
        TaskStatus::Pending.as_str()
    ))
    .await
    .map(drop)
}

/// How a task ends.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// It is done.
    Done {
        /// What came of it.
        result: &'a Map<String, Value>,
    },
    /// It is not done.
    Failed {
        /// Why.
        message: &'a str,
    },
}

/// Ends task `id`, if it has not ended yet.
///
/// # Errors
/// When the database fails.
pub async fn end(db: &Db, id: &str, ending: Ending<'_>, expires_at: Timestamp, now: Timestamp) -> Result<(), DbError> {
    let (status, told) = &match ending {
        Ending::Done { result } => {
            let result = Value::Object(result.clone()).to_string();
            (TaskStatus::Success, sql!("UPDATE task_info SET result = ? WHERE task_id = ?", result, id))
        }
        Ending::Failed { message } => {
            (TaskStatus::Failure, sql!("UPDATE task_info SET message = ? WHERE task_id = ?", message, id))
        }
    };
    db.write(|tx| async move {
        let ended = tx
            .execute(sql!(
                "UPDATE tasks SET status = ?, expires_at = ?, updated_at = ? WHERE id = ? AND status IN (?, ?)",
                status.as_str(),
                expires_at,
                now,
                id,
                TaskStatus::Pending.as_str(),
                TaskStatus::Processing.as_str()
            ))
            .await?;
        if ended == 1 {
            tx.execute(told.clone()).await?;
        }
        Ok(())
    })
    .await
}

fn comparable(column: TaskColumn) -> Key {
    let unset: Option<Arg> = match column {
        TaskColumn::Id | TaskColumn::Type | TaskColumn::Status | TaskColumn::Owner | TaskColumn::CreatedAt => None,
        TaskColumn::ImageId | TaskColumn::RequestId | TaskColumn::UserId => Some("".into()),
        TaskColumn::UpdatedAt | TaskColumn::ExpiresAt | TaskColumn::DeletedAt => Some(Timestamp::UNIX_EPOCH.into()),
    };
    Key { column: format!("tasks.{}", column.as_str()), unset }
}

fn value(task: &Task, column: TaskColumn) -> Arg {
    match column {
        TaskColumn::Id => (&task.id).into(),
        TaskColumn::Type => (&task.kind).into(),
        TaskColumn::Status => task.status.as_str().into(),
        TaskColumn::Owner => (&task.owner).into(),
        TaskColumn::ImageId => task.image_id.as_ref().into(),
        TaskColumn::RequestId => task.request_id.as_ref().into(),
        TaskColumn::UserId => task.user_id.as_ref().into(),
        TaskColumn::CreatedAt => task.created_at.into(),
        TaskColumn::UpdatedAt => task.updated_at.into(),
        TaskColumn::ExpiresAt => task.expires_at.into(),
        TaskColumn::DeletedAt => task.deleted_at.into(),
    }
}

fn read(row: &Row) -> Result<Task, DbError> {
    let unreadable = |error: &dyn std::error::Error| DbError::Unreadable(error.to_string());
    let map = |at: usize| match row.get::<Option<String>>(at)? {
        None => Ok(None),
        Some(text) => serde_json::from_str(&text).map_err(|error| unreadable(&error)),
    };
    Ok(Task {
        id: row.get(0)?,
        kind: row.get(1)?,
        status: row.text(2)?.parse().map_err(|error| unreadable(&error))?,
        owner: row.get(3)?,
        image_id: row.get(4)?,
        request_id: row.get(5)?,
        user_id: row.get(6)?,
        expires_at: row.get(7)?,
        created_at: row.get(8)?,
        updated_at: row.get(9)?,
        deleted_at: row.get(10)?,
        deleted: row.get(11)?,
        input: map(12)?,
        result: map(13)?,
        message: row.get(14)?,
    })
}
