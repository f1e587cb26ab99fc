//! Types of resources, and which namespaces are for them with which prefix. A type is made when it is first named, and
//! stays.

use std::collections::HashMap;

use crate::clock::Timestamp;
use crate::db::engine::Reading;
use crate::db::metadefs::insert;
use crate::db::sql::any_of;
use crate::db::{Db, DbError, Row, Sql, Tx, sql};
use crate::model::metadef::{Association, CONTENTS_MAX, Definition, ResourceType};

/// The columns that `read_association` reads.
const ASSOCIATIONS: &str = "SELECT metadef_resource_types.name, metadef_namespace_resource_types.prefix, \
    metadef_namespace_resource_types.properties_target, metadef_namespace_resource_types.created_at, \
    metadef_namespace_resource_types.updated_at, metadef_namespace_resource_types.namespace_id \
    FROM metadef_namespace_resource_types JOIN metadef_resource_types \
    ON metadef_resource_types.id = metadef_namespace_resource_types.resource_type_id WHERE ";

/// Every type of resource.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db) -> Result<Vec<ResourceType>, DbError> {
    // Whoever may write can add to them one by one: what is shown of them has an end.
    let select = sql!(
        "SELECT name, created_at, updated_at FROM metadef_resource_types ORDER BY id LIMIT ?",
        i64::try_from(CONTENTS_MAX).unwrap_or(i64::MAX)
    );
    let read = |row: &Row| Ok(ResourceType { name: row.get(0)?, created_at: row.get(1)?, updated_at: row.get(2)? });
    db.fetch_all(select).await?.iter().map(read).collect()
}

/// Whether there is a type of resource called `name`.
///
/// # Errors
/// When the database fails.
pub async fn exists(db: &Db, name: &str) -> Result<bool, DbError> {
    Ok(db.fetch_optional(sql!("SELECT id FROM metadef_resource_types WHERE name = ?", name)).await?.is_some())
}

/// The types of resources that namespace `namespace_id` is for.
///
/// # Errors
/// When the database fails.
pub async fn associations(db: &Db, namespace_id: i64) -> Result<Vec<Association>, DbError> {
    db.read(move |reading| read_associations(reading, &[namespace_id]))
        .await
        .map(|mut found| found.remove(&namespace_id).unwrap_or_default())
}

/// Says that namespace `namespace_id` is for a type of resource. False when the namespace is gone.
///
/// # Errors
/// `Defined` when that is said already.
pub async fn associate(db: &Db, namespace_id: i64, new: &Association, now: Timestamp) -> Result<bool, DbError> {
    db.write(|tx| async move {
        let namespace = sql!("SELECT id FROM metadef_namespaces WHERE id = ?", namespace_id);
        if tx.fetch_optional(namespace).await?.is_none() {
            return Ok(false);
        }
        insert_association(&tx, namespace_id, new, now).await?;
        Ok(true)
    })
    .await
}

/// Says that namespace `namespace_id` is for type `name` no more. False when it was not.
///
/// # Errors
/// When the database fails.
pub async fn dissociate(db: &Db, namespace_id: i64, name: &str) -> Result<bool, DbError> {
    let delete = sql!(
        "DELETE FROM metadef_namespace_resource_types WHERE namespace_id = ? \
         AND resource_type_id IN (SELECT id FROM metadef_resource_types WHERE name = ?)",
        namespace_id,
        name
    );
    Ok(db.execute(delete).await? > 0)
}

/// The associations of each of these namespaces, in the order in which they came.
pub(super) fn read_associations(
    reading: &Reading<'_>,
    namespace_ids: &[i64],
) -> Result<HashMap<i64, Vec<Association>>, DbError> {
    let mut found: HashMap<i64, Vec<Association>> = HashMap::new();
    if namespace_ids.is_empty() {
        return Ok(found);
    }
    let mut select = Sql::new(ASSOCIATIONS);
    select.push(any_of("metadef_namespace_resource_types.namespace_id", namespace_ids.iter().copied()));
    select.push(
        " ORDER BY metadef_namespace_resource_types.created_at, metadef_namespace_resource_types.resource_type_id",
    );
    for row in reading.fetch(&select)? {
        found.entry(row.get(5)?).or_default().push(Association {
            name: row.get(0)?,
            prefix: row.get(1)?,
            properties_target: row.get(2)?,
            created_at: row.get(3)?,
            updated_at: row.get(4)?,
        });
    }
    Ok(found)
}

/// Writes an association, and its type of resource if that is new.
pub(super) async fn insert_association(
    tx: &Tx,
    namespace_id: i64,
    new: &Association,
    now: Timestamp,
) -> Result<(), DbError> {
    let id = |name: &str| sql!("SELECT id FROM metadef_resource_types WHERE name = ?", name);
    let mut known = tx.fetch_optional(id(&new.name)).await?;
    if known.is_none() {
        let row = sql!(
            "INSERT INTO metadef_resource_types (name, protected, created_at, updated_at) VALUES (?, ?, ?, ?)",
            &new.name,
            false,
            now,
            now
        );
        tx.execute(row).await.map_err(|error| match error {
            // Somebody else named it first: the next time it is known.
            DbError::Duplicate => DbError::Contended("a type of resource was made meanwhile".into()),
            other => other,
        })?;
        known = tx.fetch_optional(id(&new.name)).await?;
    }
    let known = known.ok_or_else(|| DbError::Unreadable("a type of resource just written".into()))?;
    let row = insertion(namespace_id, known.get(0)?, new, now, Some(now));
    insert(tx, row, Definition::Association, &new.name).await
}

/// What writes that namespace `namespace_id` is for the type of resource `type_id`.
pub(super) fn insertion(
    namespace_id: i64,
    type_id: i64,
    new: &Association,
    created_at: Timestamp,
    updated_at: Option<Timestamp>,
) -> Sql {
    sql!(
        "INSERT INTO metadef_namespace_resource_types (resource_type_id, namespace_id, properties_target, prefix, \
         created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
        type_id,
        namespace_id,
        new.properties_target.as_ref(),
        new.prefix.as_ref(),
        created_at,
        updated_at
    )
}

/// What takes all associations of namespace `namespace_id` away.
pub(super) fn deletion(namespace_id: i64) -> Sql {
    sql!("DELETE FROM metadef_namespace_resource_types WHERE namespace_id = ?", namespace_id)
}
