//! What public namespaces say about the properties of images, made ready to be held against values, and believed for a
//! while: a change that another node makes counts here a few seconds later.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::clock::{Clock, Timestamp};
use crate::db::metadefs::definitions::{self, Definition};
use crate::db::{Db, DbError};
use crate::model::property_schema::{self, Check};

/// What images are called in the catalogue.
const IMAGE: &str = "OS::Glance::Image";
/// How long the definitions are believed that were read.
pub const BELIEVED: Duration = Duration::from_secs(5);
/// The most definitions that are looked at: far more than there are in any catalogue for people.
const DEFINITIONS_MAX: usize = 10_000;

/// The definitions of a service's catalogue.
#[derive(Debug, Default)]
pub struct ImageDefinitions {
    known: Mutex<Option<(Timestamp, Arc<Definitions>)>>,
}

/// What is defined for each property, by its name on images.
pub type Definitions = HashMap<String, Vec<Wanted>>;

/// What one namespace wants of a property.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The namespace.
    pub namespace: String,
    /// The type of its values.
    pub form: Form,
    /// What it wants of a value, or of each where it may have several.
    pub checks: Vec<Check>,
    /// Words that may stand before values: `<or>`.
    operators: Vec<String>,
}

/// The type of a property. Images have texts only: each type has its own way to be written as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// One value.
    One(Simple),
    /// Several, with commas between them or as JSON.
    List {
        /// The type of each.
        of: Simple,
        /// The fewest.
        least: Option<u64>,
        /// The most.
        most: Option<u64>,
        /// Whether no two may be the same.
        unique: bool,
    },
}

/// The type of a single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of JSON schema")]
pub enum Simple {
    String,
    Integer,
    Number,
    Boolean,
    Object,
}

impl ImageDefinitions {
    /// The definitions as they stand, or stood a moment ago.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn now(&self, db: &Db, clock: &Clock) -> Result<Arc<Definitions>, DbError> {
        // Who comes while they are read waits for them, rather than reading them too.
        let mut known = self.known.lock().await;
        let now = clock.now();
        if let Some((read_at, definitions)) = &*known
            && (now - *read_at).to_std().is_ok_and(|age| age < BELIEVED)
        {
            return Ok(Arc::clone(definitions));
        }
        let found = definitions::public_for(db, IMAGE, DEFINITIONS_MAX).await?;
        let mut definitions = Definitions::new();
        for definition in found {
            if let Some((property, wanted)) = wanted(definition) {
                definitions.entry(property).or_default().push(wanted);
            }
        }
        let definitions = Arc::new(definitions);
        *known = Some((now, Arc::clone(&definitions)));
        Ok(definitions)
    }

    /// The catalogue has changed: what is known of it counts no more.
    pub async fn forget(&self) {
        *self.known.lock().await = None;
    }
}

/// What a definition wants; nothing when it is of a type that nobody knows.
fn wanted(definition: Definition) -> Option<(String, Wanted)> {
    let Definition { namespace, property, schema } = definition;
    let number = |name: &str| schema.get(name).and_then(Value::as_u64);
    let (form, of_values) = match schema.get("type").and_then(Value::as_str) {
        Some("array") => {
            let items = schema.get("items").and_then(Value::as_object).cloned().unwrap_or_default();
            let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
            let of = simple(&items)?;
            (Form::List { of, least: number("minItems"), most: number("maxItems"), unique }, items)
        }
        _ => (Form::One(simple(&schema)?), schema.clone()),
    };
    let checks = of_values.iter().filter(|(keyword, _)| *keyword != "type").filter_map(|(keyword, asked)| {
        property_schema::check(keyword, asked).unwrap_or_else(|why| {
            tracing::debug!(namespace, property, why, "a definition asks for what cannot be checked");
            None
        })
    });
    let checks = checks.collect();
    let operators = schema.get("operators").and_then(Value::as_array).into_iter().flatten();
    let operators = operators.filter_map(Value::as_str).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Some((property, Wanted { namespace, form, checks, operators }))
}

fn simple(schema: &Map<String, Value>) -> Option<Simple> {
    match schema.get("type").map(Value::as_str) {
        None | Some(Some("string")) => Some(Simple::String),
        Some(Some("integer")) => Some(Simple::Integer),
        Some(Some("number")) => Some(Simple::Number),
        Some(Some("boolean")) => Some(Simple::Boolean),
        Some(Some("object")) => Some(Simple::Object),
        Some(_) => None,
    }
}

impl Wanted {
    /// The values in `text`, the text of a property; the piece that is none of the type, when there is one.
    pub fn values<'a>(&self, text: &'a str) -> Result<Vec<Value>, &'a str> {
        match self.form {
            Form::One(form) => self.pieces(text).map(|piece| form.read(piece).ok_or(piece)).collect(),
            Form::List { of, .. } => {
                if let Ok(Value::Array(values)) = serde_json::from_str(text) {
                    let fit = values.iter().all(|value| of.is_of(value));
                    return if fit { Ok(values) } else { Err(text) };
                }
                let pieces = self.pieces(text).flat_map(|piece| piece.split(','));
                pieces
                    .map(str::trim)
                    .filter(|piece| !piece.is_empty())
                    .map(|piece| of.read(piece).ok_or(piece))
                    .collect()
            }
        }
    }

    /// The pieces of `text` between operators, if it begins with one: the words of Nova's scheduler. `<all-in>` has words
    /// behind it, with spaces between them.
    fn pieces<'a>(&self, text: &'a str) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        let begun = self.operators.iter().find_map(|word| Some((word, text.trim_start().strip_prefix(word.as_str())?)));
        match begun {
            None => Box::new(std::iter::once(text)),
            Some((word, rest)) if word == "<all-in>" => Box::new(rest.split_whitespace()),
            Some((word, rest)) => {
                let word = word.clone();
                let pieces: Vec<&str> = rest.split(word.as_str()).map(str::trim).collect();
                Box::new(pieces.into_iter().filter(|piece| !piece.is_empty()))
            }
        }
    }
}

impl Simple {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Object => "object",
        }
    }

    fn is_of(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Object => value.is_object(),
        }
    }

    /// The value that `text` writes down.
    fn read(self, text: &str) -> Option<Value> {
        let begins_as_number = || text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        match self {
            Self::String => Some(text.into()),
            Self::Integer => {
                let number: i128 = text.parse().ok()?;
                i64::try_from(number).map(Value::from).or_else(|_| u64::try_from(number).map(Value::from)).ok()
            }
            // Rust reads words for what is no number, too.
            Self::Number => text.parse::<f64>().ok().filter(|_| begins_as_number()).map(Value::from),
            Self::Boolean => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "y" | "t" | "1" => Some(true.into()),
                "false" | "no" | "off" | "n" | "f" | "0" => Some(false.into()),
                _ => None,
            },
            Self::Object => serde_json::from_str(text).ok().filter(Value::is_object),
        }
    }
}

#[cfg(test)]
mod tests;
