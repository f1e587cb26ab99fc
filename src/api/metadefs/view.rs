//! How definitions look in JSON. What is not set is not shown.

use serde_json::{Map, Value, json};

use crate::api::metadefs::typed::{self, shown};
use crate::api::view::iso_time;
use crate::clock::Timestamp;
use crate::model::metadef::{Association, Contents, Namespace, Object, Property, ResourceType, Tag};

/// A namespace, without what is in it.
pub(super) fn namespace(namespace: &Namespace) -> Map<String, Value> {
    let mut map = Map::new();
    set(&mut map, "namespace", Some(namespace.namespace.as_str()));
    set(&mut map, "display_name", namespace.display_name.as_deref());
    set(&mut map, "description", namespace.description.as_deref());
    set(&mut map, "visibility", Some(namespace.visibility()));
    set(&mut map, "protected", Some(namespace.is_protected()));
    set(&mut map, "owner", Some(namespace.owner.as_str()));
    times(&mut map, namespace.created_at, namespace.updated_at);
    set(&mut map, "self", Some(href(&namespace.namespace)));
    set(&mut map, "schema", Some("/v2/schemas/metadefs/namespace"));
    map
}

/// A namespace with what is in it, as it is for resources that have `prefix` before its names.
pub(super) fn whole(whole: &Namespace, contents: &Contents, prefix: &str) -> Map<String, Value> {
    let mut map = namespace(whole);
    with_associations(&mut map, &contents.associations);
    let properties =
        contents.properties.iter().map(|property| (prefix.to_owned() + &property.name, of_namespace(property)));
    let properties: Map<String, Value> = properties.collect();
    set(&mut map, "properties", Some(properties).filter(|properties| !properties.is_empty()));
    let objects = contents.objects.iter().map(|found| Value::Object(prefixed(object(&whole.namespace, found), prefix)));
    set(&mut map, "objects", filled(objects.collect()));
    set(&mut map, "tags", filled(contents.tags.iter().map(name_of).collect()));
    map
}

/// Adds the types of resources that a namespace is for, if there are any.
pub(super) fn with_associations(map: &mut Map<String, Value>, associations: &[Association]) {
    let associations = associations.iter().map(|found| Value::Object(association(found))).collect();
    set(map, "resource_type_associations", filled(associations));
}

/// The path of a namespace.
pub(super) fn href(namespace: &str) -> String {
    format!("/v2/metadefs/namespaces/{namespace}")
}

/// An object of `namespace`.
pub(super) fn object(namespace: &str, object: &Object) -> Map<String, Value> {
    let schema = |(name, schema): (&String, &Value)| {
        (name.clone(), json!(schema.as_object().map(|schema| shown(&typed::PROPERTY, schema))))
    };
    let properties: Map<String, Value> = object.properties.iter().map(schema).collect();
    let mut map = Map::new();
    set(&mut map, "name", Some(object.name.as_str()));
    set(&mut map, "required", Some(object.required.clone()));
    set(&mut map, "description", object.description.as_deref());
    set(&mut map, "properties", Some(properties));
    times(&mut map, object.created_at, object.updated_at);
    object_links(&mut map, namespace, &object.name);
    map
}

/// An object of `namespace` just as the client `sent` it. compat: what it left out is shown as empty from the next time on.
pub(super) fn object_sent(namespace: &str, sent: Map<String, Value>, object: &Object) -> Map<String, Value> {
    let mut map = sent;
    times(&mut map, object.created_at, object.updated_at);
    object_links(&mut map, namespace, &object.name);
    map
}

fn object_links(map: &mut Map<String, Value>, namespace: &str, name: &str) {
    set(map, "self", Some(format!("{}/objects/{name}", href(namespace))));
    set(map, "schema", Some("/v2/schemas/metadefs/object"));
}

/// A property by itself.
pub(super) fn property(property: &Property) -> Map<String, Value> {
    let mut map = shown(&typed::PROPERTY, &property.schema);
    set(&mut map, "name", Some(property.name.as_str()));
    map
}

/// A property where its name stands before it. compat: those that were not made with their namespace say it once more.
pub(super) fn of_namespace(property: &Property) -> Value {
    Value::Object(shown(&typed::PROPERTY, &property.schema))
}

/// A type of resource that a namespace is for.
pub(super) fn association(association: &Association) -> Map<String, Value> {
    let mut map = Map::new();
    set(&mut map, "name", Some(association.name.as_str()));
    set(&mut map, "prefix", association.prefix.as_deref());
    set(&mut map, "properties_target", association.properties_target.as_deref());
    times(&mut map, association.created_at, association.updated_at);
    map
}

/// A type of resource.
pub(super) fn resource_type(resource_type: &ResourceType) -> Map<String, Value> {
    let mut map = Map::new();
    set(&mut map, "name", Some(resource_type.name.as_str()));
    times(&mut map, resource_type.created_at, resource_type.updated_at);
    map
}

/// A tag by itself.
pub(super) fn tag(tag: &Tag) -> Map<String, Value> {
    let mut map = Map::new();
    set(&mut map, "name", Some(tag.name.as_str()));
    times(&mut map, tag.created_at, tag.updated_at);
    map
}

/// A tag among others.
pub(super) fn name_of(tag: &Tag) -> Value {
    json!({ "name": tag.name })
}

/// An object with `prefix` before the names of its properties.
fn prefixed(mut object: Map<String, Value>, prefix: &str) -> Map<String, Value> {
    if prefix.is_empty() {
        return object;
    }
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        let plain = std::mem::take(properties);
        *properties = plain.into_iter().map(|(name, schema)| (prefix.to_owned() + &name, schema)).collect();
    }
    for name in object.get_mut("required").and_then(Value::as_array_mut).into_iter().flatten() {
        *name = format!("{prefix}{}", name.as_str().unwrap_or_default()).into();
    }
    object
}

fn times(map: &mut Map<String, Value>, created_at: Timestamp, updated_at: Option<Timestamp>) {
    set(map, "created_at", Some(iso_time(created_at)));
    set(map, "updated_at", updated_at.map(iso_time));
}

fn filled(entries: Vec<Value>) -> Option<Vec<Value>> {
    Some(entries).filter(|entries| !entries.is_empty())
}

fn set(map: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), value.into());
    }
}
