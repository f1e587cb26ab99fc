//! Reading what a JSON body has to have, with errors that say where it is wrong and never what stands there: it may be
//! a password.

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::api::body;
use crate::api::identity::Visit;
use crate::error::{Error, Result};

/// The longest body, in bytes: Keystone's limit. Whoever sends it need not have a token.
const BODY_MAX: usize = 114_688;

/// An object of a body, and its place there.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    /// Names with slashes between them; empty for the body itself.
    place: String,
}

/// The body of a request; an empty object when there is none.
pub(super) async fn body(visit: &mut Visit) -> Result<Value> {
    if let Some(given) = visit.call.header("content-type")
        && given.split(';').next().map(str::trim) != Some("application/json")
    {
        return Err(expecting("application/json", "Content-Type header"));
    }
    let body = body::json_within(&mut visit.call, BODY_MAX).await?;
    Ok(body.unwrap_or_else(|| Value::Object(Map::new())))
}

impl<'a> Fields<'a> {
    /// The fields of a body.
    pub(super) fn of(body: &'a Value) -> Result<Self> {
        match body {
            Value::Object(map) => Ok(Self { map, place: String::new() }),
            _ => Err(expecting("valid JSON", "request body")),
        }
    }

    /// Whether there is a field of this name, even `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Every name.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.map.keys().map(String::as_str)
    }

    /// The field as it is.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    /// The object in field `name`.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self { map, place: self.place_of(name) })),
            Some(_) => Err(self.not_of_type(name, "object")),
        }
    }

    /// The text in field `name`.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.not_of_type(name, "string")),
        }
    }

    /// The text in field `name`, as something that is not to be seen.
    pub(super) fn secret(&self, name: &str) -> Result<Option<SecretString>> {
        Ok(self.text(name)?.map(SecretString::from))
    }

    /// The list in field `name`.
    pub(super) fn list(&self, name: &str) -> Result<Option<&'a [Value]>> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(_) => Err(self.not_of_type(name, "array")),
        }
    }

    /// What field `name` is wrong with that has another type than `wanted`.
    pub(super) fn not_of_type(&self, name: &str, wanted: &str) -> Error {
        let place = self.place_of(name);
        Error::invalid(format!("Invalid input for field '{place}': it is not of type '{wanted}'"))
    }

    fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}/{name}", self.place) }
    }
}

/// What a body without `attribute` in `target` is wrong with, in Keystone's words.
pub(super) fn expecting(attribute: &str, target: &str) -> Error {
    Error::invalid(format!(
        "Expecting to find {attribute} in {target}. The server could not comply with the request since it is either \
         malformed or otherwise incorrect. The client is assumed to be in error."
    ))
}
