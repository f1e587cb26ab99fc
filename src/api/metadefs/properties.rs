//! `/v2/metadefs/namespaces/{namespace}/properties…`: properties that belong to no object.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::api::ctx::Call;
use crate::api::metadefs::{
    add, allow, allow_change, body, deleted, found, namespaces, not_changed, unprotected, view,
};
use crate::api::reply::{self, Reply};
use crate::db::metadefs::{contents, resource_types};
use crate::error::{Error, Result};
use crate::model::metadef::{Namespace, Property};
use crate::policy::Rule;

/// `GET …/properties`: by name.
pub(crate) async fn list(call: Call) -> Result<Reply> {
    let namespace = found(&call).await?;
    allow(&call, Rule::GetMetadefProperties, &namespace).await?;
    let found: Vec<Property> = contents::list(&call.app.db, namespace.id).await?;
    let properties: Map<String, Value> =
        found.iter().map(|property| (property.name.clone(), view::of_namespace(property))).collect();
    reply::json(StatusCode::OK, &json!({ "properties": properties }))
}

/// `POST …/properties`.
pub(crate) async fn create(mut call: Call) -> Result<Reply> {
    let sent = body::PROPERTY.read(&mut call).await?;
    let namespace = found(&call).await?;
    allow_change(&call, Rule::AddMetadefProperty, &namespace).await?;
    let new = property(sent)?;
    add(&call, &namespace, std::slice::from_ref(&new), false, call.app.clock.now()).await?;
    reply::json(StatusCode::CREATED, &view::property(&new))
}

/// `DELETE …/properties`: all of them.
pub(crate) async fn delete_all(call: Call) -> Result<Reply> {
    let namespace = namespaces::deletable(&call, None).await?;
    contents::delete_all::<Property>(&call.app.db, namespace.id).await?;
    Ok(deleted())
}

/// `GET …/properties/{property_name}`: with `?resource_type=`, by the name that it has there.
pub(crate) async fn show(call: Call) -> Result<Reply> {
    let namespace = found(&call).await?;
    allow(&call, Rule::GetMetadefProperty, &namespace).await?;
    let mut name = call.place(1);
    if let Some(resource_type) = call.query.get("resource_type").filter(|name| !name.is_empty()) {
        allow(&call, Rule::GetMetadefResourceType, &namespace).await?;
        let prefix = prefix(&call, &namespace, resource_type).await?;
        let plain = prefix.as_deref().filter(|prefix| !prefix.is_empty()).and_then(|prefix| name.strip_prefix(prefix));
        name = plain.ok_or_else(|| {
            Error::not_found(format!(
                "Property {name} does not start with the expected resource type association prefix of '{}'.",
                prefix.as_deref().unwrap_or("None")
            ))
        })?;
    }
    let property = find(&call, &namespace, name).await?;
    reply::json(StatusCode::OK, &view::property(&property))
}

/// `PUT …/properties/{property_name}`.
pub(crate) async fn update(mut call: Call) -> Result<Reply> {
    let sent = body::PROPERTY.read(&mut call).await?;
    let namespace = found(&call).await?;
    allow_change(&call, Rule::ModifyMetadefProperty, &namespace).await?;
    let before = find(&call, &namespace, call.place(1)).await?;
    let changed = property(sent)?;
    let updated = contents::update(&call.app.db, before.id, &changed, call.app.clock.now()).await;
    if !updated.map_err(|error| not_changed(error, &namespace.namespace))? {
        return Err(unknown(call.place(1)));
    }
    reply::json(StatusCode::OK, &view::property(&changed))
}

/// `DELETE …/properties/{property_name}`.
pub(crate) async fn delete(call: Call) -> Result<Reply> {
    let namespace = found(&call).await?;
    allow_change(&call, Rule::RemoveMetadefProperty, &namespace).await?;
    let property = find(&call, &namespace, call.place(1)).await?;
    unprotected(&namespace, &format!("property {}", property.name))?;
    if contents::delete::<Property>(&call.app.db, property.id).await? {
        return Ok(deleted());
    }
    Err(Error::not_found(format!("The specified property {} could not be found", property.name)))
}

/// What stands before the names of a namespace's properties on resources of a type.
async fn prefix(call: &Call, namespace: &Namespace, resource_type: &str) -> Result<Option<String>> {
    let associations = resource_types::associations(&call.app.db, namespace.id).await?;
    if let Some(association) = associations.into_iter().find(|association| association.name == resource_type) {
        return Ok(association.prefix);
    }
    if resource_types::exists(&call.app.db, resource_type).await? {
        return Err(Error::not_found(format!(
            "The metadata definition resource-type association of resource-type={resource_type} to namespace={}, was \
             not found.",
            namespace.namespace
        )));
    }
    Err(Error::not_found(format!("The metadata definition resource-type with name={resource_type}, was not found.")))
}

async fn find(call: &Call, namespace: &Namespace, name: &str) -> Result<Property> {
    contents::find(&call.app.db, namespace.id, name).await?.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Error {
    Error::not_found(format!("Could not find property {name}"))
}

fn property(sent: Map<String, Value>) -> Result<Property> {
    let name = body::text(&sent, "name").unwrap_or_default();
    body::property(&name, sent)
}
