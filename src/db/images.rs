//! Images in the database: find, insert, change, remove. Children (properties, tags, locations) come along.

mod list;

use std::collections::{BTreeMap, HashMap};

use crate::clock::Timestamp;
use crate::db::{Db, DbError, Row, Sql, Tx, sql};
use crate::model::identity::Identity;
use crate::model::image::{Image, Location, Visibility};
use crate::model::lifecycle::Status;

pub use list::list;

/// The columns that `read_image` reads, in its order.
const COLUMNS: &str = "images.id, images.name, images.status, images.visibility, images.owner, \
    images.container_format, images.disk_format, images.size, images.virtual_size, images.checksum, \
    images.os_hash_algo, images.os_hash_value, images.min_disk, images.min_ram, images.protected, images.os_hidden, \
    images.created_at, images.updated_at";

/// The image `id`, if `who` may see it: their own, shared with them, public, community, or ownerless.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str, who: &Identity) -> Result<Option<Image>, DbError> {
    let mut select = Sql::new(format!("SELECT {COLUMNS} FROM images WHERE images.deleted = ? AND images.id = ?"));
    select = select.bind(false).bind(id);
    if !who.is_admin {
        select.push(" AND ").push(visible_by_id(who));
    }
    let Some(row) = db.fetch_optional(select).await? else {
        return Ok(None);
    };
    let mut images = vec![read_image(&row)?];
    fill_in(db, &mut images).await?;
    Ok(images.pop())
}

/// What of somebody else's images `who` may see by id; the answer of a member does not matter here.
fn visible_by_id(who: &Identity) -> Sql {
    let mut visible = sql!("(images.visibility IN ('public', 'community') OR images.owner IS NULL");
    if let Some(project) = &who.project_id {
        visible.push(sql!(
            " OR images.owner = ? OR (images.visibility = 'shared' AND EXISTS (SELECT 1 FROM image_members \
             WHERE image_members.image_id = images.id AND image_members.member = ? AND image_members.deleted = ?))",
            project,
            project,
            false
        ));
    }
    visible.push(")");
    visible
}

/// Writes a new image.
///
/// # Errors
/// `Duplicate` when the id was ever used: ids of deleted images are not given out again.
pub async fn insert(db: &Db, image: &Image) -> Result<(), DbError> {
    db.write(|tx| async move {
        tx.execute(sql!(
            "INSERT INTO images (id, name, status, visibility, owner, container_format, disk_format, size, virtual_size, \
             checksum, os_hash_algo, os_hash_value, min_disk, min_ram, protected, os_hidden, created_at, updated_at, \
             deleted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &image.id,
            image.name.as_ref(),
            image.status.as_str(),
            image.visibility.as_str(),
            image.owner.as_ref(),
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
        ))
        .await?;
        for (name, value) in &image.properties {
            put_property(&tx, &image.id, name, value, image.created_at).await?;
        }
        for tag in &image.tags {
            put_tag(&tx, &image.id, tag, image.created_at).await?;
        }
        Ok(())
    })
    .await
}

/// Writes what differs between `before` and `after`, both the same image, at `now`. Locations are not touched.
/// False, and nothing written, when the image is gone, or when its status matters to the change and is not that of
/// `before` any more.
///
/// # Errors
/// When the database fails.
pub async fn update(db: &Db, before: &Image, after: &Image, now: Timestamp) -> Result<bool, DbError> {
    db.write(|tx| async move {
        if !update_row(&tx, before, after, now).await? {
            return Ok(false);
        }
        for name in before.properties.keys().filter(|name| !after.properties.contains_key(*name)) {
            tx.execute(sql!(
                "UPDATE image_properties SET deleted = ?, deleted_at = ?, updated_at = ? \
                 WHERE image_id = ? AND name = ? AND deleted = ?",
                true,
                now,
                now,
                &before.id,
                name,
                false
            ))
            .await?;
        }
        for (name, value) in after.properties.iter().filter(|(name, value)| before.properties.get(*name) != Some(value))
        {
            put_property(&tx, &before.id, name, value, now).await?;
        }
        for tag in before.tags.difference(&after.tags) {
            tx.execute(sql!(
                "UPDATE image_tags SET deleted = ?, deleted_at = ?, updated_at = ? \
                 WHERE image_id = ? AND value = ? AND deleted = ?",
                true,
                now,
                now,
                &before.id,
                tag,
                false
            ))
            .await?;
        }
        for tag in after.tags.difference(&before.tags) {
            put_tag(&tx, &before.id, tag, now).await?;
        }
        Ok(true)
    })
    .await
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
    changed!(name, owner, container_format, disk_format, size, virtual_size, checksum, os_hash_algo, os_hash_value);
    changed!(min_disk, min_ram, protected, os_hidden);
    if before.visibility != after.visibility {
        update.push(sql!(", visibility = ?", after.visibility.as_str()));
    }
    if before.status != after.status {
        update.push(sql!(", status = ?", after.status.as_str()));
    }
    update.push(sql!(" WHERE id = ? AND deleted = ?", &before.id, false));
    let formats_change = before.disk_format != after.disk_format || before.container_format != after.container_format;
    if before.status != after.status || formats_change {
        update.push(sql!(" AND status = ?", before.status.as_str()));
    }
    Ok(tx.execute(update).await? == 1)
}

/// Sets a property. A row of that name that was deleted comes back: the reference's schema allows one row a name.
async fn put_property(tx: &Tx, id: &str, name: &str, value: &str, now: Timestamp) -> Result<(), DbError> {
    let updated = tx
        .execute(sql!(
            "UPDATE image_properties SET value = ?, updated_at = ?, deleted = ?, deleted_at = ? \
             WHERE image_id = ? AND name = ?",
            value,
            now,
            false,
            None::<Timestamp>,
            id,
            name
        ))
        .await?;
    if updated == 0 {
        tx.execute(sql!(
            "INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted) \
             VALUES (?, ?, ?, ?, ?, ?)",
            id,
            name,
            value,
            now,
            now,
            false
        ))
        .await?;
    }
    Ok(())
}

async fn put_tag(tx: &Tx, id: &str, tag: &str, now: Timestamp) -> Result<(), DbError> {
    tx.execute(sql!(
        "INSERT INTO image_tags (image_id, value, created_at, updated_at, deleted) VALUES (?, ?, ?, ?, ?)",
        id,
        tag,
        now,
        now,
        false
    ))
    .await?;
    Ok(())
}

/// Writes that the bytes of `id` are at `location`.
pub(super) async fn put_location(tx: &Tx, id: &str, location: &Location, now: Timestamp) -> Result<(), DbError> {
    tx.execute(sql!(
        "INSERT INTO image_locations (image_id, value, meta_data, status, created_at, updated_at, deleted) \
         VALUES (?, ?, ?, 'active', ?, ?, ?)",
        id,
        &location.url,
        serde_json::Value::Object(location.metadata.clone()).to_string(),
        now,
        now,
        false
    ))
    .await?;
    Ok(())
}

/// Marks `id`, which stands at `from`, and all its children as deleted.
/// False, and nothing written, when it stands elsewhere or is gone.
pub(super) async fn remove(tx: &Tx, id: &str, from: Status, now: Timestamp) -> Result<bool, DbError> {
    let removed = tx
        .execute(sql!(
            "UPDATE images SET status = ?, deleted = ?, deleted_at = ?, updated_at = ? \
             WHERE id = ? AND status = ? AND deleted = ?",
            Status::Deleted.as_str(),
            true,
            now,
            now,
            id,
            from.as_str(),
            false
        ))
        .await?;
    if removed == 0 {
        return Ok(false);
    }
    for table in ["image_properties", "image_tags", "image_members"] {
        let text = format!("UPDATE {table} SET deleted = ?, deleted_at = ? WHERE image_id = ? AND deleted = ?");
        tx.execute(sql!(text, true, now, id, false)).await?;
    }
    tx.execute(sql!(
        "UPDATE image_locations SET status = 'deleted', deleted = ?, deleted_at = ?, updated_at = ? \
         WHERE image_id = ? AND deleted = ?",
        true,
        now,
        now,
        id,
        false
    ))
    .await?;
    Ok(true)
}

fn read_image(row: &Row) -> Result<Image, DbError> {
    let status: String = row.get(2)?;
    let visibility: String = row.get(3)?;
    Ok(Image {
        id: row.get(0)?,
        name: row.get(1)?,
        status: status.parse().map_err(|error| unreadable(&error))?,
        visibility: visibility.parse::<Visibility>().map_err(|error| unreadable(&error))?,
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

/// Reads the children of all `images`: three statements, however many images there are.
async fn fill_in(db: &Db, images: &mut [Image]) -> Result<(), DbError> {
    if images.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = images.iter().map(|image| image.id.clone()).collect();
    let of_these = |select: &str| {
        let mut select = Sql::new(select);
        select.push(" WHERE image_id IN ").push_list(&ids);
        select.push(sql!(" AND deleted = ?", false)).push(" ORDER BY id");
        select
    };
    let mut by_id: HashMap<&str, &mut Image> = ids.iter().map(String::as_str).zip(images.iter_mut()).collect();
    for row in db.fetch_all(of_these("SELECT image_id, name, value FROM image_properties")).await? {
        if let Some(image) = by_id.get_mut(row.get::<String>(0)?.as_str()) {
            // Old rows may hold NULL; the reference shows "" for it.
            image.properties.insert(row.get(1)?, row.get::<Option<String>>(2)?.unwrap_or_default());
        }
    }
    for row in db.fetch_all(of_these("SELECT image_id, value FROM image_tags")).await? {
        if let Some(image) = by_id.get_mut(row.get::<String>(0)?.as_str()) {
            image.tags.insert(row.get(1)?);
        }
    }
    for row in db.fetch_all(of_these("SELECT image_id, id, value, meta_data, status FROM image_locations")).await? {
        if let Some(image) = by_id.get_mut(row.get::<String>(0)?.as_str())
            && row.get::<String>(4)? == "active"
        {
            image.locations.push(read_location(&row)?);
        }
    }
    Ok(())
}

fn read_location(row: &Row) -> Result<Location, DbError> {
    let metadata = match row.get::<Option<String>>(3)? {
        None => serde_json::Map::new(),
        Some(text) => serde_json::from_str(&text).map_err(|error| unreadable(&error))?,
    };
    Ok(Location { id: Some(row.get(1)?), url: row.get(2)?, metadata })
}
