//! What belongs to an image as columns of its row, each a JSON object: so a server gives it, for a page is one statement and one
//! trip then, and a row for each property costs more than the property.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::from_str;

use super::children::location;
use super::{COLUMNS, COLUMNS_COUNT, With, read_image, unreadable};
use crate::db::dialect::Dialect;
use crate::db::engine::Seen;
use crate::db::row::{Columns, Value};
use crate::db::{Db, DbError, Sql};
use crate::model::image::Image;

/// The columns of `images`, and where a server reads them, what belongs to each and is wanted.
pub(super) fn columns(dialect: Dialect, with: With) -> String {
    if !dialect.packs() {
        return COLUMNS.to_owned();
    }
    let all = |table: &str, name: &str, value: &str| {
        if !with.has(table) {
            return "NULL".to_owned();
        }
        let rows = if table == "image_properties" { properties_of_an_image(dialect) } else { table.to_owned() };
        let object = dialect.json_object(name, value);
        format!("(SELECT {object} FROM {rows} WHERE image_id = images.id AND NOT +deleted)")
    };
    let location = dialect.json_array("status, value, meta_data");
    let properties = all("image_properties", "name", "value");
    let (tags, locations) = (all("image_tags", "value", "1"), all("image_locations", "id", &location));
    format!("{COLUMNS}, {properties}, {tags}, {locations}")
}

/// Where the properties of an image are found, with their values.
pub(super) fn properties_of_an_image(dialect: Dialect) -> String {
    dialect.by_own_index("image_properties", "glint_image_properties_image_id")
}

/// The images that `select` finds on a server by these columns, in one trip.
pub(super) async fn read(db: &Db, select: Sql) -> Result<Vec<Image>, DbError> {
    db.gather(select, |images: &mut Vec<Image>, row| {
        images.push(read_whole(row)?);
        Ok(())
    })
    .await
}

/// The status of a location, its URL and its metadata.
type Place = (String, String, Option<String>);

/// An image with what belongs to it, from these columns.
pub(super) fn read_whole(row: &Seen<'_>) -> Result<Image, DbError> {
    let mut image = read_image(row)?;
    let properties: BTreeMap<String, Option<String>> = object(row, COLUMNS_COUNT)?;
    // Old rows may hold NULL; the reference shows "" for it.
    image.properties = properties.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect();
    let tags: BTreeMap<String, u8> = object(row, COLUMNS_COUNT + 1)?;
    image.tags = tags.into_keys().collect();
    let locations: BTreeMap<i64, Place> = object(row, COLUMNS_COUNT + 2)?;
    for (id, (status, url, metadata)) in locations {
        if status == "active" {
            image.locations.push(location(id, url, metadata.as_deref().map_or(Value::Null, Value::Text))?);
        }
    }
    Ok(image)
}

/// What the column `at` says; nothing when no row belongs to the image.
fn object<T: Default + DeserializeOwned>(row: &Seen<'_>, at: usize) -> Result<T, DbError> {
    match row.value(at)? {
        Value::Null => Ok(T::default()),
        _ => from_str(row.text(at)?).map_err(|error| unreadable(&error)),
    }
}
