//! Properties that the operator gives a form (`schema-image.json`): a JSON schema for each, and which of them an image
//! must have.

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Number, Value};

/// What every image has by itself, as its schema document lists it: no property can be called so.
pub const BASE: [&str; 25] = [
    "id",
    "name",
    "status",
    "visibility",
    "protected",
    "os_hidden",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "owner",
    "size",
    "virtual_size",
    "container_format",
    "disk_format",
    "created_at",
    "updated_at",
    "tags",
    "direct_url",
    "min_ram",
    "min_disk",
    "self",
    "file",
    "stores",
    "schema",
    "locations",
];

/// Keywords that say something about a value which we do not check: a schema with one of them is refused rather than
/// obeyed in part.
const UNKNOWN: [&str; 22] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "dependentRequired",
    "else",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "if",
    "items",
    "maxItems",
    "minItems",
    "multipleOf",
    "not",
    "oneOf",
    "patternProperties",
    "properties",
    "required",
    "then",
    "uniqueItems",
];

/// The most memory of one compiled pattern, in bytes.
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// Why properties cannot have the form that they are given.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadSchema {
    /// A name is taken.
    #[error("custom properties ({0}) conflict with base properties")]
    Conflict(String),
    /// A schema is not one that we can check.
    #[error("property {name:?}: {what}")]
    Property {
        /// The property.
        name: String,
        /// What is wrong.
        what: String,
    },
}

/// The properties with a form.
#[derive(Clone, Debug, Default)]
pub struct PropertySchemas {
    all: Vec<PropertySchema>,
    required: Vec<String>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct PropertySchema {
    /// Its name.
    pub name: String,
    /// Its schema as it stands in the image's document.
    pub document: Value,
    /// What it asks of a value, in its order.
    pub checks: Vec<Check>,
}

/// What a keyword asks of a value.
#[derive(Clone, Debug)]
pub enum Check {
    /// To be of one of these types.
    Type(Vec<String>),
    /// To be one of these.
    Enum(Vec<Value>),
    /// If it is text: that this is found in it. With the pattern as written.
    Pattern(Regex, String),
    /// If it is text: to have so many characters or more.
    MinLength(u64),
    /// If it is text: to have so many characters or fewer.
    MaxLength(u64),
    /// If it is a number: to be so great or greater.
    Minimum(Number),
    /// If it is a number: to be so great or smaller.
    Maximum(Number),
}

impl PropertySchemas {
    /// These `properties`, each with its JSON schema, and what an image must have.
    pub fn new(properties: &Map<String, Value>, required: &[String]) -> Result<Self, BadSchema> {
        let taken: Vec<&str> = properties.keys().map(String::as_str).filter(|name| BASE.contains(name)).collect();
        if !taken.is_empty() {
            return Err(BadSchema::Conflict(taken.join(", ")));
        }
        let all = properties.iter().map(|(name, schema)| property(name, schema)).collect::<Result<_, _>>()?;
        Ok(Self { all, required: required.to_vec() })
    }

    /// Every one, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &PropertySchema> {
        self.all.iter()
    }

    /// The one called `name`.
    pub fn get(&self, name: &str) -> Option<&PropertySchema> {
        self.all.iter().find(|property| property.name == name)
    }

    /// What an image must have: names of properties, or of attributes that it may otherwise do without.
    pub fn required(&self) -> &[String] {
        &self.required
    }
}

fn property(name: &str, schema: &Value) -> Result<PropertySchema, BadSchema> {
    let wrong = |what: String| BadSchema::Property { name: name.to_owned(), what };
    let mut document = schema.as_object().cloned().ok_or_else(|| wrong("its schema is no object".to_owned()))?;
    let mut checks = Vec::new();
    for (keyword, value) in &document {
        checks.extend(check(keyword, value).map_err(wrong)?);
    }
    document.insert("is_base".to_owned(), false.into());
    Ok(PropertySchema { name: name.to_owned(), document: Value::Object(document), checks })
}

/// What `keyword` asks of a value; nothing if it only describes.
pub fn check(keyword: &str, value: &Value) -> Result<Option<Check>, String> {
    let wrong = || format!("{keyword:?} is not as it should be");
    let length = || value.as_u64().ok_or_else(wrong);
    let number = || value.as_number().cloned().ok_or_else(wrong);
    Ok(Some(match keyword {
        "type" => Check::Type(match value {
            Value::String(one) => vec![one.clone()],
            several => serde_json::from_value(several.clone()).map_err(|_| wrong())?,
        }),
        "enum" => Check::Enum(value.as_array().cloned().ok_or_else(wrong)?),
        "pattern" => {
            let text = value.as_str().ok_or_else(wrong)?;
            let pattern = RegexBuilder::new(text).size_limit(PATTERN_SIZE_MAX).build();
            let pattern = pattern.map_err(|error| {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                format!("its pattern is none that we match: {why}")
            })?;
            Check::Pattern(pattern, text.to_owned())
        }
        "minLength" => Check::MinLength(length()?),
        "maxLength" => Check::MaxLength(length()?),
        "minimum" => Check::Minimum(number()?),
        "maximum" => Check::Maximum(number()?),
        unknown if UNKNOWN.contains(&unknown) => return Err(format!("keyword {unknown:?} is not checked here")),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests;
