//! The attributes of an image as JSON: each value checked against the image schema, and typed.
//!
//! This is `/v2/schemas/image` as code: what the document says about a value is decided here.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::app::image_schema::ImageSchema;
use crate::error::{Error, Result};
use crate::image::locations::{NewLocation, ValidationData};
use crate::image::update::Attribute;
use crate::model::image::Visibility;
use crate::model::lifecycle::Status;
use crate::model::property_schema::{Check, PropertySchema};

/// The form of an image's id (RFC 4122 text, either case), as the schema's pattern has it.
pub(crate) const ID_PATTERN: &str =
    "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";

/// A value that the schema does not allow, and where it stands.
struct Fault {
    path: Vec<String>,
    text: String,
}

/// Checks every member of `object`, and returns them typed, in their order. Attributes that only the service may set
/// are checked too and left out: the caller refuses them by name.
///
/// # Errors
/// `Invalid` for the fault that the reference would name: of the least deep ones, that of the last name.
pub(crate) fn typed(object: &Map<String, Value>, schema: &ImageSchema) -> Result<Vec<(String, Option<Attribute>)>> {
    let mut attributes = Vec::new();
    let mut faults = Vec::new();
    for (name, value) in object {
        match attribute(name, value, schema) {
            Ok(attribute) => attributes.push((name.clone(), attribute)),
            Err(fault) => faults.push(fault),
        }
    }
    let shallow_then_last = |fault: &Fault| (std::cmp::Reverse(fault.path.len()), fault.path.clone());
    match faults.into_iter().max_by_key(shallow_then_last) {
        None => Ok(attributes),
        Some(fault) => Err(mismatch("image", &fault.text)),
    }
}

/// `Invalid`, in the reference's words for a body that its schema does not allow.
pub(crate) fn mismatch(schema: &str, text: &str) -> Error {
    Error::invalid(format!("Provided object does not match schema '{schema}': {text}"))
}

fn attribute(name: &str, value: &Value, schema: &ImageSchema) -> Result<Option<Attribute>, Fault> {
    let at = |text| Fault { path: vec![name.to_owned()], text };
    let nullable = |longest| nullable_text(value, longest).map_err(at);
    Ok(Some(match name {
        "id" => Attribute::Id(id(value).map_err(at)?),
        "name" => Attribute::Name(nullable(255)?),
        "owner" => Attribute::Owner(nullable(255)?),
        "visibility" => {
            let names: Vec<&str> = Visibility::ALL.iter().map(|visibility| visibility.as_str()).collect();
            let name = one_of(value, &names).map_err(at)?;
            Attribute::Visibility(name.parse().map_err(|_| at(not_one_of(value, &names, false)))?)
        }
        "protected" => Attribute::Protected(boolean(value).map_err(at)?),
        "os_hidden" => Attribute::OsHidden(boolean(value).map_err(at)?),
        "min_disk" => Attribute::MinDisk(integer(value).map_err(at)?),
        "min_ram" => Attribute::MinRam(integer(value).map_err(at)?),
        "container_format" => Attribute::ContainerFormat(format(value, &schema.formats.container_formats).map_err(at)?),
        "disk_format" => Attribute::DiskFormat(format(value, &schema.formats.disk_formats).map_err(at)?),
        "tags" => Attribute::Tags(tags(value)?),
        "status" => {
            let names: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
            one_of(value, &names).map_err(at)?;
            return Ok(None);
        }
        "size" | "virtual_size" => {
            if !value.is_null() {
                integer(value).map_err(|_| at(not_of_type(value, "'null', 'integer'")))?;
            }
            return Ok(None);
        }
        "checksum" => return nullable(32).map(|_| None),
        "os_hash_algo" => return nullable(64).map(|_| None),
        "os_hash_value" => return nullable(128).map(|_| None),
        "created_at" | "updated_at" | "direct_url" | "self" | "file" | "stores" | "schema" => {
            return text(value).map(|_| None).map_err(at);
        }
        "locations" => return locations(value).map(|()| None),
        property => {
            return match schema.properties.get(property) {
                Some(wanted) => with_form(wanted, value).map(Some).map_err(at),
                None => Ok(Some(Attribute::Property(property.to_owned(), text(value).map_err(at)?))),
            };
        }
    }))
}

/// A property to which the operator gives a form. compat: what may be null is then not there; what may be no text is noted
/// as text.
fn with_form(wanted: &PropertySchema, value: &Value) -> Result<Attribute, String> {
    if let Some(wrong) = wanted.checks.iter().find_map(|check| violation(check, value)) {
        return Err(wrong);
    }
    let name = wanted.name.clone();
    Ok(match value {
        Value::Null => Attribute::NoProperty(name),
        Value::String(text) => Attribute::Property(name, text.clone()),
        other => Attribute::Property(name, other.to_string()),
    })
}

/// What is wrong with `value` by one keyword of a schema.
pub(crate) fn violation(check: &Check, value: &Value) -> Option<String> {
    let shown = || python(value);
    let length = value.as_str().map(|text| text.chars().count() as u64);
    match check {
        Check::Type(types) if types.iter().any(|name| is_of(name, value)) => None,
        Check::Type(types) => {
            let types: Vec<String> = types.iter().map(|name| quoted(name)).collect();
            Some(not_of_type(value, &types.join(", ")))
        }
        Check::Enum(values) if values.contains(value) => None,
        Check::Enum(values) => Some(format!("{} is not one of {}", shown(), python(&values.clone().into()))),
        Check::Pattern(pattern, text) => {
            let fits = value.as_str().is_none_or(|value| pattern.is_match(value));
            (!fits).then(|| format!("{} does not match {}", shown(), quoted(text)))
        }
        Check::MinLength(1) if length == Some(0) => Some(format!("{} should be non-empty", shown())),
        Check::MinLength(least) => (length? < *least).then(|| format!("{} is too short", shown())),
        Check::MaxLength(0) if length? > 0 => Some(format!("{} is expected to be empty", shown())),
        Check::MaxLength(most) => (length? > *most).then(|| format!("{} is too long", shown())),
        Check::Minimum(least) => {
            let less = value.as_f64()? < least.as_f64()?;
            less.then(|| format!("{} is less than the minimum of {least}", shown()))
        }
        Check::Maximum(most) => {
            let more = value.as_f64()? > most.as_f64()?;
            more.then(|| format!("{} is greater than the maximum of {most}", shown()))
        }
    }
}

/// Whether `value` is of the JSON schema's type `name`.
pub(crate) fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

/// One tag, checked as an entry of `tags`.
///
/// # Errors
/// `Invalid` when it is too long.
pub(crate) fn tag(tag: &str) -> Result<()> {
    tags(&Value::Array(vec![tag.into()])).map(drop).map_err(|fault| mismatch("image", &fault.text))
}

fn tags(value: &Value) -> Result<Vec<String>, Fault> {
    let path = |at: usize| vec!["tags".to_owned(), at.to_string()];
    let Value::Array(entries) = value else {
        return Err(Fault { path: vec!["tags".into()], text: not_of_type(value, "'array'") });
    };
    let tag = |(at, entry): (usize, &Value)| {
        text(entry).and_then(|tag| no_longer(tag, 255)).map_err(|text| Fault { path: path(at), text })
    };
    entries.iter().enumerate().map(tag).collect()
}

/// The entries of `locations`.
///
/// # Errors
/// `Invalid` for what is none.
pub(crate) fn new_locations(value: &Value, schema: &ImageSchema) -> Result<Vec<NewLocation>> {
    typed(&[("locations".to_owned(), value.clone())].into_iter().collect(), schema)?;
    let new_location = |entry: &Value| {
        let said = entry.get("validation_data");
        let said_text = |name: &str| said?.get(name)?.as_str().map(str::to_owned);
        NewLocation {
            url: entry["url"].as_str().unwrap_or_default().to_owned(),
            metadata: entry["metadata"].as_object().cloned().unwrap_or_default(),
            validation: said.map(|_| ValidationData {
                checksum: said_text("checksum"),
                os_hash_algo: said_text("os_hash_algo").unwrap_or_default(),
                os_hash_value: said_text("os_hash_value").unwrap_or_default(),
            }),
        }
    };
    Ok(value.as_array().into_iter().flatten().map(new_location).collect())
}

/// The longest URL of a location.
const LOCATION_URL_MAX: usize = 255;

fn locations(value: &Value) -> Result<(), Fault> {
    let Value::Array(entries) = value else {
        return Err(Fault { path: vec!["locations".into()], text: not_of_type(value, "'array'") });
    };
    for (at, entry) in entries.iter().enumerate() {
        let path = |name: Option<&str>| {
            let mut path = vec!["locations".to_owned(), at.to_string()];
            path.extend(name.map(str::to_owned));
            path
        };
        let Value::Object(location) = entry else {
            return Err(Fault { path: path(None), text: not_of_type(entry, "'object'") });
        };
        for required in ["url", "metadata"] {
            if !location.contains_key(required) {
                return Err(Fault { path: path(None), text: format!("'{required}' is a required property") });
            }
        }
        text(&location["url"])
            .and_then(|url| no_longer(url, LOCATION_URL_MAX))
            .map_err(|text| Fault { path: path(Some("url")), text })?;
        if !location["metadata"].is_object() {
            let text = not_of_type(&location["metadata"], "'object'");
            return Err(Fault { path: path(Some("metadata")), text });
        }
        if let Some(said) = location.get("validation_data") {
            validation_data(said).map_err(|fault| Fault {
                path: [path(Some("validation_data")), fault.path].concat(),
                text: fault.text,
            })?;
        }
    }
    Ok(())
}

/// The algorithms that may be named beside a location that is added.
const ADDED_HASHES: [&str; 4] = ["sha1", "sha256", "sha512", "md5"];

/// The URL in the body of `POST …/locations`, and algorithm and value of the hash that the client says it has.
///
/// # Errors
/// `Invalid` for what the schema does not allow.
pub(crate) fn added_location(body: &Value) -> Result<(String, Option<(String, String)>)> {
    checked_added_location(body).map_err(|text| mismatch("location", &text))
}

fn checked_added_location(body: &Value) -> Result<(String, Option<(String, String)>), String> {
    let url = match body {
        Value::Object(members) => members.get("url").ok_or("'url' is a required property")?,
        other => return Err(not_of_type(other, "'object'")),
    };
    let mut hash = (None, None);
    if let Some(said) = body.get("validation_data") {
        let Value::Object(members) = said else { return Err(not_of_type(said, "'object'")) };
        unexpected(members, &["os_hash_algo", "os_hash_value"])?;
        for (name, other) in [("os_hash_value", "os_hash_algo"), ("os_hash_algo", "os_hash_value")] {
            if members.contains_key(name) && !members.contains_key(other) {
                return Err(format!("'{other}' is a dependency of '{name}'"));
            }
        }
        let value = members.get("os_hash_value").map(|value| no_longer(text(value)?, 128)).transpose()?;
        let algorithm = members.get("os_hash_algo").map(|name| one_of(name, &ADDED_HASHES)).transpose()?;
        hash = (algorithm, value);
    }
    Ok((text(url)?, hash.0.zip(hash.1)))
}

/// What may stand in `validation_data`, each with the fewest and the most characters.
const VALIDATION_DATA: [(&str, usize, usize); 3] =
    [("checksum", 32, 32), ("os_hash_algo", 0, 64), ("os_hash_value", 0, 128)];

fn validation_data(value: &Value) -> Result<(), Fault> {
    let fault = |name: Option<&str>, text| Fault { path: name.into_iter().map(str::to_owned).collect(), text };
    let Value::Object(said) = value else {
        return Err(fault(None, not_of_type(value, "'object'")));
    };
    unexpected(said, &VALIDATION_DATA.map(|(name, ..)| name)).map_err(|text| fault(None, text))?;
    for required in ["os_hash_algo", "os_hash_value"] {
        if !said.contains_key(required) {
            return Err(fault(None, format!("'{required}' is a required property")));
        }
    }
    for (name, shortest, longest) in VALIDATION_DATA {
        let Some(value) = said.get(name) else { continue };
        let given = text(value).and_then(|given| no_longer(given, longest)).map_err(|text| fault(Some(name), text))?;
        if given.chars().count() < shortest {
            return Err(fault(Some(name), format!("{} is too short", quoted(&given))));
        }
    }
    Ok(())
}

/// Refuses members of `object` that are none of `expected`.
pub(crate) fn unexpected(object: &Map<String, Value>, expected: &[&str]) -> Result<(), String> {
    let mut names: Vec<&String> = object.keys().filter(|name| !expected.contains(&name.as_str())).collect();
    names.sort();
    let names: Vec<String> = names.into_iter().map(|name| quoted(name)).collect();
    match names.as_slice() {
        [] => Ok(()),
        names => {
            let were = if names.len() == 1 { "was" } else { "were" };
            Err(format!("Additional properties are not allowed ({} {were} unexpected)", names.join(", ")))
        }
    }
}

/// Text.
pub(crate) fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| not_of_type(value, "'string'"))
}

/// Text of no more than `longest` characters, or nothing.
pub(crate) fn nullable_text(value: &Value, longest: usize) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => no_longer(text.clone(), longest).map(Some),
        _ => Err(not_of_type(value, "'null', 'string'")),
    }
}

fn no_longer(text: String, longest: usize) -> Result<String, String> {
    if text.chars().count() > longest {
        return Err(format!("{} is too long", quoted(&text)));
    }
    Ok(text)
}

fn boolean(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| not_of_type(value, "'boolean'"))
}

/// A whole number; too large ones become the largest, which no attribute takes.
fn integer(value: &Value) -> Result<i64, String> {
    let Value::Number(number) = value else {
        return Err(not_of_type(value, "'integer'"));
    };
    if let Some(whole) = number.as_i64() {
        return Ok(whole);
    }
    match number.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and nothing takes such a number")]
        Some(float) if float.fract() == 0.0 => Ok(float as i64),
        _ => Err(not_of_type(value, "'integer'")),
    }
}

/// An id of an image, or of anything else with such ids.
pub(crate) fn id(value: &Value) -> Result<String, String> {
    let id = text(value)?;
    let groups = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = id.split('-').collect();
    let fits = parts.len() == groups.len()
        && parts.iter().zip(groups).all(|(part, len)| part.len() == len && part.bytes().all(|b| b.is_ascii_hexdigit()));
    if fits { Ok(id) } else { Err(format!("{} does not match {}", quoted(&id), quoted(ID_PATTERN))) }
}

/// One of these texts.
pub(crate) fn one_of(value: &Value, names: &[&str]) -> Result<String, String> {
    let name = text(value)?;
    if names.contains(&name.as_str()) { Ok(name) } else { Err(not_one_of(value, names, false)) }
}

fn format(value: &Value, formats: &[String]) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(format) if formats.contains(format) => Ok(Some(format.clone())),
        Value::String(_) => {
            let names: Vec<&str> = formats.iter().map(String::as_str).collect();
            Err(not_one_of(value, &names, true))
        }
        _ => Err(not_of_type(value, "'null', 'string'")),
    }
}

/// The reference's words for `value`, which should be of other `types`.
pub(crate) fn not_of_type(value: &Value, types: &str) -> String {
    format!("{} is not of type {types}", python(value))
}

pub(crate) fn not_one_of(value: &Value, names: &[&str], nullable: bool) -> String {
    let names = names.iter().map(|name| quoted(name));
    let all: Vec<String> = nullable.then(|| "None".to_owned()).into_iter().chain(names).collect();
    format!("{} is not one of [{}]", python(value), all.join(", "))
}

/// The deepest that `python` goes into a value.
const DEPTH_MAX: usize = 32;

/// The most characters that `python` writes of a value. compat: the reference writes it all, however long it is.
const QUOTED_MAX: usize = 2000;

/// `value` as Python writes it: the reference's texts quote values so.
pub(crate) fn python(value: &Value) -> String {
    let mut text = String::new();
    write_python(&mut text, value, DEPTH_MAX);
    shortened(text)
}

fn write_python(text: &mut String, value: &Value, depth: usize) {
    match value {
        // What is cut off in the end need not be written.
        _ if depth == 0 || text.len() > QUOTED_MAX * 4 => text.push_str("..."),
        Value::Null => text.push_str("None"),
        Value::Bool(true) => text.push_str("True"),
        Value::Bool(false) => text.push_str("False"),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(string) => text.push_str(&quoted(string)),
        Value::Array(entries) => {
            text.push('[');
            for (at, entry) in entries.iter().take(QUOTED_MAX).enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                write_python(text, entry, depth - 1);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (at, (name, value)) in members.iter().take(QUOTED_MAX).enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                text.push_str(&quoted(name));
                text.push_str(": ");
                write_python(text, value, depth - 1);
            }
            text.push('}');
        }
    }
}

/// `text` as Python quotes it, as far as it is shown.
pub(crate) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(quote);
    for char in text.chars().take(QUOTED_MAX) {
        match char {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\\' => quoted.push_str("\\\\"),
            c if c == quote => quoted.extend(['\\', c]),
            c if c.is_ascii_control() => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push(quote);
    shortened(quoted)
}

/// The first characters of `text`, and a sign if there are more.
fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(QUOTED_MAX) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}
