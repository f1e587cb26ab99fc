//! What clients send of definitions: checked against the schema of its kind, typed, and made into what is written.

use serde_json::{Map, Value};

use crate::api::ctx::Call;
use crate::api::metadefs::typed::{self, Fields};
use crate::api::{attributes, body, json_schema};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::metadef::{Association, CONTENTS_MAX, Contents, Object, Property, TEXT_MAX, Tag};

/// A kind of body.
pub(super) struct Kind {
    /// What the reference calls its schema.
    name: &'static str,
    document: &'static str,
    /// Members that only the service sets.
    read_only: &'static [&'static str],
    fields: Fields,
}

const TIMES: &[&str] = &["created_at", "updated_at"];
const LINKS_AND_TIMES: &[&str] = &["self", "schema", "created_at", "updated_at"];

pub(super) const NAMESPACE: Kind = Kind {
    name: "namespace",
    document: include_str!("../schemas/namespace.json"),
    read_only: LINKS_AND_TIMES,
    fields: &typed::NAMESPACE,
};

pub(super) const OBJECT: Kind = Kind {
    name: "object",
    document: include_str!("../schemas/object.json"),
    read_only: LINKS_AND_TIMES,
    fields: &typed::OBJECT,
};

pub(super) const PROPERTY: Kind = Kind {
    name: "property",
    document: include_str!("../schemas/property.json"),
    read_only: TIMES,
    fields: &typed::PROPERTY,
};

pub(super) const ASSOCIATION: Kind = Kind {
    name: "resource_type_association",
    document: include_str!("../schemas/resource_type.json"),
    read_only: TIMES,
    fields: &typed::ASSOCIATION,
};

pub(super) const TAG: Kind =
    Kind { name: "tag", document: include_str!("../schemas/tag.json"), read_only: TIMES, fields: &typed::TAG };

/// Several tags: no document that clients can ask for says what they look like.
pub(super) const TAGS: Kind = Kind {
    name: "tags",
    document: r#"{"properties": {"tags": {"type": "array", "items": {"type": "object", "properties": {"name":
        {"type": "string"}}, "required": ["name"], "additionalProperties": false}}}, "additionalProperties": false}"#,
    read_only: TIMES,
    fields: &typed::TAGS,
};

impl Kind {
    /// What the client sent, checked and typed.
    ///
    /// # Errors
    /// As of its two parts.
    pub(super) async fn read(&self, call: &mut Call) -> Result<Map<String, Value>> {
        let body = self.checked(call).await?;
        self.typed(&body)
    }

    /// What the client sent, checked against its schema.
    ///
    /// # Errors
    /// `Invalid` for what the schema does not allow, `Forbidden` for what only the service sets.
    pub(super) async fn checked(&self, call: &mut Call) -> Result<Map<String, Value>> {
        let body = body::expected(call).await?;
        if let Some(name) = self.read_only.iter().find(|name| body.get(name).is_some()) {
            return Err(Error::forbidden(format!("Attribute '{name}' is read-only.")));
        }
        self.check(&body)?;
        match body {
            Value::Object(object) => Ok(object),
            // compat: the reference fails with 500 on an array.
            other => Err(attributes::mismatch(self.name, &attributes::not_of_type(&other, "'object'"))),
        }
    }

    /// What was checked, with its members in their order and form.
    ///
    /// # Errors
    /// `Invalid` for what the schema allows and the types do not.
    pub(super) fn typed(&self, object: &Map<String, Value>) -> Result<Map<String, Value>> {
        typed::typed(self.fields, object)
    }

    /// Checks a value against the schema.
    ///
    /// # Errors
    /// `Invalid` for what it does not allow.
    pub(super) fn check(&self, value: &Value) -> Result<()> {
        json_schema::check(self.name, self.document, value)
    }
}

/// All that a new namespace is to have in it.
pub(super) fn contents(namespace: &Map<String, Value>, now: Timestamp) -> Result<Contents> {
    let many =
        |name: &str| namespace.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let properties = namespace.get("properties").and_then(Value::as_object).into_iter().flatten();
    let contents = Contents {
        associations: many("resource_type_associations").map(|new| association(new, now)).collect(),
        objects: many("objects").map(|new| object(new, now)).collect::<Result<_>>()?,
        properties: properties
            .map(|(name, schema)| property(name, schema.as_object().cloned().unwrap_or_default()))
            .collect::<Result<_>>()?,
        tags: many("tags").map(|new| tag(text(new, "name").unwrap_or_default(), now)).collect(),
    };
    let Contents { associations, objects, properties, tags } = &contents;
    if [associations.len(), objects.len(), properties.len(), tags.len()].into_iter().any(|count| count > CONTENTS_MAX) {
        return Err(too_many());
    }
    Ok(contents)
}

/// An association that is to be written.
pub(super) fn association(new: &Map<String, Value>, now: Timestamp) -> Association {
    Association {
        name: text(new, "name").unwrap_or_default(),
        prefix: text(new, "prefix"),
        properties_target: text(new, "properties_target"),
        created_at: now,
        updated_at: Some(now),
    }
}

/// An object that is to be written.
pub(super) fn object(new: &Map<String, Value>, now: Timestamp) -> Result<Object> {
    let required = new.get("required").and_then(Value::as_array).into_iter().flatten();
    let object = Object {
        id: 0,
        name: text(new, "name").unwrap_or_default(),
        description: text(new, "description"),
        required: required.filter_map(Value::as_str).map(str::to_owned).collect(),
        properties: new.get("properties").and_then(Value::as_object).cloned().unwrap_or_default(),
        created_at: now,
        updated_at: Some(now),
    };
    let required: usize = object.required.iter().map(|name| name.len() + 1).sum();
    if required > TEXT_MAX {
        return Err(too_long(&object.name));
    }
    fits(&object.name, &object.properties)?;
    Ok(object)
}

/// A property that is to be written.
pub(super) fn property(name: &str, schema: Map<String, Value>) -> Result<Property> {
    typed::name(name)?;
    fits(name, &schema)?;
    Ok(Property { id: 0, name: name.to_owned(), schema })
}

/// A tag that is to be written.
pub(super) fn tag(name: String, now: Timestamp) -> Tag {
    Tag { id: 0, name, created_at: now, updated_at: Some(now) }
}

/// The text called `name` in what was typed.
pub(super) fn text(typed: &Map<String, Value>, name: &str) -> Option<String> {
    typed.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// That a namespace has no room for more.
pub(super) fn too_many() -> Error {
    Error::too_large(format!("A namespace may have {CONTENTS_MAX} definitions of a kind at the most."))
}

/// Refuses schemas that are too long for their column.
fn fits(name: &str, schema: &Map<String, Value>) -> Result<()> {
    let length = serde_json::to_string(schema).map_err(Error::internal)?.len();
    if length > TEXT_MAX { Err(too_long(name)) } else { Ok(()) }
}

fn too_long(name: &str) -> Error {
    Error::too_large(format!("The definition of {name} may have {TEXT_MAX} bytes at the most."))
}
