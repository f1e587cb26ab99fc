//! What belongs to images: properties, tags and locations, read together.

use std::collections::HashMap;

use super::{With, unreadable};
use crate::db::engine::{Reading, Seen};
use crate::db::row::{Columns, Value};
use crate::db::sql::any_of;
use crate::db::{DbError, Sql};
use crate::model::image::{Image, Location};

/// Reads what is wanted of the properties, tags and locations of all `images`, in one statement.
pub(super) fn fill_in(reading: &Reading<'_>, images: &mut [Image], with: With) -> Result<(), DbError> {
    if images.is_empty() || with == With::Nothing {
        return Ok(());
    }
    let places: HashMap<String, usize> = images.iter().enumerate().map(|(at, image)| (image.id.clone(), at)).collect();
    let mut at = 0;
    reading.each(|| children(&any_of("image_id", places.keys()), with), &mut |row| {
        let id = row.text(0)?;
        // Mostly it is the image of the row before.
        if images.get(at).is_none_or(|image| image.id != id) {
            at = places.get(id).copied().unwrap_or(images.len());
        }
        if let Some(image) = images.get_mut(at) {
            read_child(row)?.hang(image);
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
const CHILDREN: [(&str, &str); 3] = [
    ("image_properties", "1, name, value, NULL, NULL, 0"),
    ("image_tags", "2, value, NULL, NULL, NULL, 0"),
    ("image_locations", "3, value, NULL, meta_data, status, id"),
];

/// What is wanted of the children of `these` images, each behind the id of its image.
fn children(these: &Sql, with: With) -> Sql {
    let mut all = Sql::default();
    all.push_joined(
        " UNION ALL ",
        CHILDREN.into_iter().filter(|(table, _)| with.has(table)).map(|(table, columns)| {
            let mut select = Sql::new(format!("SELECT image_id, {columns} FROM {table} WHERE "));
            select.push(these.clone()).push(" AND NOT +deleted");
            select
        }),
    );
    all
}

fn read_child(row: &Seen<'_>) -> Result<Child, DbError> {
    Ok(match row.get::<i64>(1)? {
        // Old rows may hold NULL; the reference shows "" for it.
        1 => Child::Property(row.get(2)?, row.get::<Option<String>>(3)?.unwrap_or_default()),
        2 => Child::Tag(row.get(2)?),
        _ if row.text(5)? == "active" => Child::Location(location(row.get(6)?, row.get(2)?, row.value(4)?)?),
        _ => Child::Hidden,
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
