//! `/v2/metadefs/namespaces/{namespace}/objects…`: groups of properties.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::api::ctx::Call;
use crate::api::metadefs::{
    add, allow, allow_change, body, defined, deleted, holds, namespaces, not_changed, unprotected, view,
};
use crate::api::page;
use crate::api::reply::{self, Reply};
use crate::db::metadefs::contents;
use crate::error::{Error, Result};
use crate::model::metadef::{Namespace, Object};
use crate::policy::Rule;

/// `GET …/objects`. compat: limit, order and visibility are checked, and then heeded by nobody.
pub(crate) async fn list(call: Call) -> Result<Reply> {
    checked_page(&call)?;
    let namespace = defined(&call).await?;
    allow(&call, Rule::GetMetadefObjects, &namespace).await?;
    let mut found: Vec<Object> = contents::list(&call.app.db, namespace.id).await?;
    if !holds(&call, Rule::GetMetadefObject, &namespace).await {
        found.clear();
    }
    let objects: Vec<_> = found.iter().map(|object| view::object(&namespace.namespace, object)).collect();
    // compat: this link alone has no slash before it.
    reply::json(StatusCode::OK, &json!({ "objects": objects, "schema": "v2/schemas/metadefs/objects" }))
}

/// `POST …/objects`.
pub(crate) async fn create(mut call: Call) -> Result<Reply> {
    let sent = body::OBJECT.checked(&mut call).await?;
    for schema in sent.get("properties").and_then(Value::as_object).into_iter().flat_map(|all| all.values()) {
        // The name stands before a property here, and need not stand in it.
        let mut schema = schema.clone();
        if let Some(members) = schema.as_object_mut() {
            members.entry("name").or_insert_with(|| "".into());
        }
        body::PROPERTY.check(&schema)?;
    }
    let sent = body::OBJECT.typed(&sent)?;
    let namespace = defined(&call).await?;
    allow_change(&call, Rule::AddMetadefObject, &namespace).await?;
    let new = body::object(&sent, call.app.clock.now())?;
    add(&call, &namespace, std::slice::from_ref(&new), false, new.created_at).await?;
    reply::json(StatusCode::CREATED, &view::object_sent(&namespace.namespace, sent, &new))
}

/// `DELETE …/objects`: all of them.
pub(crate) async fn delete_all(call: Call) -> Result<Reply> {
    let namespace = namespaces::deletable(&call, None).await?;
    contents::delete_all::<Object>(&call.app.db, namespace.id).await?;
    Ok(deleted())
}

/// `GET …/objects/{object_name}`.
pub(crate) async fn show(call: Call) -> Result<Reply> {
    let namespace = defined(&call).await?;
    allow(&call, Rule::GetMetadefObject, &namespace).await?;
    let object = find(&call, &namespace).await?;
    reply::json(StatusCode::OK, &view::object(&namespace.namespace, &object))
}

/// `PUT …/objects/{object_name}`.
pub(crate) async fn update(mut call: Call) -> Result<Reply> {
    let sent = body::OBJECT.read(&mut call).await?;
    let namespace = defined(&call).await?;
    allow_change(&call, Rule::ModifyMetadefObject, &namespace).await?;
    let before = find(&call, &namespace).await?;
    let now = call.app.clock.now();
    let changed = Object { created_at: before.created_at, updated_at: before.updated_at, ..body::object(&sent, now)? };
    let updated = contents::update(&call.app.db, before.id, &changed, now).await;
    if !updated.map_err(|error| not_changed(error, &namespace.namespace))? {
        return Err(unknown(&call));
    }
    reply::json(StatusCode::OK, &view::object_sent(&namespace.namespace, sent, &changed))
}

/// `DELETE …/objects/{object_name}`.
pub(crate) async fn delete(call: Call) -> Result<Reply> {
    let namespace = defined(&call).await?;
    allow_change(&call, Rule::DeleteMetadefObject, &namespace).await?;
    let object = find(&call, &namespace).await?;
    unprotected(&namespace, &format!("object {}", object.name))?;
    if contents::delete::<Object>(&call.app.db, object.id).await? {
        return Ok(deleted());
    }
    Err(Error::not_found(format!("The specified metadata object {} could not be found", object.name)))
}

async fn find(call: &Call, namespace: &Namespace) -> Result<Object> {
    contents::find(&call.app.db, namespace.id, call.place(1)).await?.ok_or_else(|| unknown(call))
}

fn unknown(call: &Call) -> Error {
    Error::not_found(format!("Could not find metadata object {}", call.place(1)))
}

fn checked_page(call: &Call) -> Result<()> {
    if let Some(direction) = call.query.get("sort_dir") {
        page::sort_dir(direction)?;
    }
    if let Some(name) = call.query.get("visibility").filter(|name| !["", "public", "private", "shared"].contains(name))
    {
        return Err(Error::invalid(format!("Invalid visibility value: {name}")));
    }
    match call.query.get("limit").map(page::page_size).transpose()? {
        // compat: elsewhere a page may have nothing on it.
        Some(0) => Err(Error::invalid("limit param must be positive")),
        _ => Ok(()),
    }
}
