//! How an image and a member look in JSON, written straight into the output.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::clock::{Timestamp, digits};
use crate::config::Config;
use crate::model::identity::Identity;
use crate::model::image::{Image, Location};
use crate::model::lifecycle::Status;
use crate::model::member::Member;

/// Properties that only the service itself sees.
const HIDDEN_PROPERTIES: [&str; 2] = ["os_glance_stage_host", "os_glance_hash_op_host"];

/// An image as its caller sees it (Image API, "Show image").
pub(crate) struct ImageView<'a> {
    pub(crate) image: &'a Image,
    pub(crate) config: &'a Config,
    /// Who looks at it.
    pub(crate) caller: &'a Identity,
}

impl ImageView<'_> {
    fn locations(&self) -> &[Location] {
        locations(self.image, self.caller)
    }
}

/// The locations of `image` that `caller` may know. compat: those of a deactivated image are the administrators'.
fn locations<'a>(image: &'a Image, caller: &Identity) -> &'a [Location] {
    let hidden = image.status == Status::Deactivated && !caller.is_admin;
    if hidden { &[] } else { &image.locations }
}

impl Serialize for ImageView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { image, config, .. } = self;
        let options = &config.api;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &image.properties {
            if !HIDDEN_PROPERTIES.contains(&name.as_str()) {
                map.serialize_entry(name, value)?;
            }
        }
        map.serialize_entry("name", &image.name)?;
        map.serialize_entry("disk_format", &image.disk_format)?;
        map.serialize_entry("container_format", &image.container_format)?;
        map.serialize_entry("visibility", image.visibility.as_str())?;
        map.serialize_entry("size", &image.size)?;
        map.serialize_entry("virtual_size", &image.virtual_size)?;
        map.serialize_entry("status", image.status.as_str())?;
        map.serialize_entry("checksum", &image.checksum)?;
        map.serialize_entry("protected", &image.protected)?;
        map.serialize_entry("min_ram", &image.min_ram)?;
        map.serialize_entry("min_disk", &image.min_disk)?;
        map.serialize_entry("owner", &image.owner)?;
        map.serialize_entry("os_hidden", &image.os_hidden)?;
        map.serialize_entry("os_hash_algo", &image.os_hash_algo)?;
        map.serialize_entry("os_hash_value", &image.os_hash_value)?;
        map.serialize_entry("id", &image.id)?;
        map.serialize_entry("created_at", &iso_time(image.created_at))?;
        map.serialize_entry("updated_at", &iso_time(image.updated_at.unwrap_or(image.created_at)))?;
        if options.show_multiple_locations {
            map.serialize_entry("locations", &LocationsView { image, caller: self.caller })?;
        }
        if options.show_image_direct_url
            && let Some(best) = self.locations().first()
        {
            map.serialize_entry("direct_url", &best.url)?;
        }
        map.serialize_entry("tags", &image.tags)?;
        map.serialize_entry("self", &format_args!("{}", href(image)))?;
        map.serialize_entry("file", &format_args!("{}/file", href(image)))?;
        map.serialize_entry("schema", "/v2/schemas/image")?;
        let stores: Vec<&str> = self.locations().iter().filter_map(Location::store).collect();
        if config.stores.multi && !stores.is_empty() {
            map.serialize_entry("stores", &stores.join(","))?;
        }
        map.end()
    }
}

/// The path of an image.
pub(crate) fn href(image: &Image) -> impl fmt::Display + '_ {
    fmt::from_fn(|f| write!(f, "/v2/images/{}", image.id))
}

/// The locations of an image (Image API, "List locations").
pub(crate) struct LocationsView<'a> {
    pub(crate) image: &'a Image,
    /// Who looks at them.
    pub(crate) caller: &'a Identity,
}

impl Serialize for LocationsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(locations(self.image, self.caller).iter().map(LocationView))
    }
}

struct LocationView<'a>(&'a Location);

impl Serialize for LocationView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("url", &self.0.url)?;
        map.serialize_entry("metadata", &self.0.metadata)?;
        map.end()
    }
}

/// A page of images (Image API, "List images").
pub(crate) struct ImagesView<'a> {
    pub(crate) images: &'a [Image],
    pub(crate) config: &'a Config,
    pub(crate) caller: &'a Identity,
    pub(crate) first: String,
    pub(crate) next: Option<String>,
}

impl Serialize for ImagesView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("images", &ImageArray(self))?;
        map.serialize_entry("first", &self.first)?;
        map.serialize_entry("schema", "/v2/schemas/images")?;
        if let Some(next) = &self.next {
            map.serialize_entry("next", next)?;
        }
        map.end()
    }
}

struct ImageArray<'a>(&'a ImagesView<'a>);

impl Serialize for ImageArray<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ImagesView { images, config, caller, .. } = self.0;
        serializer.collect_seq(images.iter().map(|image| ImageView { image, config, caller }))
    }
}

/// A member of an image (Image API, "Show image member").
pub(crate) struct MemberView<'a>(pub(crate) &'a Member);

impl Serialize for MemberView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let member = self.0;
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("member_id", &member.member_id)?;
        map.serialize_entry("image_id", &member.image_id)?;
        map.serialize_entry("status", member.status.as_str())?;
        map.serialize_entry("created_at", &iso_time(member.created_at))?;
        map.serialize_entry("updated_at", &iso_time(member.updated_at.unwrap_or(member.created_at)))?;
        map.serialize_entry("schema", "/v2/schemas/member")?;
        map.end()
    }
}

/// A time in the API's form: whole seconds, UTC.
pub(crate) fn iso_time(time: Timestamp) -> String {
    let mut text = digits(time);
    text.truncate(text.find('.').unwrap_or(text.len()));
    if let Some(space) = text.find(' ') {
        text.replace_range(space..=space, "T");
    }
    text.push('Z');
    text
}
