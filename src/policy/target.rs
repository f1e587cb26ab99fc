//! What a rule is asked about: the values of an image, of one that is about to be created, or of the caller.
//!
//! Values are text as Python prints them (`None`, `True`, `2048`), because oslo.policy compares what it prints.

use std::borrow::Cow;

use chrono::{DateTime, Timelike, Utc};
use serde_json::{Map, Value, json};

use crate::model::identity::Identity;
use crate::model::image::{Image, Visibility};

/// The thing that a rule is asked about.
pub trait Target: Sync {
    /// The value called `key`; none if there is no such value. (A value that is not set is the text `None`.)
    fn get(&self, key: &str) -> Option<Cow<'_, str>>;

    /// All values, for a service that decides by them.
    fn values(&self) -> Map<String, Value>;
}

/// Nothing in particular: every key is missing.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Target for Nothing {
    fn get(&self, _key: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn values(&self) -> Map<String, Value> {
        Map::new()
    }
}

/// A few values by name; a value may be not set.
impl<const N: usize> Target for [(&str, Option<&str>); N] {
    fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.iter().find(|(name, _)| *name == key)?;
        Some(or_none(*value))
    }

    fn values(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
    }
}

/// An image that is about to be created.
pub fn new_image(owner: Option<&str>, visibility: Visibility) -> [(&'static str, Option<&str>); 3] {
    [("project_id", owner), ("owner", owner), ("visibility", Some(visibility.as_str()))]
}

/// The names of what `ImageTarget` takes from an image's own row; all others are those of properties.
pub(super) const ATTRIBUTES: [&str; 22] = [
    "project_id",
    "owner",
    "member_id",
    "member",
    "visibility",
    "id",
    "image_id",
    "status",
    "name",
    "protected",
    "os_hidden",
    "container_format",
    "disk_format",
    "size",
    "virtual_size",
    "min_disk",
    "min_ram",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "created_at",
    "updated_at",
];

/// An image as this caller sees it.
#[derive(Clone, Copy, Debug)]
pub struct ImageTarget<'a> {
    /// The image.
    pub image: &'a Image,
    /// Who is asking.
    pub caller: &'a Identity,
}

impl ImageTarget<'_> {
    /// The caller's project if only a membership can have shown it the image. The membership itself was the condition
    /// of the query that found the image.
    fn member(&self) -> Option<&str> {
        let own = self.image.owner == self.caller.project_id;
        (self.image.visibility == Visibility::Shared && !own).then_some(self.caller.project_id.as_deref()).flatten()
    }
}

/// The names are those of the reference's image object, with its three aliases; every other key is a property of the
/// image. A property cannot hide an attribute. What the reference cannot compare with any text is missing here.
impl Target for ImageTarget<'_> {
    fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        let image = self.image;
        Some(match key {
            "project_id" | "owner" => or_none(image.owner.as_deref()),
            "member_id" | "member" => or_none(self.member()),
            "visibility" => Cow::Borrowed(image.visibility.as_str()),
            "id" | "image_id" => Cow::Borrowed(&image.id),
            "status" => Cow::Borrowed(image.status.as_str()),
            "name" => or_none(image.name.as_deref()),
            "protected" => boolean(image.protected),
            "os_hidden" => boolean(image.os_hidden),
            "container_format" => or_none(image.container_format.as_deref()),
            "disk_format" => or_none(image.disk_format.as_deref()),
            "size" => number(image.size),
            "virtual_size" => number(image.virtual_size),
            "min_disk" => number(Some(image.min_disk)),
            "min_ram" => number(Some(image.min_ram)),
            "checksum" => or_none(image.checksum.as_deref()),
            "os_hash_algo" => or_none(image.os_hash_algo.as_deref()),
            "os_hash_value" => or_none(image.os_hash_value.as_deref()),
            "created_at" => moment(Some(image.created_at)),
            "updated_at" => moment(image.updated_at),
            "tags" | "locations" | "extra_properties" => return None,
            property => Cow::Borrowed(image.properties.get(property)?),
        })
    }

    fn values(&self) -> Map<String, Value> {
        let image = self.image;
        let own = json!({
            "image_id": image.id, "name": image.name, "status": image.status.as_str(), "owner": image.owner,
            "project_id": image.owner, "member": self.member(), "visibility": image.visibility.as_str(),
            "protected": image.protected, "os_hidden": image.os_hidden, "container_format": image.container_format,
            "disk_format": image.disk_format, "size": image.size, "virtual_size": image.virtual_size,
            "min_disk": image.min_disk, "min_ram": image.min_ram, "checksum": image.checksum,
            "os_hash_algo": image.os_hash_algo, "os_hash_value": image.os_hash_value, "tags": image.tags,
            "created_at": moment(Some(image.created_at)), "updated_at": moment(image.updated_at),
        });
        let properties = image.properties.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        let mut values: Map<String, Value> = properties.collect();
        // A property hides no attribute.
        values.extend(own.as_object().cloned().unwrap_or_default());
        values
    }
}

/// The caller as target of rule `context_is_admin`: the parts of the reference's request context that text can be
/// compared with. At that moment nobody is known to be an administrator.
pub struct CallerTarget<'a>(pub &'a Identity);

impl Target for CallerTarget<'_> {
    fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        let caller = self.0;
        Some(match key {
            "project_id" | "project" => or_none(caller.project_id.as_deref()),
            "user" => or_none(caller.user_id.as_deref()),
            "domain" => or_none(caller.domain_id.as_deref()),
            "user_domain" => or_none(caller.user_domain_id.as_deref()),
            "project_domain" => or_none(caller.project_domain_id.as_deref()),
            "system_scope" => or_none(caller.system_scope.as_deref()),
            "is_admin" | "show_deleted" => boolean(false),
            "read_only" => boolean(caller.read_only),
            "is_admin_project" => boolean(true),
            _ => return None,
        })
    }

    fn values(&self) -> Map<String, Value> {
        let caller = self.0;
        let values = json!({
            "user": caller.user_id, "project_id": caller.project_id, "project": caller.project_id,
            "domain": caller.domain_id, "user_domain": caller.user_domain_id, "project_domain": caller.project_domain_id,
            "system_scope": caller.system_scope, "is_admin": false, "show_deleted": false, "read_only": caller.read_only,
            "is_admin_project": true,
        });
        values.as_object().cloned().unwrap_or_default()
    }
}

pub(super) fn or_none(value: Option<&str>) -> Cow<'_, str> {
    Cow::Borrowed(value.unwrap_or("None"))
}

fn boolean(value: bool) -> Cow<'static, str> {
    Cow::Borrowed(if value { "True" } else { "False" })
}

fn number(value: Option<i64>) -> Cow<'static, str> {
    value.map_or(Cow::Borrowed("None"), |value| Cow::Owned(value.to_string()))
}

/// A moment without its zone, which is UTC; the fraction only if there is one.
fn moment(value: Option<DateTime<Utc>>) -> Cow<'static, str> {
    let Some(moment) = value else {
        return Cow::Borrowed("None");
    };
    let format = if moment.nanosecond() / 1000 == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.6f" };
    Cow::Owned(moment.format(format).to_string())
}
