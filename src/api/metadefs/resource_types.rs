//! `/v2/metadefs/resource_types` and `/v2/metadefs/namespaces/{namespace}/resource_types…`: what namespaces are for.

use hyper::StatusCode;
use serde_json::json;

use crate::api::ctx::Call;
use crate::api::metadefs::{
    allow, allow_any, allow_change, body, deleted, found, holds, missing, not_added, unprotected, view,
};
use crate::api::reply::{self, Reply};
use crate::db::metadefs::resource_types;
use crate::error::{Error, Result};
use crate::policy::Rule;

/// `GET /v2/metadefs/resource_types`.
pub(crate) async fn list(call: Call) -> Result<Reply> {
    allow_any(&call, Rule::ListMetadefResourceTypes).await?;
    let found = resource_types::list(&call.app.db).await?;
    let resource_types: Vec<_> = found.iter().map(view::resource_type).collect();
    reply::json(StatusCode::OK, &json!({ "resource_types": resource_types }))
}

/// `GET …/{namespace}/resource_types`.
pub(crate) async fn of_namespace(call: Call) -> Result<Reply> {
    let namespace = found(&call).await?;
    allow(&call, Rule::ListMetadefResourceTypes, &namespace).await?;
    let mut found = resource_types::associations(&call.app.db, namespace.id).await?;
    if !holds(&call, Rule::GetMetadefResourceType, &namespace).await {
        found.clear();
    }
    let associations: Vec<_> = found.iter().map(view::association).collect();
    reply::json(StatusCode::OK, &json!({ "resource_type_associations": associations }))
}

/// `POST …/{namespace}/resource_types`.
pub(crate) async fn associate(mut call: Call) -> Result<Reply> {
    let sent = body::ASSOCIATION.read(&mut call).await?;
    let namespace = found(&call).await?;
    allow_change(&call, Rule::AddMetadefResourceTypeAssociation, &namespace).await?;
    let new = body::association(&sent, call.app.clock.now());
    let added = resource_types::associate(&call.app.db, namespace.id, &new, new.created_at).await;
    if !added.map_err(|error| not_added(error, &namespace.namespace))? {
        return Err(missing(&namespace.namespace));
    }
    reply::json(StatusCode::CREATED, &view::association(&new))
}

/// `DELETE …/{namespace}/resource_types/{name}`. The type stays.
pub(crate) async fn dissociate(call: Call) -> Result<Reply> {
    let namespace = found(&call).await?;
    allow_change(&call, Rule::RemoveMetadefResourceTypeAssociation, &namespace).await?;
    let name = call.place(1);
    let unknown = || Error::not_found(format!("Failed to find resource type {name} to delete"));
    let associations = resource_types::associations(&call.app.db, namespace.id).await?;
    let association = associations.iter().find(|association| association.name == name).ok_or_else(unknown)?;
    unprotected(&namespace, &format!("resource-type-association {}", association.name))?;
    if resource_types::dissociate(&call.app.db, namespace.id, name).await? { Ok(deleted()) } else { Err(unknown()) }
}
