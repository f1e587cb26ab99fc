//! What is in a namespace: objects, properties and tags, each in a table of its own and known by its name.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::db::dialect::Dialect;
use crate::db::engine::Reading;
use crate::db::metadefs::{defined, insert, object, resource_types};
use crate::db::order::{self, Key};
use crate::db::{Arg, Db, DbError, Row, Sql, Tx, sql};
use crate::model::metadef::{CONTENTS_MAX, Contents, Definition, Object, Property, Tag, TagColumn, TagPage};

/// A kind of thing in a namespace, and how it stands in its row.
pub(crate) trait Content: Sized + Send + Sync + 'static {
    /// What it is.
    const KIND: Definition;
    /// Where it is kept.
    const TABLE: &'static str;
    /// What it says, beside its id: the first column is the name.
    const COLUMNS: &'static [&'static str];

    /// Its name.
    fn name(&self) -> &str;

    /// The values of `COLUMNS`.
    fn values(&self) -> Vec<Arg>;

    /// The thing in a row of id, `COLUMNS`, and the times of creation and last change.
    fn read(row: &Row) -> Result<Self, DbError>;
}

impl Content for Object {
    const KIND: Definition = Definition::Object;
    const TABLE: &'static str = "metadef_objects";
    const COLUMNS: &'static [&'static str] = &["name", "description", "required", "json_schema"];

    fn name(&self) -> &str {
        &self.name
    }

    fn values(&self) -> Vec<Arg> {
        // compat: names with a comma in them are two names from then on.
        let required = Some(self.required.join(",")).filter(|required| !required.is_empty());
        let schema = Value::Object(self.properties.clone()).to_string();
        vec![(&self.name).into(), self.description.as_ref().into(), required.into(), schema.into()]
    }

    fn read(row: &Row) -> Result<Self, DbError> {
        let required: Option<String> = row.get(3)?;
        let required = required.filter(|names| !names.is_empty());
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            description: row.get(2)?,
            required: required.map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default(),
            properties: object(row, 4)?,
            created_at: row.get(5)?,
            updated_at: row.get(6)?,
        })
    }
}

impl Content for Property {
    const KIND: Definition = Definition::Property;
    const TABLE: &'static str = "metadef_properties";
    const COLUMNS: &'static [&'static str] = &["name", "json_schema"];

    fn name(&self) -> &str {
        &self.name
    }

    fn values(&self) -> Vec<Arg> {
        vec![(&self.name).into(), Value::Object(self.schema.clone()).to_string().into()]
    }

    fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self { id: row.get(0)?, name: row.get(1)?, schema: object(row, 2)? })
    }
}

impl Content for Tag {
    const KIND: Definition = Definition::Tag;
    const TABLE: &'static str = "metadef_tags";
    const COLUMNS: &'static [&'static str] = &["name"];

    fn name(&self) -> &str {
        &self.name
    }

    fn values(&self) -> Vec<Arg> {
        vec![(&self.name).into()]
    }

    fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self { id: row.get(0)?, name: row.get(1)?, created_at: row.get(2)?, updated_at: row.get(3)? })
    }
}

/// All things of a kind in namespace `namespace_id`, by name.
///
/// # Errors
/// When the database fails.
pub(crate) async fn list<C: Content>(db: &Db, namespace_id: i64) -> Result<Vec<C>, DbError> {
    db.fetch_all(by_name::<C>(namespace_id)).await?.iter().map(C::read).collect()
}

/// The thing called `name`, if there is one.
///
/// # Errors
/// When the database fails.
pub(crate) async fn find<C: Content>(db: &Db, namespace_id: i64, name: &str) -> Result<Option<C>, DbError> {
    let mut select = selection::<C>(namespace_id);
    select.push(sql!(" AND name = ?", name));
    db.fetch_optional(select).await?.as_ref().map(C::read).transpose()
}

/// The tags on `page` of namespace `namespace_id`.
///
/// # Errors
/// When the database fails.
pub(crate) async fn list_tags(db: &Db, namespace_id: i64, page: &TagPage) -> Result<Vec<Tag>, DbError> {
    db.fetch_all(tags_on(db.dialect(), namespace_id, page)).await?.iter().map(Tag::read).collect()
}

/// How adding to a namespace went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Yes,
    /// The namespace is gone.
    NoNamespace,
    /// There would be more than `CONTENTS_MAX` of a kind.
    TooMany,
}

/// Adds `new` things to namespace `namespace_id`: all of them, or nothing. With `replacing`, they take the place of all
/// that are there.
///
/// # Errors
/// `Defined` when one of that name is there already.
pub(crate) async fn add<C: Content>(
    db: &Db,
    namespace_id: i64,
    new: &[C],
    replacing: bool,
    now: Timestamp,
) -> Result<Added, DbError> {
    db.write(|tx| async move {
        let namespace = sql!("SELECT id FROM metadef_namespaces WHERE id = ?", namespace_id);
        if tx.fetch_optional(namespace).await?.is_none() {
            return Ok(Added::NoNamespace);
        }
        if replacing {
            tx.execute(deletion::<C>(namespace_id)).await?;
        }
        tx.take_turn(&format!("namespace {namespace_id}")).await?;
        let count = sql!(format!("SELECT COUNT(*) FROM {} WHERE namespace_id = ?", C::TABLE), namespace_id);
        let there = tx.fetch_optional(count).await?.map_or(Ok(0), |row| row.get::<i64>(0))?;
        if usize::try_from(there).unwrap_or(usize::MAX).saturating_add(new.len()) > CONTENTS_MAX {
            return Ok(Added::TooMany);
        }
        insert_all(&tx, namespace_id, new, now).await?;
        Ok(Added::Yes)
    })
    .await
}

/// Writes `changed` over the row that has its id. False when it is gone.
///
/// # Errors
/// `Defined` when there is another of that name.
pub(crate) async fn update<C: Content>(db: &Db, id: i64, changed: &C, now: Timestamp) -> Result<bool, DbError> {
    let update = change(id, changed, now);
    let updated = db.execute(update).await.map_err(|error| defined(error, C::KIND, changed.name()))?;
    Ok(updated == 1)
}

/// Deletes the thing with this id. False when it is gone.
///
/// # Errors
/// When the database fails.
pub(crate) async fn delete<C: Content>(db: &Db, id: i64) -> Result<bool, DbError> {
    Ok(db.execute(sql!(format!("DELETE FROM {} WHERE id = ?", C::TABLE), id)).await? == 1)
}

/// Deletes all things of a kind in namespace `namespace_id`.
///
/// # Errors
/// When the database fails.
pub(crate) async fn delete_all<C: Content>(db: &Db, namespace_id: i64) -> Result<(), DbError> {
    db.execute(deletion::<C>(namespace_id)).await.map(drop)
}

/// All that is in namespace `namespace_id`.
pub(super) fn read_all(reading: &Reading<'_>, namespace_id: i64) -> Result<Contents, DbError> {
    let tags = reading.fetch(&tags_on(reading.dialect(), namespace_id, &TagPage::all()))?;
    Ok(Contents {
        associations: resource_types::read_associations(reading, &[namespace_id])?
            .remove(&namespace_id)
            .unwrap_or_default(),
        objects: read(reading, namespace_id)?,
        properties: read(reading, namespace_id)?,
        tags: tags.iter().map(Tag::read).collect::<Result<_, _>>()?,
    })
}

/// Writes all of `contents` into namespace `namespace_id`, in the order in which the reference does.
pub(super) async fn insert_contents(
    tx: &Tx,
    namespace_id: i64,
    contents: &Contents,
    now: Timestamp,
) -> Result<(), DbError> {
    for association in &contents.associations {
        resource_types::insert_association(tx, namespace_id, association, now).await?;
    }
    insert_all(tx, namespace_id, &contents.objects, now).await?;
    insert_all(tx, namespace_id, &contents.tags, now).await?;
    insert_all(tx, namespace_id, &contents.properties, now).await
}

/// What takes all that is in namespace `namespace_id` away.
pub(super) fn deletions(namespace_id: i64) -> Vec<Sql> {
    vec![
        deletion::<Tag>(namespace_id),
        deletion::<Object>(namespace_id),
        deletion::<Property>(namespace_id),
        resource_types::deletion(namespace_id),
    ]
}

async fn insert_all<C: Content>(tx: &Tx, namespace_id: i64, new: &[C], now: Timestamp) -> Result<(), DbError> {
    for content in new {
        insert(tx, insertion(namespace_id, content, now, Some(now)), C::KIND, content.name()).await?;
    }
    Ok(())
}

/// What writes `new` into namespace `namespace_id`.
pub(super) fn insertion<C: Content>(
    namespace_id: i64,
    new: &C,
    created_at: Timestamp,
    updated_at: Option<Timestamp>,
) -> Sql {
    let columns = C::COLUMNS.join(", ");
    let mut row =
        Sql::new(format!("INSERT INTO {} ({columns}, namespace_id, created_at, updated_at) VALUES ", C::TABLE));
    row.push_list(new.values().into_iter().chain([namespace_id.into(), created_at.into(), updated_at.into()]));
    row
}

/// What writes `changed` over row `id`.
pub(super) fn change<C: Content>(id: i64, changed: &C, now: Timestamp) -> Sql {
    let mut update = Sql::new(format!("UPDATE {} SET ", C::TABLE));
    let set = |(column, value): (&&str, Arg)| Sql::new(format!("{column} = ?")).bind(value);
    update.push_joined(", ", C::COLUMNS.iter().zip(changed.values()).map(set));
    update.push(sql!(", updated_at = ? WHERE id = ?", now, id));
    update
}

fn read<C: Content>(reading: &Reading<'_>, namespace_id: i64) -> Result<Vec<C>, DbError> {
    reading.fetch(&by_name::<C>(namespace_id))?.iter().map(C::read).collect()
}

fn selection<C: Content>(namespace_id: i64) -> Sql {
    let columns = C::COLUMNS.join(", ");
    let select = format!("SELECT id, {columns}, created_at, updated_at FROM {} WHERE namespace_id = ?", C::TABLE);
    sql!(select, namespace_id)
}

fn by_name<C: Content>(namespace_id: i64) -> Sql {
    let mut select = selection::<C>(namespace_id);
    select.push(" ORDER BY name");
    select
}

fn tags_on(dialect: Dialect, namespace_id: i64, page: &TagPage) -> Sql {
    let mut select = selection::<Tag>(namespace_id);
    let keys = order::keys(page.sort, [TagColumn::CreatedAt, TagColumn::Id]);
    let marker = page.marker.as_ref().map(|marker| keys.iter().map(|key| value(marker, *key)).collect());
    let keys: Vec<Key> = keys.into_iter().map(comparable).collect();
    order::page(&mut select, dialect, &keys, marker, page.direction);
    if let Some(limit) = page.limit {
        select.push(sql!(" LIMIT ?", i64::from(limit)));
    }
    select
}

fn comparable(column: TagColumn) -> Key {
    let unset: Option<Arg> = match column {
        TagColumn::Id | TagColumn::Name | TagColumn::CreatedAt => None,
        TagColumn::UpdatedAt => Some(Timestamp::UNIX_EPOCH.into()),
    };
    Key { column: TagColumn::ALL[column as usize].1.to_owned(), unset }
}

fn value(tag: &Tag, column: TagColumn) -> Arg {
    match column {
        TagColumn::Id => tag.id.into(),
        TagColumn::Name => (&tag.name).into(),
        TagColumn::CreatedAt => tag.created_at.into(),
        TagColumn::UpdatedAt => tag.updated_at.into(),
    }
}

fn deletion<C: Content>(namespace_id: i64) -> Sql {
    sql!(format!("DELETE FROM {} WHERE namespace_id = ?", C::TABLE), namespace_id)
}
