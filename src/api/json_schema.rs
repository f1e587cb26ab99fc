//! A body against the schema document of its kind. What is wrong is said as the reference says it, which names one fault:
//! of those least deep in the body, the one whose path comes last.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::api::attributes::{is_of, mismatch, python, unexpected, violation};
use crate::error::{Error, Result};
use crate::model::property_schema;

/// Checks `body` against `document`, the text of a schema document that is called `name`.
///
/// # Errors
/// `Invalid` for what the schema does not allow.
pub(crate) fn check(name: &str, document: &str, body: &Value) -> Result<()> {
    let document: Value = serde_json::from_str(document).map_err(Error::internal)?;
    let mut walk = Walk { document: &document, path: Vec::new(), fault: None };
    walk.check(&document, body);
    walk.fault.map_or(Ok(()), |fault| Err(mismatch(name, &fault.text)))
}

/// The way through a body.
struct Walk<'a> {
    document: &'a Value,
    path: Vec<Step>,
    /// The fault to name, of those that were found.
    fault: Option<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Name(String),
    At(usize),
}

struct Fault {
    path: Vec<Step>,
    of_type: bool,
    text: String,
}

impl Walk<'_> {
    /// Checks `value` by every keyword of `schema`, in their order.
    fn check(&mut self, schema: &Value, value: &Value) {
        let Some(keywords) = schema.as_object() else { return };
        for (keyword, asked) in keywords {
            match keyword.as_str() {
                "$ref" => {
                    let pointer = asked.as_str().and_then(|place| place.strip_prefix('#'));
                    if let Some(schema) = pointer.and_then(|pointer| self.document.pointer(pointer)) {
                        self.check(schema, value);
                    }
                }
                "allOf" => asked.as_array().into_iter().flatten().for_each(|schema| self.check(schema, value)),
                "properties" => {
                    for (name, schema) in asked.as_object().into_iter().flatten() {
                        if let Some(member) = value.get(name) {
                            self.step(Step::Name(name.clone()), schema, member);
                        }
                    }
                }
                "items" => {
                    for (at, entry) in value.as_array().into_iter().flatten().enumerate() {
                        self.step(Step::At(at), asked, entry);
                    }
                }
                "additionalProperties" => self.additional(keywords, asked, value),
                "required" => {
                    let missing =
                        |name: &&Value| value.is_object() && value.get(name.as_str().unwrap_or_default()).is_none();
                    for name in asked.as_array().into_iter().flatten().filter(missing) {
                        self.note(keywords, value, format!("{} is a required property", python(name)));
                    }
                }
                "uniqueItems" if *asked == Value::Bool(true) && !all_differ(value) => {
                    self.note(keywords, value, format!("{} has non-unique elements", python(value)));
                }
                "minItems"
                    if value.as_array().is_some_and(|entries| (entries.len() as u64) < asked.as_u64().unwrap_or(0)) =>
                {
                    let wrong = if asked.as_u64() == Some(1) { "should be non-empty" } else { "is too short" };
                    self.note(keywords, value, format!("{} {wrong}", python(value)));
                }
                other => {
                    let check = property_schema::check(other, asked).ok().flatten();
                    if let Some(text) = check.and_then(|check| violation(&check, value)) {
                        self.note(keywords, value, text);
                    }
                }
            }
        }
    }

    fn step(&mut self, step: Step, schema: &Value, value: &Value) {
        self.path.push(step);
        self.check(schema, value);
        self.path.pop();
    }

    /// Checks what of an object `keywords` do not name.
    fn additional(&mut self, keywords: &Map<String, Value>, asked: &Value, value: &Value) {
        let Some(object) = value.as_object() else { return };
        let known = keywords.get("properties").and_then(Value::as_object);
        let expected: Vec<&str> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        if *asked == Value::Bool(false) {
            if let Err(text) = unexpected(object, &expected) {
                self.note(keywords, value, text);
            }
        } else if asked.is_object() {
            for (name, member) in object.iter().filter(|(name, _)| !expected.contains(&name.as_str())) {
                self.step(Step::Name(name.clone()), asked, member);
            }
        }
    }

    /// Keeps a fault of `value`, if it is to be named rather than the one before.
    fn note(&mut self, keywords: &Map<String, Value>, value: &Value, text: String) {
        let of_type = keywords.get("type").and_then(Value::as_str).is_some_and(|name| is_of(name, value));
        let rank = |path: &[Step], of_type: bool| (std::cmp::Reverse(path.len()), path.to_vec(), !of_type);
        let before = self.fault.as_ref().map(|fault| rank(&fault.path, fault.of_type));
        if before.is_none_or(|before| before < rank(&self.path, of_type)) {
            self.fault = Some(Fault { path: self.path.clone(), of_type, text });
        }
    }
}

/// Whether no two entries of an array are the same.
fn all_differ(value: &Value) -> bool {
    let mut known = HashSet::new();
    value.as_array().into_iter().flatten().all(|entry| known.insert(entry.to_string()))
}
