//! What belongs to an image as columns of its row, each a JSON object: so a server gives it, for a page is one statement and one
//! trip then, and a row for each property costs more than the property.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};

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
type Stored = (String, String, Option<String>);

/// An image with what belongs to it, from these columns.
pub(super) fn read_whole(row: &Seen<'_>) -> Result<Image, DbError> {
    let mut image = read_image(row)?;
    each_entry(row, COLUMNS_COUNT, |name: String, value: Option<String>| {
        // Old rows may hold NULL; the reference shows "" for it.
        image.properties.insert(name, value.unwrap_or_default());
    })?;
    each_entry(row, COLUMNS_COUNT + 1, |tag: String, _: u8| {
        image.tags.insert(tag);
    })?;
    let mut locations = BTreeMap::new();
    each_entry(row, COLUMNS_COUNT + 2, |id: i64, stored: Stored| {
        locations.insert(id, stored);
    })?;
    for (id, (status, url, metadata)) in locations {
        if status == "active" {
            image.locations.push(location(id, url, metadata.as_deref().map_or(Value::Null, Value::Text))?);
        }
    }
    Ok(image)
}

/// Hands over what the object in column `at` has; nothing when no row belongs to the image.
fn each_entry<K: DeserializeOwned, V: DeserializeOwned>(
    row: &Seen<'_>,
    at: usize,
    see: impl FnMut(K, V),
) -> Result<(), DbError> {
    if matches!(row.value(at)?, Value::Null) {
        return Ok(());
    }
    let mut object = serde_json::Deserializer::from_str(row.text(at)?);
    let read = object.deserialize_map(Entries { see, types: PhantomData }).and_then(|()| object.end());
    read.map_err(|error| unreadable(&error))
}

/// Reads an object into whatever its entries become, without a map in between.
struct Entries<K, V, S> {
    see: S,
    types: PhantomData<(K, V)>,
}

impl<'de, K: DeserializeOwned, V: DeserializeOwned, S: FnMut(K, V)> Visitor<'de> for Entries<K, V, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while let Some((key, value)) = entries.next_entry()? {
            (self.see)(key, value);
        }
        Ok(())
    }
}
