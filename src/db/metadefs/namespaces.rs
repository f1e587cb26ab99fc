//! Namespaces in the database: who sees which, and one with all that is in it in one trip.

use crate::clock::Timestamp;
use crate::db::dialect::Dialect;
use crate::db::engine::Reading;
use crate::db::metadefs::{contents, defined, insert, resource_types};
use crate::db::order::{self, Key};
use crate::db::sql::any_of;
use crate::db::{Arg, Db, DbError, Row, Sql, Tx, sql};
use crate::model::identity::Identity;
use crate::model::metadef::{Association, Contents, Definition, Namespace, NamespaceColumn, NamespacePage};

const SELECT: &str = "SELECT metadef_namespaces.id, metadef_namespaces.namespace, metadef_namespaces.display_name, \
    metadef_namespaces.description, metadef_namespaces.visibility, metadef_namespaces.protected, \
    metadef_namespaces.owner, metadef_namespaces.created_at, metadef_namespaces.updated_at FROM metadef_namespaces \
    WHERE ";

/// The namespaces on `page` that `who` may see, after `marker`, each with the types of resources that it is for.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    who: &Identity,
    page: &NamespacePage,
    marker: Option<&Namespace>,
) -> Result<Vec<(Namespace, Vec<Association>)>, DbError> {
    let select = selection(db.dialect(), who, page, marker);
    db.read(move |reading| {
        let found = reading.fetch(&select)?.iter().map(read).collect::<Result<Vec<Namespace>, _>>()?;
        let ids: Vec<i64> = found.iter().map(|namespace| namespace.id).collect();
        let mut associations = resource_types::read_associations(reading, &ids)?;
        let with_its_own = |namespace: Namespace| {
            let its_own = associations.remove(&namespace.id).unwrap_or_default();
            (namespace, its_own)
        };
        Ok(found.into_iter().map(with_its_own).collect())
    })
    .await
}

/// The namespace called `name`, if `who` may see it.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, name: &str, who: &Identity) -> Result<Option<Namespace>, DbError> {
    db.fetch_optional(called(name, who)).await?.as_ref().map(read).transpose()
}

/// The same with all that is in it.
///
/// # Errors
/// When the database fails.
pub async fn find_whole(db: &Db, name: &str, who: &Identity) -> Result<Option<(Namespace, Contents)>, DbError> {
    let select = called(name, who);
    db.read(move |reading| Ok(read_whole(reading, &select)?.into_iter().next())).await
}

/// Every namespace with all that is in it, by name.
///
/// # Errors
/// When the database fails.
pub async fn all_whole(db: &Db) -> Result<Vec<(Namespace, Contents)>, DbError> {
    let mut select = Sql::new(SELECT);
    select.push("1 = 1 ORDER BY metadef_namespaces.namespace");
    db.read(move |reading| read_whole(reading, &select)).await
}

/// Writes new namespaces with all that is in them: all of them, or nothing.
///
/// # Errors
/// `Defined` when there is one of that name already, or two things in it have one name.
pub async fn insert_whole(db: &Db, new: &[(Namespace, Contents)]) -> Result<(), DbError> {
    db.write(|tx| async move {
        for (namespace, contents) in new {
            let id = insert_row(&tx, namespace).await?;
            contents::insert_contents(&tx, id, contents, namespace.created_at).await?;
        }
        Ok(())
    })
    .await
}

/// Writes `changed` over the row that has its id. False when it is gone.
///
/// # Errors
/// `Defined` when there is another of that name.
pub async fn update(db: &Db, changed: &Namespace, now: Timestamp) -> Result<bool, DbError> {
    let updated = db.execute(change(changed.id, changed, now)).await;
    Ok(updated.map_err(|error| defined(error, Definition::Namespace, &changed.namespace))? == 1)
}

/// Deletes namespace `id` and all that is in it. False when it is gone.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &Db, id: i64) -> Result<bool, DbError> {
    db.write(|tx| async move { Ok(tx.execute_batch(deletions(id)).await?.pop() == Some(1)) }).await
}

async fn insert_row(tx: &Tx, new: &Namespace) -> Result<i64, DbError> {
    insert(tx, insertion(new), Definition::Namespace, &new.namespace).await?;
    let written = sql!("SELECT id FROM metadef_namespaces WHERE namespace = ?", &new.namespace);
    let written = tx.fetch_optional(written).await?;
    written.ok_or_else(|| DbError::Unreadable("a namespace just written".into()))?.get(0)
}

/// What writes `new`.
pub(super) fn insertion(new: &Namespace) -> Sql {
    sql!(
        "INSERT INTO metadef_namespaces (namespace, display_name, description, visibility, protected, owner, \
         created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &new.namespace,
        new.display_name.as_ref(),
        new.description.as_ref(),
        new.visibility.as_ref(),
        new.protected,
        &new.owner,
        new.created_at,
        new.updated_at
    )
}

/// What writes `changed` over row `id`.
pub(super) fn change(id: i64, changed: &Namespace, now: Timestamp) -> Sql {
    sql!(
        "UPDATE metadef_namespaces SET namespace = ?, display_name = ?, description = ?, visibility = ?, \
         protected = ?, owner = ?, updated_at = ? WHERE id = ?",
        &changed.namespace,
        changed.display_name.as_ref(),
        changed.description.as_ref(),
        changed.visibility.as_ref(),
        changed.protected,
        &changed.owner,
        now,
        id
    )
}

/// What takes namespace `id` and all that is in it away: the namespace last.
pub(super) fn deletions(id: i64) -> Vec<Sql> {
    let mut batch = contents::deletions(id);
    batch.push(sql!("DELETE FROM metadef_namespaces WHERE id = ?", id));
    batch
}

fn read_whole(reading: &Reading<'_>, select: &Sql) -> Result<Vec<(Namespace, Contents)>, DbError> {
    let whole = |row: &Row| {
        let namespace = read(row)?;
        let contents = contents::read_all(reading, namespace.id)?;
        Ok((namespace, contents))
    };
    reading.fetch(select)?.iter().map(whole).collect()
}

fn called(name: &str, who: &Identity) -> Sql {
    let mut select = Sql::new(SELECT);
    select.push(sql!("metadef_namespaces.namespace = ?", name)).push(visible_to(who));
    select
}

/// ` AND` that `who` may see it: public ones, their project's, and administrators all.
fn visible_to(who: &Identity) -> Sql {
    if who.is_admin {
        return Sql::default();
    }
    sql!(" AND (metadef_namespaces.owner = ? OR metadef_namespaces.visibility = ?)", who.project_id.as_ref(), "public")
}

fn selection(dialect: Dialect, who: &Identity, page: &NamespacePage, marker: Option<&Namespace>) -> Sql {
    let mut select = Sql::new(SELECT);
    select.push("1 = 1").push(visible_to(who));
    if let Some(visibility) = &page.visibility {
        select.push(sql!(" AND metadef_namespaces.visibility = ?", visibility));
    }
    if let Some(names) = &page.resource_types {
        select.push(
            " AND metadef_namespaces.id IN (SELECT metadef_namespace_resource_types.namespace_id \
             FROM metadef_namespace_resource_types JOIN metadef_resource_types \
             ON metadef_resource_types.id = metadef_namespace_resource_types.resource_type_id WHERE ",
        );
        select.push(any_of("metadef_resource_types.name", names.iter().map(String::as_str))).push(")");
    }
    let keys = order::keys(page.sort, [NamespaceColumn::CreatedAt, NamespaceColumn::Id]);
    let marker = marker.map(|marker| keys.iter().map(|key| value(marker, *key)).collect());
    let keys: Vec<Key> = keys.into_iter().map(comparable).collect();
    order::page(&mut select, dialect, &keys, marker, page.direction);
    select.push(sql!(" LIMIT ?", i64::from(page.limit)));
    select
}

fn comparable(column: NamespaceColumn) -> Key {
    let unset: Option<Arg> = match column {
        NamespaceColumn::Id | NamespaceColumn::Namespace | NamespaceColumn::Owner | NamespaceColumn::CreatedAt => None,
        NamespaceColumn::DisplayName | NamespaceColumn::Description | NamespaceColumn::Visibility => Some("".into()),
        NamespaceColumn::Protected => Some(false.into()),
        NamespaceColumn::UpdatedAt => Some(Timestamp::UNIX_EPOCH.into()),
    };
    Key { column: format!("metadef_namespaces.{}", NamespaceColumn::ALL[column as usize].1), unset }
}

fn value(namespace: &Namespace, column: NamespaceColumn) -> Arg {
    match column {
        NamespaceColumn::Id => namespace.id.into(),
        NamespaceColumn::Namespace => (&namespace.namespace).into(),
        NamespaceColumn::DisplayName => namespace.display_name.as_ref().into(),
        NamespaceColumn::Description => namespace.description.as_ref().into(),
        NamespaceColumn::Visibility => namespace.visibility.as_ref().into(),
        NamespaceColumn::Protected => namespace.protected.into(),
        NamespaceColumn::Owner => (&namespace.owner).into(),
        NamespaceColumn::CreatedAt => namespace.created_at.into(),
        NamespaceColumn::UpdatedAt => namespace.updated_at.into(),
    }
}

fn read(row: &Row) -> Result<Namespace, DbError> {
    Ok(Namespace {
        id: row.get(0)?,
        namespace: row.get(1)?,
        display_name: row.get(2)?,
        description: row.get(3)?,
        visibility: row.get(4)?,
        protected: row.get(5)?,
        owner: row.get(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
    })
}
