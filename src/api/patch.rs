//! The two PATCH media types of an image: their documents, read into changes.
//!
//! Neither is RFC 6902: v2.1 is JSON Patch draft 10 without test, move and copy, v2.0 is draft 4 (Image API, "Update
//! image"; the pointer rules are the reference's).

use serde_json::{Map, Value};

use crate::api::attributes;
use crate::app::image_schema::ImageSchema;
use crate::error::{Error, Kind, Result};
use crate::image::locations::NewLocation;
use crate::image::update::Attribute;

/// The media types with their drafts, in the order in which a refusal names them.
const MEDIA_TYPES: [(&str, Draft); 2] = [
    ("application/openstack-images-v2.0-json-patch", Draft::Four),
    ("application/openstack-images-v2.1-json-patch", Draft::Ten),
];

/// The value of `Accept-Patch`.
pub const ACCEPTED: &str = "application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch";

/// The most operations in one document: far above what any client sends, far below what would hurt.
const OPERATIONS_MAX: usize = 10_000;

const OPERATIONS: [&str; 3] = ["add", "remove", "replace"];

const READ_ONLY: [&str; 13] = [
    "created_at",
    "updated_at",
    "status",
    "checksum",
    "size",
    "virtual_size",
    "direct_url",
    "self",
    "file",
    "schema",
    "id",
    "os_hash_algo",
    "os_hash_value",
];

/// Names that users may not give to a property.
const RESERVED: [&str; 3] = ["location", "deleted", "deleted_at"];

/// What every name starts with that only the service may set.
const RESERVED_PREFIX: &str = "os_glance";

/// A draft of JSON Patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draft {
    /// `{"replace": "/name", "value": …}`.
    Four,
    /// `{"op": "replace", "path": "/name", "value": …}`.
    Ten,
}

/// One operation of a document.
#[derive(Clone, Debug)]
pub enum Change {
    /// Give an attribute a value.
    Set {
        /// Its name in the document.
        name: String,
        /// What it is to be.
        attribute: Attribute,
        /// Under which condition.
        how: How,
    },
    /// Take a property away.
    Remove {
        /// Its name.
        name: String,
    },
    /// Something about the locations.
    Locations(LocationsChange),
}

/// Under which condition an attribute is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It must be there.
    Replace,
    /// It may be there.
    Add,
    /// It must not be there.
    AddNew,
}

/// An operation on the locations. A position is a number, or `-` for the end, or something that is none.
#[derive(Clone, Debug)]
pub enum LocationsChange {
    /// Leave none.
    Clear,
    /// Put these in the place of all.
    Replace(Vec<NewLocation>),
    /// Add one.
    Add {
        /// The position.
        at: String,
        /// What is to be there.
        location: NewLocation,
    },
    /// Remove one.
    Remove {
        /// The position.
        at: String,
    },
}

/// The draft of `content_type`.
///
/// # Errors
/// `Unsupported` for every other type.
pub fn draft(content_type: Option<&str>) -> Result<Draft> {
    let plain = content_type.unwrap_or("").split(';').next().unwrap_or("").trim();
    MEDIA_TYPES.into_iter().find(|(name, _)| *name == plain).map(|(_, draft)| draft).ok_or_else(|| {
        let text = format!("Image PATCH expects Content-Type one of: {ACCEPTED}");
        Error::new(Kind::Unsupported).adding(text)
    })
}

/// The changes of `document`, each checked for itself.
///
/// # Errors
/// `Invalid` for a malformed one, `Forbidden` for what nobody may change.
pub fn changes(document: Value, draft: Draft, schema: &ImageSchema) -> Result<Vec<Change>> {
    let Value::Array(operations) = document else {
        return Err(Error::invalid("Request body must be a JSON array of operation objects."));
    };
    if operations.len() > OPERATIONS_MAX {
        return Err(Error::too_large(format!("A document may have {OPERATIONS_MAX} operations at the most.")));
    }
    operations.into_iter().map(|operation| change(operation, draft, schema)).collect()
}

fn change(operation: Value, draft: Draft, schema: &ImageSchema) -> Result<Change> {
    let Value::Object(mut operation) = operation else {
        return Err(Error::invalid("Operations must be JSON objects."));
    };
    let (op, pointer) = match draft {
        Draft::Ten => op_and_pointer_ten(&operation)?,
        Draft::Four => op_and_pointer_four(&operation)?,
    };
    let path = tokens(&pointer)?;
    let deep = if path[0] == "locations" && op != "replace" { 2 } else { 1 };
    if path.len() != deep {
        let text = format!("Invalid JSON pointer for this resource: '/{}'", path.join("/"));
        return Err(Error::invalid(text));
    }
    let value = match op {
        "remove" => None,
        _ => Some(
            operation
                .remove("value")
                .ok_or_else(|| Error::invalid(format!("Operation \"{op}\" requires a member named \"value\".")))?,
        ),
    };
    let name = path[0].clone();
    writable(&name)?;
    let at = path.get(1).cloned();
    match (value, at) {
        (None, Some(at)) => Ok(Change::Locations(LocationsChange::Remove { at })),
        (None, None) => Ok(Change::Remove { name }),
        (Some(value), Some(at)) => {
            let mut one = attributes::new_locations(&Value::Array(vec![value]), schema)?;
            let location = one.pop().ok_or_else(|| read_only(&name))?;
            Ok(Change::Locations(LocationsChange::Add { at, location }))
        }
        (Some(value), None) if name == "locations" => {
            let new = attributes::new_locations(&value, schema)?;
            let empty = new.is_empty();
            Ok(Change::Locations(if empty { LocationsChange::Clear } else { LocationsChange::Replace(new) }))
        }
        (Some(value), None) => {
            let how = match (op, draft) {
                ("replace", _) => How::Replace,
                (_, Draft::Ten) => How::Add,
                (_, Draft::Four) => How::AddNew,
            };
            // What has no typed form is the service's; `writable` refused all of it but `stores`.
            let attribute = checked(&name, value, schema)?.ok_or_else(|| read_only(&name))?;
            Ok(Change::Set { name, attribute, how })
        }
    }
}

fn checked(name: &str, value: Value, schema: &ImageSchema) -> Result<Option<Attribute>> {
    let object: Map<String, Value> = [(name.to_owned(), value)].into_iter().collect();
    Ok(attributes::typed(&object, schema)?.pop().and_then(|(_, attribute)| attribute))
}

/// Refuses names that no client may set.
///
/// # Errors
/// `Forbidden` for those.
fn writable(name: &str) -> Result<()> {
    if READ_ONLY.contains(&name) {
        return Err(read_only(name));
    }
    if is_reserved(name) {
        return Err(Error::forbidden(reserved_text(name)));
    }
    Ok(())
}

/// Whether users may not give this name to a property.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX)
}

/// What a user is told who wants it.
pub(crate) fn reserved_text(name: &str) -> String {
    format!("Attribute '{name}' is reserved.")
}

/// What a user is told who wants to set what only the service sets.
pub(crate) fn read_only(name: &str) -> Error {
    Error::forbidden(format!("Attribute '{name}' is read-only."))
}

fn op_and_pointer_ten(operation: &Map<String, Value>) -> Result<(&'static str, String)> {
    let available = OPERATIONS.join(", ");
    let op = match operation.get("op") {
        None | Some(Value::Null) => {
            return Err(Error::invalid(format!(
                "Unable to find `op` in JSON Schema change. It must be one of the following: {available}."
            )));
        }
        Some(op) => op,
    };
    let known = OPERATIONS.into_iter().find(|known| op.as_str() == Some(known)).ok_or_else(|| {
        let op = op.as_str().map_or_else(|| attributes::python(op), str::to_owned);
        Error::invalid(format!("Invalid operation: `{op}`. It must be one of the following: {available}."))
    })?;
    let path = operation.get("path").ok_or_else(|| Error::invalid("Unable to find 'path' in JSON Schema change"))?;
    Ok((known, pointer(path)?))
}

fn op_and_pointer_four(operation: &Map<String, Value>) -> Result<(&'static str, String)> {
    let mut named = OPERATIONS.into_iter().filter_map(|op| operation.get(op).map(|path| (op, path)));
    match (named.next(), named.next()) {
        (None, _) => Err(Error::invalid(
            "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".",
        )),
        (Some(_), Some(_)) => Err(Error::invalid(
            "Operation objects must contain only one member named \"add\", \"remove\", or \"replace\".",
        )),
        (Some((op, path)), None) => Ok((op, pointer(path)?)),
    }
}

fn pointer(path: &Value) -> Result<String> {
    // compat: the reference fails with 500 on a path that is no string.
    path.as_str().map(str::to_owned).ok_or_else(|| Error::invalid("A JSON pointer must be a string."))
}

/// The tokens of a JSON pointer, unescaped and without the spaces around them.
fn tokens(pointer: &str) -> Result<Vec<String>> {
    let refuse = |what: &str| Err(Error::invalid(format!("Pointer `{pointer}` {what}")));
    let Some(rest) = pointer.strip_prefix('/') else {
        return refuse("does not start with \"/\".");
    };
    let between: Vec<&str> = rest.split('/').collect();
    if between.len() > 2 && between[1..between.len() - 1].iter().any(|token| token.trim().is_empty()) {
        return refuse("contains adjacent \"/\".");
    }
    if pointer.len() > 1 && pointer.ends_with('/') {
        return refuse("end with \"/\".");
    }
    if rest.trim() == "/" {
        return refuse("does not contains valid token.");
    }
    if rest.split('~').skip(1).any(|after| !after.starts_with(['0', '1'])) {
        return refuse("contains \"~\" not part of a recognized escape sequence.");
    }
    let plain = pointer.trim_start_matches('/');
    Ok(plain.split('/').map(|token| token.replace("~1", "/").replace("~0", "~").trim().to_owned()).collect())
}
#[cfg(test)]
mod tests;
