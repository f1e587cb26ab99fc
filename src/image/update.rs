//! Changing what is known about an image: one attribute at a time, saved once.

use std::sync::Arc;

use crate::app::App;
use crate::db::images::{self, Updated};
use crate::error::{Error, Kind, Result};
use crate::image::{quota, removal, room};
use crate::model::identity::Identity;
use crate::model::image::{Image, Location, Visibility};
use crate::model::lifecycle::Status;

/// An attribute that a user may set, with its value.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the image's fields")]
pub enum Attribute {
    Id(String),
    Name(Option<String>),
    Owner(Option<String>),
    Visibility(Visibility),
    Protected(bool),
    OsHidden(bool),
    MinDisk(i64),
    MinRam(i64),
    ContainerFormat(Option<String>),
    DiskFormat(Option<String>),
    Tags(Vec<String>),
    Property(String, String),
    NoProperty(String),
}

/// The largest `min_disk` and `min_ram`: the columns hold 32 bits.
const INT_MAX: i64 = i32::MAX as i64;

/// Writes what differs between `before` and `after`, on the account of `project`. The bytes at locations that are left out go first.
///
/// # Errors
/// `TooLarge` beyond a quota, `Invalid` for a number that the database cannot hold, `NotFound` when the image was
/// deleted meanwhile, `Conflict` when it got its data meanwhile and its format was to change.
pub async fn save(app: &Arc<App>, before: &Image, after: Image, project: Option<&str>) -> Result<Image> {
    if after.properties.keys().any(|name| !before.properties.contains_key(name)) {
        quota::properties(&app.config.quotas, &after)?;
    }
    numbers_fit(&after)?;
    if removed(before, &after).is_empty() {
        return write(app, before, after, project).await;
    }
    // Who goes away meanwhile does not leave a change that is made by half.
    let (of, before, project) = (Arc::clone(app), before.clone(), project.map(str::to_owned));
    let work = async move {
        removal::remove(&of, &before, &removed(&before, &after)).await?;
        write(&of, &before, after, project.as_deref()).await
    };
    app.to_its_end(work).await
}

/// The locations of `before` that `after` leaves out.
fn removed<'a>(before: &'a Image, after: &Image) -> Vec<&'a Location> {
    let gone = |location: &&Location| !after.locations.iter().any(|kept| kept.id == location.id);
    before.locations.iter().filter(gone).collect()
}

async fn write(app: &App, before: &Image, mut after: Image, project: Option<&str>) -> Result<Image> {
    let now = app.clock.now();
    let allowance = room::allowance(app, project);
    match images::update(&app.db, before, &after, allowance.as_ref(), now).await? {
        Updated::Yes => {
            after.updated_at = Some(now);
            Ok(after)
        }
        Updated::Full { needed, left } => Err(quota::no_room_for_locations(needed, left)),
        Updated::Changed => {
            let there = images::find(&app.db, &before.id, &Identity::service()).await?;
            Err(match there {
                None => Error::not_found(format!("No image found with ID {}", before.id)),
                Some(image) => Error::conflict(format!("Image {} is {} meanwhile", image.id, image.status)),
            })
        }
    }
}

/// Sets one attribute of `image`.
///
/// # Errors
/// `Forbidden` for a format when there is data already, `Invalid` for a number below zero, `TooLarge` for too many tags.
pub fn set(app: &App, image: &mut Image, attribute: Attribute) -> Result<()> {
    match attribute {
        Attribute::Id(id) => image.id = id,
        Attribute::Name(name) => image.name = name,
        Attribute::Owner(owner) => image.owner = owner,
        Attribute::Visibility(visibility) => image.visibility = visibility,
        Attribute::Protected(protected) => image.protected = protected,
        Attribute::OsHidden(hidden) => image.os_hidden = hidden,
        Attribute::MinDisk(gib) => image.min_disk = not_negative("min_disk", gib)?,
        Attribute::MinRam(mib) => image.min_ram = not_negative("min_ram", mib)?,
        Attribute::ContainerFormat(format) => {
            format_may_change(image, "container_format")?;
            image.container_format = format;
        }
        Attribute::DiskFormat(format) => {
            format_may_change(image, "disk_format")?;
            image.disk_format = format;
        }
        Attribute::Tags(tags) => {
            // compat: a tag that is named twice counts twice.
            quota::tags(&app.config.quotas, tags.len())?;
            image.tags = tags.into_iter().collect();
        }
        Attribute::Property(name, value) => {
            image.properties.insert(name, value);
        }
        Attribute::NoProperty(name) => {
            image.properties.remove(&name);
        }
    }
    Ok(())
}

/// Whether `image` has an attribute of this name, of its own or as a property.
pub fn has(image: &Image, name: &str) -> bool {
    is_base(name) || image.properties.contains_key(name)
}

/// Whether every image has an attribute of this name.
pub fn is_base(name: &str) -> bool {
    [
        "name",
        "owner",
        "visibility",
        "protected",
        "os_hidden",
        "min_disk",
        "min_ram",
        "container_format",
        "disk_format",
        "tags",
        "locations",
    ]
    .contains(&name)
}

/// Takes property `name` away.
///
/// # Errors
/// `Forbidden` for what every image has, `Conflict` for what this one has not.
pub fn remove(image: &mut Image, name: &str) -> Result<()> {
    if is_base(name) {
        return Err(Error::new(Kind::Forbidden).adding(format!("Property {name} may not be removed.")));
    }
    image.properties.remove(name).map(drop).ok_or_else(|| missing(name))
}

/// What a user is told who changes a property that is not there.
pub fn missing(name: &str) -> Error {
    Error::new(Kind::Conflict).adding(format!("Property {name} does not exist."))
}

/// Whether the numbers of `image` fit their columns.
///
/// # Errors
/// `Invalid` when one does not.
pub fn numbers_fit(image: &Image) -> Result<()> {
    for (name, value) in [("min_disk", image.min_disk), ("min_ram", image.min_ram)] {
        if value > INT_MAX {
            return Err(Error::invalid(format!("'{name}' value out of range, must not exceed {INT_MAX}.")));
        }
    }
    Ok(())
}

fn not_negative(name: &str, value: i64) -> Result<i64> {
    if value < 0 {
        let text = format!("Invalid value '{value}' for parameter '{name}': Cannot be a negative value");
        return Err(Error::invalid(text));
    }
    Ok(value)
}

fn format_may_change(image: &Image, name: &str) -> Result<()> {
    if matches!(image.status, Status::Queued | Status::Importing) {
        return Ok(());
    }
    Err(Error::forbidden(format!("Attribute {name} can be only replaced for a queued image.")))
}
