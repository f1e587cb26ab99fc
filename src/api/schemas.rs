//! `/v2/schemas/…`: the documents that clients build their commands from and check answers with.
//!
//! The eight documents of single things are data, in `schemas/`; those of lists are composed of them.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::api::ctx::Call;
use crate::api::reply::{self, Reply};
use crate::app::image_schema::ImageSchema;
use crate::error::{Error, Result};

/// What a task in a list leaves out.
const NOT_IN_TASK_LIST: [&str; 3] = ["input", "result", "message"];

macro_rules! documents {
    ($($name:ident: $build:expr;)*) => {$(
        pub(crate) async fn $name(call: Call) -> Result<Reply> {
            let build: fn(&ImageSchema) -> Result<Value> = $build;
            reply::json(StatusCode::OK, &build(&call.app.image_schema)?)
        }
    )*};
}

documents! {
    image: image_document;
    images: |schema| Ok(paged("images", list_of(&image_document(schema)?)));
    member: |_| parse(include_str!("schemas/member.json"));
    members: |_| Ok(plain("members", list_of(&parse(include_str!("schemas/member.json"))?)));
    task: |_| parse(include_str!("schemas/task.json"));
    tasks: |_| Ok(plain("tasks", list_of(&task_in_list()?)));
    namespace: |_| parse(include_str!("schemas/namespace.json"));
    namespaces: |_| hoisted("namespaces", parse(include_str!("schemas/namespace.json"))?, list_of);
    resource_type: |_| parse(include_str!("schemas/resource_type.json"));
    resource_types: |_| {
        Ok(paged("resource_type_associations", list_of(&parse(include_str!("schemas/resource_type.json"))?)))
    };
    property: |_| parse(include_str!("schemas/property.json"));
    properties: |_| hoisted("properties", property_by_name()?, by_name);
    object: |_| parse(include_str!("schemas/object.json"));
    objects: |_| hoisted("objects", parse(include_str!("schemas/object.json"))?, list_of);
    tag: |_| parse(include_str!("schemas/tag.json"));
    tags: |_| Ok(paged("tags", list_of(&parse(include_str!("schemas/tag.json"))?)));
}

fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(Error::internal)
}

/// The image document: formats, and properties with a form, are the operator's.
fn image_document(schema: &ImageSchema) -> Result<Value> {
    let mut document = parse(include_str!("schemas/image.json"))?;
    let named =
        [("container_format", &schema.formats.container_formats), ("disk_format", &schema.formats.disk_formats)];
    for (property, names) in named {
        let all: Vec<Value> = std::iter::once(Value::Null).chain(names.iter().cloned().map(Value::from)).collect();
        document["properties"][property]["enum"] = Value::Array(all);
    }
    for property in schema.properties.iter() {
        document["properties"][&property.name] = property.document.clone();
    }
    if !schema.properties.required().is_empty() {
        document["required"] = schema.properties.required().into();
    }
    Ok(document)
}

fn task_in_list() -> Result<Value> {
    let mut task = parse(include_str!("schemas/task.json"))?;
    if let Some(properties) = task["properties"].as_object_mut() {
        properties.retain(|name, _| !NOT_IN_TASK_LIST.contains(&name.as_str()));
    }
    Ok(task)
}

/// A property in a collection: its name stands before it, not in it.
fn property_by_name() -> Result<Value> {
    let mut property = parse(include_str!("schemas/property.json"))?;
    if let Some(required) = property["required"].as_array_mut() {
        required.retain(|name| name != "name");
    }
    Ok(property)
}

fn list_of(item: &Value) -> Value {
    json!({ "type": "array", "items": item })
}

fn by_name(item: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": item })
}

/// A collection that comes in pages.
fn paged(name: &str, items: Value) -> Value {
    let mut properties = Map::new();
    properties.insert(name.to_owned(), items);
    for link in ["first", "next", "schema"] {
        properties.insert(link.to_owned(), json!({ "type": "string" }));
    }
    let links = json!([
        { "rel": "first", "href": "{first}" },
        { "rel": "next", "href": "{next}" },
        { "rel": "describedby", "href": "{schema}" },
    ]);
    json!({ "name": name, "properties": properties, "links": links })
}

/// A collection that comes all at once.
fn plain(name: &str, items: Value) -> Value {
    let mut properties = Map::new();
    properties.insert(name.to_owned(), items);
    properties.insert("schema".to_owned(), json!({ "type": "string" }));
    let links = json!([{ "rel": "describedby", "href": "{schema}" }]);
    json!({ "name": name, "properties": properties, "links": links })
}

/// A collection whose items' definitions stand beside it rather than in every item.
fn hoisted(name: &str, mut item: Value, collect: fn(&Value) -> Value) -> Result<Value> {
    let definitions = item.as_object_mut().and_then(|item| item.shift_remove("definitions"));
    let definitions = definitions.ok_or_else(|| Error::internal(format!("{name} has no definitions")))?;
    let mut collection = paged(name, collect(&item));
    collection["definitions"] = definitions;
    Ok(collection)
}
