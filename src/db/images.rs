//! Images in the database: find, insert, change, remove. Children (properties, tags, locations) come along.
//!
//! `+deleted` keeps SQLite from the reference's indexes on that column: nearly every row has the same value there, and
//! without statistics it would take that index as soon as one on the id.

mod children;
mod list;
mod packed;

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::db::dialect::Dialect;
use crate::db::engine::{Reading, Seen};
use crate::db::row::Columns;
use crate::db::storage::{self, Allowance};
use crate::db::{Db, DbError, Sql, Tx, sql, usage};
use crate::model::identity::Identity;
use crate::model::image::{Image, Location, Visibility};
use crate::model::lifecycle::Status;

use children::{fill_in, location};
pub(super) use list::Guides;
pub use list::list;

/// The columns that `read_image` reads, in its order.
const COLUMNS: &str = "images.id, images.name, images.status, images.visibility, images.owner, \
    images.container_format, images.disk_format, images.size, images.virtual_size, images.checksum, \
    images.os_hash_algo, images.os_hash_value, images.min_disk, images.min_ram, images.protected, images.os_hidden, \
    images.created_at, images.updated_at";

/// How many these are.
const COLUMNS_COUNT: usize = 18;

/// The image `id`, if `who` may see it: their own, shared with them, public, community, or ownerless.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str, who: &Identity) -> Result<Option<Image>, DbError> {
    find_with(db, id, who, With::All).await
}

/// What of what belongs to an image is read with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// Properties, tags and locations.
    All,
    /// Locations.
    Locations,
    /// Nothing: its own row.
    Nothing,
}

impl With {
    fn has(self, table: &str) -> bool {
        match self {
            Self::All => true,
            Self::Locations => table == "image_locations",
            Self::Nothing => false,
        }
    }
}

/// The same, not with all that belongs to it.
///
/// # Errors
/// When the database fails.
pub async fn find_with(db: &Db, id: &str, who: &Identity, with: With) -> Result<Option<Image>, DbError> {
    if db.dialect().packs() {
        return find_packed(db, id, who, with).await;
    }
    let (id, who) = (id.to_owned(), who.clone());
    db.read(move |reading| Ok(read_images(reading, || row(COLUMNS, &id, &who, Members::Too), with)?.pop())).await
}

/// The same from a server, in one trip mostly.
async fn find_packed(db: &Db, id: &str, who: &Identity, with: With) -> Result<Option<Image>, DbError> {
    let columns = packed::columns(db.dialect(), with);
    let mut found = Vec::new();
    for members in Members::in_turn(db.dialect(), who) {
        found = packed::read(db, row(&columns, id, who, *members)).await?;
        if !found.is_empty() {
            break;
        }
    }
    Ok(found.pop())
}

/// These columns of the image `id`, as `read` reads them, if `who` may see it.
fn find_row<T>(
    reading: &Reading<'_>,
    columns: &str,
    id: &str,
    who: &Identity,
    read: impl Fn(&Seen<'_>) -> Result<T, DbError>,
) -> Result<Option<T>, DbError> {
    let mut found = None;
    for members in Members::in_turn(reading.dialect(), who) {
        reading.each(|| row(columns, id, who, *members), &mut |row| {
            found = Some(read(row)?);
            Ok(())
        })?;
        if found.is_some() {
            break;
        }
    }
    Ok(found)
}

/// Whether members are asked for: whoever may see an image for another reason needs none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    Too,
    Later,
}

impl Members {
    /// In which questions an image is asked for, until one finds it. To ask for members costs a server a fifth more, and few who
    /// ask for an image are no more than that.
    fn in_turn(dialect: Dialect, who: &Identity) -> &'static [Self] {
        if dialect.packs() && !who.is_admin { &[Self::Later, Self::Too] } else { &[Self::Too] }
    }
}

fn row(columns: &str, id: &str, who: &Identity, members: Members) -> Sql {
    let mut select = Sql::new(format!("SELECT {columns} FROM images WHERE +images.deleted = ? AND images.id = ?"));
    select = select.bind(false).bind(id);
    if !who.is_admin {
        select.push(" AND ").push(visible_by_id(who, members));
    }
    select
}

/// What of somebody else's images `who` may see by id; the answer of a member does not matter here.
fn visible_by_id(who: &Identity, members: Members) -> Sql {
    let mut visible = sql!("(images.visibility IN ('public', 'community') OR images.owner IS NULL");
    if let Some(project) = &who.project_id {
        visible.push(sql!(" OR images.owner = ?", project));
        if members == Members::Too {
            visible.push(sql!(
                " OR (images.visibility = 'shared' AND EXISTS (SELECT 1 FROM image_members \
                 WHERE image_members.image_id = images.id AND image_members.member = ? AND image_members.deleted = ?))",
                project,
                false
            ));
        }
    }
    visible.push(")");
    visible
}

/// How writing a new image went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is written.
    Yes,
    /// It is not: the project has so many images already.
    TooMany(i64),
}

/// How many images a project may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountLimit {
    /// The project; none for what belongs to nobody.
    pub project: Option<String>,
    /// How many.
    pub most: i64,
}

/// Where the id of a new image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdBy {
    /// It is random: nobody else has ever had it.
    Chance,
    /// A client has chosen it.
    Client,
}

/// Writes a new image, if the project of `limit`, where there is one, may have one more.
///
/// # Errors
/// `Duplicate` when the id was ever used: ids of deleted images are not given out again. `Unfit` when the database takes two names
/// of properties for one.
pub async fn insert(db: &Db, image: &Image, id_by: IdBy, limit: Option<&CountLimit>) -> Result<Inserted, DbError> {
    let inserted = db.write(|tx| async move {
        if let Some(CountLimit { project, most }) = limit {
            usage::hold(&tx, project.as_deref()).await?;
            let [there] = usage::read(tx.fetch_optional(usage::together([usage::images(project.as_deref())])).await?)?;
            if there >= *most {
                return Ok(Inserted::TooMany(there));
            }
        }
        let now = image.created_at;
        let mut batch = vec![insert_row(image)];
        // The id was never used: there are no rows of properties that could come back.
        batch.extend(insert_properties(&image.id, &image.properties, now));
        batch.extend(insert_tags(&image.id, &image.tags, now));
        if id_by == IdBy::Chance {
            tx.finally(batch);
            return Ok(Inserted::Yes);
        }
        tx.execute_batch(batch).await?;
        // Asked now, not before: whoever purges the last image of that id at this moment has done so, or is waited for above.
        if was_purged(&tx, &image.id).await? {
            return Err(DbError::Duplicate);
        }
        Ok(Inserted::Yes)
    });
    match inserted.await {
        Err(DbError::Duplicate) if !was_used(db, &image.id).await? => Err(one_name()),
        done => done,
    }
}

async fn was_used(db: &Db, id: &str) -> Result<bool, DbError> {
    let there = db.fetch_optional(sql!("SELECT 1 FROM images WHERE id = ?", id)).await?.is_some();
    Ok(there || db.fetch_optional(purged(id)).await?.is_some())
}

/// compat: MySQL takes names that differ in their case only for one.
fn one_name() -> DbError {
    DbError::Unfit("two properties have one name".into())
}

async fn was_purged(tx: &Tx, id: &str) -> Result<bool, DbError> {
    Ok(tx.fetch_optional(purged(id)).await?.is_some())
}

fn purged(id: &str) -> Sql {
    sql!("SELECT 1 FROM glint_purged_images WHERE id = ?", id)
}

fn insert_row(image: &Image) -> Sql {
    sql!(
        "INSERT INTO images (id, name, status, visibility, owner, container_format, disk_format, size, virtual_size, \
         checksum, os_hash_algo, os_hash_value, min_disk, min_ram, protected, os_hidden, created_at, updated_at, \
         deleted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &image.id,
        image.name.as_ref(),
        image.status.as_str(),
        image.visibility.as_str(),
        stored_owner(image),
        image.container_format.as_ref(),
        image.disk_format.as_ref(),
        image.size,
        image.virtual_size,
        image.checksum.as_ref(),
        image.os_hash_algo.as_ref(),
        image.os_hash_value.as_ref(),
        image.min_disk,
        image.min_ram,
        image.protected,
        image.os_hidden,
        image.created_at,
        image.updated_at,
        false
    )
}

/// How a change went. Nothing is written unless it is `Yes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// It is written.
    Yes,
    /// The image is gone, or its status or its locations matter to the change and are not what they were any more.
    Changed,
    /// The project has no room for the bytes.
    Full {
        /// Bytes that are needed.
        needed: i64,
        /// Bytes that are left.
        left: i64,
    },
}

/// Moves image `id` from one status to another, if it stands there: the row count tells.
pub(super) fn moved(id: &str, from: Status, to: Status, now: Timestamp) -> Sql {
    sql!(
        "UPDATE images SET status = ?, updated_at = ? WHERE id = ? AND status = ? AND deleted = ?",
        to.as_str(),
        now,
        id,
        from.as_str(),
        false
    )
}

/// compat: an owner without a name is none as soon as it is stored.
fn stored_owner(image: &Image) -> Option<&str> {
    image.owner.as_deref().filter(|owner| !owner.is_empty())
}

/// Writes what differs between `before` and `after`, both the same image, at `now`. Locations that `after` leaves out are not
/// touched: their bytes have to go first.
/// New locations have to fit into the `allowance`, where there is one.
///
/// # Errors
/// `Unfit` when the database takes two names of properties for one.
pub async fn update(
    db: &Db,
    before: &Image,
    after: &Image,
    allowance: Option<&Allowance>,
    now: Timestamp,
) -> Result<Updated, DbError> {
    let updated = db.write(|tx| async move {
        let id = &before.id;
        if locations_change(before, after) {
            tx.take_turn(id).await?;
            if !stand(&tx, id, &after.locations).await? {
                return Ok(Updated::Changed);
            }
        }
        if let Some(allowance) = allowance {
            let needed = bytes_at_new_places(after, allowance);
            let left = if needed > 0 { storage::room(&tx, allowance, id).await?.left } else { 0 };
            if needed > left {
                return Ok(Updated::Full { needed, left });
            }
        }
        if !update_row(&tx, before, after, now).await? {
            return Ok(Updated::Changed);
        }
        let mut batch = Vec::new();
        for tag in before.tags.difference(&after.tags) {
            batch.push(take_away("image_tags", "value", id, tag, now));
        }
        batch.extend(insert_tags(id, after.tags.difference(&before.tags), now));
        batch.extend(after.locations.iter().filter(|it| !before.locations.contains(it)).map(
            |location| match location.id {
                None => insert_location(id, location, now),
                Some(row) => sql!(
                    "UPDATE image_locations SET meta_data = ?, updated_at = ? WHERE id = ? AND image_id = ?",
                    noted(location),
                    now,
                    row,
                    id
                ),
            },
        ));
        tx.finally(batch);
        // First, for what is set may be what goes, in other letters (`one_name`).
        let gone = before.properties.keys().filter(|name| !after.properties.contains_key(*name));
        let mut batch: Vec<_> = gone.map(|name| take_away("image_properties", "name", id, name, now)).collect();
        let set: Vec<_> =
            after.properties.iter().filter(|(name, value)| before.properties.get(*name) != Some(value)).collect();
        // A row of that name that was deleted comes back: the reference's schema allows one row a name.
        batch.extend(set.iter().map(|(name, value)| set_property(id, name, value, now)));
        let touched = tx.execute_batch(batch).await?;
        let rows = touched.iter().skip(touched.len().saturating_sub(set.len()));
        let new = set.iter().zip(rows).filter(|(_, rows)| **rows == 0);
        tx.finally(insert_properties(id, new.map(|(property, _)| *property), now));
        Ok(Updated::Yes)
    });
    updated.await.map_err(|error| if matches!(error, DbError::Duplicate) { one_name() } else { error })
}

/// How many bytes `image`, which has new locations, takes of `allowance`: with all its locations if it is of that project, or
/// else with the new ones. Nothing, if it has no new ones.
fn bytes_at_new_places(image: &Image, allowance: &Allowance) -> i64 {
    let new = image.locations.iter().filter(|location| location.id.is_none()).count();
    let counted = if image.owner == allowance.project { image.locations.len() } else { new };
    let counted = i64::try_from(if new == 0 { 0 } else { counted }).unwrap_or(i64::MAX);
    image.size.unwrap_or(0).saturating_mul(counted)
}

/// The row itself. Columns that did not change are not written, so that two changes of different ones both last.
async fn update_row(tx: &Tx, before: &Image, after: &Image, now: Timestamp) -> Result<bool, DbError> {
    let mut update = sql!("UPDATE images SET updated_at = ?", now);
    macro_rules! changed {
        ($($column:ident),*) => {$(
            if before.$column != after.$column {
                update.push(sql!(concat!(", ", stringify!($column), " = ?"), after.$column.clone()));
            }
        )*};
    }
    changed!(name, container_format, disk_format, size, virtual_size, checksum, os_hash_algo, os_hash_value);
    changed!(min_disk, min_ram, protected, os_hidden);
    if before.owner != after.owner {
        update.push(sql!(", owner = ?", stored_owner(after)));
    }
    if before.visibility != after.visibility {
        update.push(sql!(", visibility = ?", after.visibility.as_str()));
    }
    if before.status != after.status {
        update.push(sql!(", status = ?", after.status.as_str()));
    }
    update.push(sql!(" WHERE id = ? AND deleted = ?", &before.id, false));
    let formats_change = before.disk_format != after.disk_format || before.container_format != after.container_format;
    if before.status != after.status || formats_change || locations_change(before, after) {
        update.push(sql!(" AND status = ?", before.status.as_str()));
    }
    Ok(tx.execute(update).await? == 1)
}

/// Whether `after` has new locations, or old ones with other metadata. The order is not kept.
fn locations_change(before: &Image, after: &Image) -> bool {
    after.locations.iter().any(|location| !before.locations.contains(location))
}

/// Whether the locations of `id` are those of `expected` that were written before, and no others.
async fn stand(tx: &Tx, id: &str, expected: &[Location]) -> Result<bool, DbError> {
    let mut expected: Vec<i64> = expected.iter().filter_map(|location| location.id).collect();
    let mut there = standing(tx, id).await?;
    expected.sort_unstable();
    there.sort_unstable();
    Ok(there == expected)
}

fn set_property(id: &str, name: &str, value: &str, now: Timestamp) -> Sql {
    sql!(
        "UPDATE image_properties SET name = ?, value = ?, updated_at = ?, deleted = ?, deleted_at = ? \
         WHERE image_id = ? AND name = ? AND (+deleted = ? OR name == ?)",
        name,
        value,
        now,
        false,
        None::<Timestamp>,
        id,
        name,
        true,
        name
    )
}

fn insert_properties<T: AsRef<str>>(
    id: &str,
    properties: impl IntoIterator<Item = (T, T)>,
    now: Timestamp,
) -> Vec<Sql> {
    let rows = properties
        .into_iter()
        .map(|(name, value)| sql!("(?, ?, ?, ?, ?, ?)", id, name.as_ref(), value.as_ref(), now, now, false));
    insert_rows("INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted) VALUES ", rows)
}

fn insert_tags<T: AsRef<str>>(id: &str, tags: impl IntoIterator<Item = T>, now: Timestamp) -> Vec<Sql> {
    let rows = tags.into_iter().map(|tag| sql!("(?, ?, ?, ?, ?)", id, tag.as_ref(), now, now, false));
    insert_rows("INSERT INTO image_tags (image_id, value, created_at, updated_at, deleted) VALUES ", rows)
}

/// Rows that one statement inserts, at the most: as many as that are prepared.
const ROWS_AT_ONCE: usize = 16;

/// Few statements: a server is asked one by one.
fn insert_rows(insert: &str, rows: impl Iterator<Item = Sql>) -> Vec<Sql> {
    let rows: Vec<Sql> = rows.collect();
    let some = |rows: &[Sql]| {
        let mut some = Sql::new(insert);
        some.push_joined(", ", rows.iter().cloned());
        some
    };
    rows.chunks(ROWS_AT_ONCE).map(some).collect()
}

/// Gives `id`, which has none of this name, a property. A row of that name that was deleted comes back.
pub(super) async fn put_property(tx: &Tx, id: &str, name: &str, value: &str, now: Timestamp) -> Result<(), DbError> {
    if tx.execute(set_property(id, name, value, now)).await? == 0 {
        tx.execute_batch(insert_properties(id, [(name, value)], now)).await?;
    }
    Ok(())
}

/// Marks the row of `table` as deleted in which `column` is `what`.
fn take_away(table: &str, column: &str, id: &str, what: &str, now: Timestamp) -> Sql {
    let text = format!(
        "UPDATE {table} SET deleted = ?, deleted_at = ?, updated_at = ? \
         WHERE image_id = ? AND {column} = ? AND {column} == ? AND +deleted = ?"
    );
    sql!(text, true, now, now, id, what, what, false)
}

/// That the bytes of `id` are at `location`.
pub(super) fn insert_location(id: &str, location: &Location, now: Timestamp) -> Sql {
    sql!(
        "INSERT INTO image_locations (image_id, value, meta_data, status, created_at, updated_at, deleted) \
         VALUES (?, ?, ?, 'active', ?, ?, ?)",
        id,
        &location.url,
        noted(location),
        now,
        now,
        false
    )
}

fn noted(location: &Location) -> String {
    serde_json::Value::Object(location.metadata.clone()).to_string()
}

/// Marks `locations` of `id` as `pending_delete`, so that nobody sees them. False, and nothing written, when the image is
/// not active, or when these are not its locations, or all that it has.
pub(super) async fn hide_locations(tx: &Tx, id: &str, locations: &[i64], now: Timestamp) -> Result<bool, DbError> {
    let active =
        sql!("SELECT 1 FROM images WHERE id = ? AND status = ? AND deleted = ?", id, Status::Active.as_str(), false);
    let there = standing(tx, id).await?;
    let known = locations.iter().all(|location| there.contains(location));
    if !known || there.len() <= locations.len() || tx.fetch_all(active).await?.is_empty() {
        return Ok(false);
    }
    let hide = |location: &i64| {
        sql!(
            "UPDATE image_locations SET status = 'pending_delete', updated_at = ? WHERE id = ? AND image_id = ?",
            now,
            *location,
            id
        )
    };
    tx.execute_batch(locations.iter().map(hide).collect()).await?;
    Ok(true)
}

/// The locations of `id` that are hidden are deleted, or are shown again.
pub(super) fn settle_locations(id: &str, removed: bool, now: Timestamp) -> Sql {
    sql!(
        "UPDATE image_locations SET status = ?, deleted = ?, deleted_at = ?, updated_at = ? \
         WHERE image_id = ? AND status = 'pending_delete' AND +deleted = ?",
        if removed { "deleted" } else { "active" },
        removed,
        removed.then_some(now),
        now,
        id,
        false
    )
}

/// The locations of `id` whose bytes are being removed.
///
/// # Errors
/// When the database fails.
pub async fn hidden_locations(db: &Db, id: &str) -> Result<Vec<Location>, DbError> {
    let select = sql!(
        "SELECT id, value, meta_data FROM image_locations \
         WHERE image_id = ? AND status = 'pending_delete' AND +deleted = ? ORDER BY id",
        id,
        false
    );
    db.gather(select, |locations: &mut Vec<Location>, row| {
        locations.push(location(row.get(0)?, row.get(1)?, row.value(2)?)?);
        Ok(())
    })
    .await
}

/// The ids of the locations that `id` has.
async fn standing(tx: &Tx, id: &str) -> Result<Vec<i64>, DbError> {
    let select =
        sql!("SELECT id FROM image_locations WHERE image_id = ? AND status = 'active' AND +deleted = ?", id, false);
    tx.fetch_all(select).await?.iter().map(|row| row.get(0)).collect()
}

/// What marks `id`, which stands at `from`, as deleted, and all its children after it. How many rows the first touches tells
/// whether it stood there; the others touch none of an image that is not deleted. It is to go as one text where texts go.
pub(super) fn removal(dialect: Dialect, id: &str, from: Status, now: Timestamp) -> Vec<Sql> {
    let mut batch = vec![sql!(
        "UPDATE images SET status = ?, deleted = ?, deleted_at = ?, updated_at = ? \
         WHERE id = ? AND status = ? AND deleted = ?",
        Status::Deleted.as_str(),
        true,
        now,
        now,
        id,
        from.as_str(),
        false
    )];
    batch.extend(dialect.touched_first().map(|(noting, _)| Sql::new(noting)));
    let children = ["image_properties", "image_tags", "image_members"].map(|table| {
        let text = format!("UPDATE {table} SET deleted = ?, deleted_at = ? WHERE image_id = ? AND +deleted = ?");
        sql!(text, true, now, id, false)
    });
    let children = children.into_iter().chain([without_locations(id, now)]);
    batch.extend(children.map(|child| if_removed(dialect, child, id)));
    batch
}

/// `statement`, which ends with conditions, with one more: that the `removal` of `id`, behind which it stands, found it.
pub(super) fn if_removed(dialect: Dialect, mut statement: Sql, id: &str) -> Sql {
    let is_deleted = || sql!("EXISTS (SELECT 1 FROM images WHERE images.id = ? AND images.deleted = ?)", id, true);
    let removed = dialect.touched_first().map_or_else(is_deleted, |(_, touched)| Sql::new(touched));
    statement.push(" AND ").push(removed);
    statement
}

/// Marks every location of `id` as deleted.
pub(super) async fn forget_locations(tx: &Tx, id: &str, now: Timestamp) -> Result<(), DbError> {
    tx.execute(without_locations(id, now)).await.map(drop)
}

fn without_locations(id: &str, now: Timestamp) -> Sql {
    sql!(
        "UPDATE image_locations SET status = 'deleted', deleted = ?, deleted_at = ?, updated_at = ? \
         WHERE image_id = ? AND +deleted = ?",
        true,
        now,
        now,
        id,
        false
    )
}

/// The images that `select` finds by `packed::columns`, with what is wanted of what belongs to them.
fn read_images(reading: &Reading<'_>, select: impl FnOnce() -> Sql, with: With) -> Result<Vec<Image>, DbError> {
    if reading.dialect().packs() {
        return read_each(reading, select, packed::read_whole);
    }
    let mut images = read_each(reading, select, read_image)?;
    fill_in(reading, &mut images, with)?;
    Ok(images)
}

fn read_each(
    reading: &Reading<'_>,
    select: impl FnOnce() -> Sql,
    read: fn(&Seen<'_>) -> Result<Image, DbError>,
) -> Result<Vec<Image>, DbError> {
    let mut images = Vec::new();
    reading.each(select, &mut |row| {
        images.push(read(row)?);
        Ok(())
    })?;
    Ok(images)
}

fn read_image(row: &Seen<'_>) -> Result<Image, DbError> {
    Ok(Image {
        id: row.get(0)?,
        name: row.get(1)?,
        status: row.text(2)?.parse().map_err(|error| unreadable(&error))?,
        visibility: row.text(3)?.parse::<Visibility>().map_err(|error| unreadable(&error))?,
        owner: row.get(4)?,
        container_format: row.get(5)?,
        disk_format: row.get(6)?,
        size: row.get(7)?,
        virtual_size: row.get(8)?,
        checksum: row.get(9)?,
        os_hash_algo: row.get(10)?,
        os_hash_value: row.get(11)?,
        min_disk: row.get(12)?,
        min_ram: row.get(13)?,
        protected: row.get(14)?,
        os_hidden: row.get(15)?,
        created_at: row.get(16)?,
        updated_at: row.get(17)?,
        properties: BTreeMap::new(),
        tags: std::collections::BTreeSet::new(),
        locations: Vec::new(),
    })
}

fn unreadable(error: &dyn std::error::Error) -> DbError {
    DbError::Unreadable(error.to_string())
}
