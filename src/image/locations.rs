//! Telling an image where its bytes are: at places that a client names, instead of uploading.

use std::slice;

use serde_json::{Map, Value};

use crate::app::App;
use crate::blob::hash;
use crate::error::{Error, Kind, Result};
use crate::image::{quota, upload};
use crate::model::image::{Image, Location};
use crate::model::lifecycle::Status;
use crate::store::{self, StoreError};

/// A place that a client names.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLocation {
    /// The place.
    pub url: String,
    /// What the client notes about it.
    pub metadata: Map<String, Value>,
    /// What the client says of the bytes there.
    pub validation: Option<ValidationData>,
}

/// What a client says of bytes that we have not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationData {
    /// Their MD5.
    pub checksum: Option<String>,
    /// The algorithm of `os_hash_value`.
    pub os_hash_algo: String,
    /// Their secure hash.
    pub os_hash_value: String,
}

/// Makes `new` one of the locations of `image`, at position `at`. A queued image becomes active by that.
///
/// # Errors
/// `Forbidden` where locations are not shown, `Conflict` for a status that does not allow it or for other hashes than the
/// image has, `TooLarge` beyond the quota, `Invalid` for what cannot be a location.
pub async fn add(app: &App, image: &mut Image, at: &str, new: NewLocation) -> Result<()> {
    allowed(app, image, "add", "add")?;
    let hashes = hashes(app, image, slice::from_ref(&new))?;
    let location = named(app, new);
    let end = image.locations.len();
    let at = position(at, end).ok_or_else(|| Error::invalid("Invalid position for adding a location."))?;
    quota::locations(&app.config.quotas, end + 1)?;
    let size = size(app, image, &location).await?;
    if image.locations.iter().any(|known| is_same(known, &location)) {
        return Err(exists(&location));
    }
    image.locations.insert(at.min(end), location);
    note_size(image, size);
    activate(image, hashes)
}

/// Makes `new` the locations of `image`, which has none yet, or the same ones with other metadata.
///
/// # Errors
/// As `add`; `Invalid`, too, when the image has other locations.
pub async fn replace(app: &App, image: &mut Image, new: Vec<NewLocation>) -> Result<()> {
    allowed(app, image, "update", "replace")?;
    let hashes = hashes(app, image, &new)?;
    let locations: Vec<Location> = new.into_iter().map(|new| named(app, new)).collect();
    quota::locations(&app.config.quotas, locations.len())?;
    if !image.locations.is_empty() {
        image.locations = with_metadata(&image.locations, locations)?;
        return activate(image, hashes);
    }
    for (at, location) in locations.iter().enumerate() {
        let size = size(app, image, location).await?;
        if locations[..at].iter().any(|known| is_same(known, location)) {
            return Err(exists(location));
        }
        note_size(image, size);
    }
    image.locations = locations;
    activate(image, hashes)
}

/// Takes the location at position `at` out of `image`.
///
/// # Errors
/// `Forbidden` where locations are not shown, or for the last one, `Conflict` when the image is not active, `Invalid` when
/// there is none at this position.
pub fn take(app: &App, image: &mut Image, at: &str) -> Result<()> {
    visible(app, "remove")?;
    if image.status != Status::Active {
        return Err(wrong_status(image, "remove"));
    }
    let count = image.locations.len();
    if count == 1 {
        return Err(Error::new(Kind::Forbidden).adding("Cannot remove last location in the image."));
    }
    let at = position(at, count.saturating_sub(1)).filter(|at| *at < count);
    image.locations.remove(at.ok_or_else(|| Error::invalid("Invalid position for removing a location."))?);
    Ok(())
}

fn allowed(app: &App, image: &Image, verb: &str, act: &str) -> Result<()> {
    visible(app, verb)?;
    if matches!(image.status, Status::Active | Status::Queued) { Ok(()) } else { Err(wrong_status(image, act)) }
}

fn visible(app: &App, verb: &str) -> Result<()> {
    if app.config.api.show_multiple_locations {
        return Ok(());
    }
    Err(Error::forbidden(format!("It's not allowed to {verb} locations if locations are invisible.")))
}

/// What a user is told whose image is not in a status for it.
pub fn wrong_status(image: &Image, act: &str) -> Error {
    Error::conflict(format!("It's not allowed to {act} locations if image status is {}.", image.status))
}

/// The position that `at` means in a list: a number, or `-` for `end`.
fn position(at: &str, end: usize) -> Option<usize> {
    match at {
        "-" => Some(end),
        digits if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().unwrap_or(usize::MAX))
        }
        _ => None,
    }
}

/// `new` with the name of the store that its URL is of, whatever the client says.
pub(super) fn named(app: &App, new: NewLocation) -> Location {
    let mut location = Location { id: None, url: new.url, metadata: new.metadata };
    if let Some((store, _)) = app.stores.of_url(&location.url) {
        app.stores.note(store, &mut location.metadata);
    }
    location
}

/// The size of what is at `location`, which clients may name, and where there is something.
pub(super) async fn size(app: &App, image: &Image, location: &Location) -> Result<u64> {
    let Some((_, store)) = app.stores.of_url(&location.url) else {
        return Err(invalid_location());
    };
    let asked = match store.admits(&location.url).await {
        Ok(true) => store.size(&location.url).await,
        Ok(false) => return Err(invalid_location()),
        Err(error) => Err(error),
    };
    match asked {
        Ok(size) if size > 0 => {}
        // compat: where the image has no size yet, the reference stumbles over the URL a step earlier.
        Err(StoreError::BadUrl { .. } | StoreError::Away(_)) if image.size.unwrap_or(0) == 0 => {
            return Err(Error::invalid("The Store URI was malformed."));
        }
        Ok(_) | Err(StoreError::NotFound { .. } | StoreError::BadUrl { .. } | StoreError::Away(_)) => {
            return Err(invalid_location());
        }
        Err(error) => return Err(Error::internal(error)),
    }
    match location.metadata.iter().find(|(_, value)| !store::may_be_noted(value)) {
        None => asked.map_err(Error::internal),
        Some((name, _)) => Err(Error::invalid(format!(
            "The image metadata key {name} has an invalid type. Only dict, list, and unicode are supported."
        ))),
    }
}

fn invalid_location() -> Error {
    Error::invalid("Invalid location")
}

fn is_same(one: &Location, other: &Location) -> bool {
    one.url == other.url && one.metadata == other.metadata
}

fn exists(location: &Location) -> Error {
    Error::invalid(format!("The location {} already exists", location.url))
}

/// `old`, in the order and with the metadata of `new`, which are the same places.
fn with_metadata(old: &[Location], new: Vec<Location>) -> Result<Vec<Location>> {
    let mut left = old.to_vec();
    let mut changed = Vec::new();
    for location in new {
        let Some(at) = left.iter().position(|known| known.url == location.url) else {
            return Err(Error::invalid("Original locations is not empty"));
        };
        changed.push(Location { id: left.remove(at).id, ..location });
    }
    if left.is_empty() { Ok(changed) } else { Err(Error::invalid("Original locations is not empty")) }
}

fn note_size(image: &mut Image, size: u64) {
    if image.size.unwrap_or(0) == 0 {
        image.size = i64::try_from(size).ok();
    }
}

/// A queued image that has its locations is active.
fn activate(image: &mut Image, hashes: Hashes) -> Result<()> {
    if image.status != Status::Queued {
        return Ok(());
    }
    upload::formats_are_set(image)?;
    image.checksum = hashes.checksum.or(image.checksum.take());
    image.os_hash_algo = hashes.os_hash_algo.or(image.os_hash_algo.take());
    image.os_hash_value = hashes.os_hash_value.or(image.os_hash_value.take());
    image.status = Status::Active;
    Ok(())
}

/// What an image is to note of its bytes that it does not note yet.
#[derive(Default)]
struct Hashes {
    checksum: Option<String>,
    os_hash_algo: Option<String>,
    os_hash_value: Option<String>,
}

/// What the clients of `new` say that the image does not know yet. All must say the same, and nothing else than the image.
fn hashes(app: &App, image: &Image, new: &[NewLocation]) -> Result<Hashes> {
    let said = || new.iter().filter_map(|new| new.validation.as_ref());
    let news = Hashes {
        checksum: news("checksum", said().filter_map(|said| said.checksum.as_deref()), image.checksum.as_deref())?,
        os_hash_algo: news("os_hash_algo", said().map(|said| &*said.os_hash_algo), image.os_hash_algo.as_deref())?,
        os_hash_value: news("os_hash_value", said().map(|said| &*said.os_hash_value), image.os_hash_value.as_deref())?,
    };
    let all =
        [("checksum", &news.checksum), ("os_hash_algo", &news.os_hash_algo), ("os_hash_value", &news.os_hash_value)];
    let names: Vec<&str> = all.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| *name).collect();
    if names.is_empty() {
        return Ok(news);
    }
    if image.status != Status::Queued {
        return Err(Error::conflict(format!(
            "New value(s) for {} may only be provided when image status is 'queued'",
            names.join(", ")
        )));
    }
    if let Some(checksum) = &news.checksum {
        is_digest("checksum", checksum, "md5", 16)?;
    }
    let wanted = app.hashing.name();
    let algorithm = news.os_hash_algo.as_deref().or(image.os_hash_algo.as_deref()).unwrap_or("None");
    if algorithm != wanted {
        return Err(Error::conflict(format!("os_hash_algo must be {wanted}, not {algorithm}")));
    }
    if let Some(value) = &news.os_hash_value {
        is_digest("os_hash_value", value, wanted, app.hashing.digest_bytes())?;
    }
    Ok(news)
}

/// The one value that everybody says, unless it is `current` already.
fn news<'a>(name: &str, mut said: impl Iterator<Item = &'a str>, current: Option<&str>) -> Result<Option<String>> {
    let Some(value) = said.next() else {
        return Ok(None);
    };
    if said.any(|other| other != value) {
        return Err(Error::conflict(format!("Conflicting values for {name}")));
    }
    match current.filter(|current| !current.is_empty()) {
        Some(current) if current == value => Ok(None),
        Some(_) => Err(Error::conflict(format!("{name} is already set with a different value"))),
        None => Ok(Some(value.to_owned())),
    }
}

fn is_digest(name: &str, value: &str, algorithm: &str, bytes: usize) -> Result<()> {
    if !hash::is_hex(value) {
        return Err(Error::conflict(format!("{name} ({value}) is not a valid hexadecimal value")));
    }
    if value.len() != 2 * bytes {
        let text = format!("{name} ({value}) is not the correct size for {algorithm} (should be {bytes} bytes)");
        return Err(Error::conflict(text));
    }
    Ok(())
}
