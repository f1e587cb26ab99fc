//! Definitions as the reference types them: which members each kind has, in which order, and what their values become.

use serde_json::{Map, Number, Value};

use crate::api::attributes::python;
use crate::api::query::UNDECODABLE;
use crate::error::{Error, Result};
use crate::model::metadef::{NAME_MAX, TEXT_MAX};

/// The members of a kind of thing.
pub(super) type Fields = &'static [Field];

/// A member: its name, what it holds, and whether it must be there.
pub(super) struct Field {
    name: &'static str,
    form: Form,
    mandatory: bool,
}

/// What a member holds.
enum Form {
    /// Text that is a name.
    Name,
    Text,
    Texts,
    Truth,
    /// A whole number: what is behind the point is dropped.
    Whole,
    /// Anything plain, as text.
    Printed,
    One(Fields),
    Many(Fields),
    ByName(Fields),
}

const fn may(name: &'static str, form: Form) -> Field {
    Field { name, form, mandatory: false }
}

const fn must(name: &'static str, form: Form) -> Field {
    Field { name, form, mandatory: true }
}

/// A namespace with what is in it.
pub(super) static NAMESPACE: [Field; 14] = [
    must("namespace", Form::Name),
    may("display_name", Form::Name),
    may("description", Form::Text),
    may("visibility", Form::Text),
    may("protected", Form::Truth),
    may("owner", Form::Text),
    may("created_at", Form::Text),
    may("updated_at", Form::Text),
    may("resource_type_associations", Form::Many(&ASSOCIATION)),
    may("properties", Form::ByName(&PROPERTY)),
    may("objects", Form::Many(&OBJECT)),
    may("tags", Form::Many(&TAG)),
    may("self", Form::Text),
    may("schema", Form::Text),
];

/// An association with a type of resource.
pub(super) static ASSOCIATION: [Field; 5] = [
    must("name", Form::Name),
    may("prefix", Form::Name),
    may("properties_target", Form::Name),
    may("created_at", Form::Text),
    may("updated_at", Form::Text),
];

/// An object.
pub(super) static OBJECT: [Field; 8] = [
    must("name", Form::Name),
    may("required", Form::Texts),
    may("description", Form::Text),
    may("properties", Form::ByName(&PROPERTY)),
    may("created_at", Form::Text),
    may("updated_at", Form::Text),
    may("self", Form::Text),
    may("schema", Form::Text),
];

/// The schema of a property.
pub(super) static PROPERTY: [Field; 19] = [
    may("name", Form::Name),
    must("type", Form::Text),
    must("title", Form::Text),
    may("description", Form::Text),
    may("operators", Form::Texts),
    may("default", Form::Printed),
    may("readonly", Form::Truth),
    may("minimum", Form::Whole),
    may("maximum", Form::Whole),
    may("enum", Form::Texts),
    may("pattern", Form::Text),
    may("minLength", Form::Whole),
    may("maxLength", Form::Whole),
    may("confidential", Form::Truth),
    may("items", Form::One(&ITEMS)),
    may("uniqueItems", Form::Truth),
    may("minItems", Form::Whole),
    may("maxItems", Form::Whole),
    may("additionalItems", Form::Truth),
];

/// What the entries of a property that is an array are.
static ITEMS: [Field; 2] = [must("type", Form::Text), may("enum", Form::Texts)];

/// A tag.
pub(super) static TAG: [Field; 3] =
    [must("name", Form::Name), may("created_at", Form::Text), may("updated_at", Form::Text)];

/// Several tags.
pub(super) static TAGS: [Field; 1] = [must("tags", Form::Many(&TAG))];

/// `object` with its members in their order and form.
///
/// # Errors
/// `Invalid` for what is none. compat: the reference fails with 500 on what its schemas allow and its types do not.
pub(super) fn typed(fields: Fields, object: &Map<String, Value>) -> Result<Map<String, Value>> {
    of_fields(fields, object).map_err(Error::invalid)
}

/// `object`, which was written before, with those of its members that have a form. What others wrote may have more.
pub(super) fn shown(fields: Fields, object: &Map<String, Value>) -> Map<String, Value> {
    let member = |field: &Field| {
        let value = of_form(&field.form, field.name, object.get(field.name)?).ok()?;
        Some((field.name.to_owned(), value))
    };
    fields.iter().filter_map(member).collect()
}

/// Refuses what is too long for a name.
///
/// # Errors
/// `Invalid` then.
pub(super) fn name(name: &str) -> Result<()> {
    of_form(&Form::Name, "name", &name.into()).map(drop).map_err(Error::invalid)
}

fn of_fields(fields: Fields, object: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    if let Some(unknown) = object.keys().find(|name| fields.iter().all(|field| field.name != name.as_str())) {
        return Err(format!("Unknown attribute: {unknown}"));
    }
    let mut typed = Map::new();
    for field in fields {
        match object.get(field.name) {
            Some(value) => {
                let value = of_form(&field.form, field.name, value)?;
                // compat: such a value is one that the reference can write and cannot read.
                if matches!(field.form, Form::Printed) && value.as_str().is_some_and(|text| !text.is_ascii()) {
                    return Err(UNDECODABLE.to_owned());
                }
                typed.insert(field.name.to_owned(), value);
            }
            None if field.mandatory => return Err(wrong(field.name, &Value::Null, "Mandatory field missing.")),
            None => {}
        }
    }
    Ok(typed)
}

fn of_form(form: &Form, name: &str, value: &Value) -> Result<Value, String> {
    let text = |value: &Value, most: fn(&str) -> bool| match value {
        Value::String(text) if most(text) => Ok(Value::String(text.clone())),
        Value::String(_) => Err(wrong(name, value, "Value is too long.")),
        other => Err(wrong(name, other, "Value should be text.")),
    };
    let short = |text: &str| text.len() <= TEXT_MAX;
    let of_fields = |fields: Fields, value: &Value| match value {
        Value::Object(object) => of_fields(fields, object).map(Value::Object),
        other => Err(wrong(name, other, "Value should be an object.")),
    };
    match (form, value) {
        (_, Value::Null) => Ok(Value::Null),
        (Form::Name, value) => text(value, |name| name.chars().count() <= NAME_MAX),
        (Form::Text, value) => text(value, short),
        (Form::Texts, Value::Array(entries)) => {
            let entry = |entry: &Value| if entry.is_null() { Ok(Value::Null) } else { text(entry, short) };
            entries.iter().map(entry).collect()
        }
        (Form::Truth, Value::Bool(truth)) => Ok((*truth).into()),
        (Form::Whole, value) => whole(value).ok_or_else(|| wrong(name, value, "Value should be a whole number.")),
        (Form::Printed, Value::Number(_) | Value::Bool(_)) => Ok(python(value).into()),
        (Form::Printed, Value::String(text)) => Ok(text.clone().into()),
        // compat: what is not plain is nothing.
        (Form::Printed, _) => Ok(Value::Null),
        (Form::One(fields), value) => of_fields(fields, value),
        (Form::Many(fields), Value::Array(entries)) => entries.iter().map(|entry| of_fields(fields, entry)).collect(),
        (Form::ByName(fields), Value::Object(members)) => {
            let member = |(name, member): (&String, &Value)| Ok((name.clone(), of_fields(fields, member)?));
            members.iter().map(member).collect::<Result<Map<_, _>, String>>().map(Value::Object)
        }
        (_, other) => Err(wrong(name, other, "Value has another type.")),
    }
}

/// A number without what is behind its point.
fn whole(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64()?.trunc();
            #[expect(clippy::cast_possible_truncation, reason = "what is too large for it stays as it is")]
            let whole = number as i64;
            let exact = number.abs() < 9.0e18;
            if exact { Some(whole.into()) } else { Number::from_f64(number).map(Value::Number) }
        }
        Value::Number(number) => Some(Value::Number(number.clone())),
        Value::String(digits) => digits.trim().parse::<i64>().ok().map(Value::from),
        _ => None,
    }
}

/// What the reference's types say, though not to clients.
fn wrong(name: &str, value: &Value, why: &str) -> String {
    format!("Invalid input for field/attribute {name}. Value: '{}'. {why}", python(value))
}
