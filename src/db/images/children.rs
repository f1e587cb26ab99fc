//! What belongs to images: properties, tags and locations, read together.

use std::collections::HashMap;

use super::unreadable;
use crate::db::engine::{Reading, Seen};
use crate::db::row::{Columns, Value};
use crate::db::sql::any_of;
use crate::db::{DbError, Sql, sql};
use crate::model::image::{Image, Location};

/// Reads the properties, tags and locations of all `images`, in one statement.
pub(super) fn fill_in(reading: &Reading<'_>, images: &mut [Image]) -> Result<(), DbError> {
    if images.is_empty() {
        return Ok(());
    }
    let places: HashMap<String, usize> = images.iter().enumerate().map(|(at, image)| (image.id.clone(), at)).collect();
    let mut at = 0;
    reading.each(&children("image_id", &any_of("image_id", places.keys())), &mut |row| {
        let id = row.text(0)?;
        // Mostly it is the image of the row before.
        if images.get(at).is_none_or(|image| image.id != id) {
            at = places.get(id).copied().unwrap_or(images.len());
        }
        if let (Some(image), Some(child)) = (images.get_mut(at), read_child(row, 1)?) {
            child.hang(image);
        }
        Ok(())
    })
}

/// What belongs to an image.
pub(super) enum Child {
    Property(String, String),
    Tag(String),
    Location(Location),
    /// A location whose bytes are being removed.
    Hidden,
}

impl Child {
    /// Gives it to its image.
    pub(super) fn hang(self, image: &mut Image) {
        match self {
            Self::Property(name, value) => drop(image.properties.insert(name, value)),
            Self::Tag(tag) => drop(image.tags.insert(tag)),
            Self::Location(location) => {
                let at = image.locations.partition_point(|before| before.id < location.id);
                image.locations.insert(at, location);
            }
            Self::Hidden => {}
        }
    }
}

/// The columns of a child: what it is, its name or value, the value of a property, metadata, status and id of a location.
pub(super) const NO_CHILD: &str = "0, NULL, NULL, NULL, NULL, 0";
const CHILDREN: [(&str, &str); 3] = [
    ("image_properties", "1, name, value, NULL, NULL, 0"),
    ("image_tags", "2, value, NULL, NULL, NULL, 0"),
    ("image_locations", "3, value, NULL, meta_data, status, id"),
];

/// The children of `these` images, each behind the columns `before`.
pub(super) fn children(before: &str, these: &Sql) -> Sql {
    let mut all = Sql::default();
    all.push_joined(
        " UNION ALL ",
        CHILDREN.map(|(table, columns)| {
            let mut select = Sql::new(format!("SELECT {before}, {columns} FROM {table} WHERE "));
            select.push(these.clone()).push(sql!(" AND +deleted = ?", false));
            select
        }),
    );
    all
}

/// The child in a row, from column `at` on; none in a row of another kind.
pub(super) fn read_child(row: &Seen<'_>, at: usize) -> Result<Option<Child>, DbError> {
    Ok(match row.get::<i64>(at)? {
        0 => None,
        // Old rows may hold NULL; the reference shows "" for it.
        1 => Some(Child::Property(row.get(at + 1)?, row.get::<Option<String>>(at + 2)?.unwrap_or_default())),
        2 => Some(Child::Tag(row.get(at + 1)?)),
        _ if row.text(at + 4)? == "active" => {
            Some(Child::Location(location(row.get(at + 5)?, row.get(at + 1)?, row.value(at + 3)?)?))
        }
        _ => Some(Child::Hidden),
    })
}

/// A location, from its columns.
pub(super) fn location(id: i64, url: String, metadata: Value<'_>) -> Result<Location, DbError> {
    let metadata = match metadata {
        Value::Text(text) => serde_json::from_str(text).map_err(|error| unreadable(&error))?,
        _ => serde_json::Map::new(),
    };
    Ok(Location { id: Some(id), url, metadata })
}
