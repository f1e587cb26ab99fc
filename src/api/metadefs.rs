//! `/v2/metadefs/…`: the catalogue of metadata definitions, as one that is empty. Nothing can be put into it yet.

use hyper::StatusCode;
use serde_json::json;

use crate::api::ctx::Call;
use crate::api::reply::{self, Reply};
use crate::api::{body, page};
use crate::error::{Error, Kind, Result};
use crate::policy::Rule;

/// `GET /v2/metadefs/resource_types`.
pub(crate) async fn resource_types(call: Call) -> Result<Reply> {
    allow(&call, Rule::ListMetadefResourceTypes)?;
    reply::json(StatusCode::OK, &json!({ "resource_types": [] }))
}

/// `GET /v2/metadefs/namespaces`.
pub(crate) async fn namespaces(call: Call) -> Result<Reply> {
    // compat: the reference fails with 500 on a limit that is no number.
    limit(&call)?;
    match call.query.get("sort_dir") {
        None | Some("asc" | "desc") => {}
        Some(other) => return Err(Error::invalid(format!("Invalid sort direction: {other}"))),
    }
    match call.query.get("visibility") {
        None | Some("" | "public" | "private") => {}
        Some(other) => return Err(Error::invalid(format!("Invalid visibility value: {other}"))),
    }
    allow(&call, Rule::GetMetadefNamespaces)?;
    allow(&call, Rule::ListMetadefResourceTypes)?;
    if let Some(marker) = call.query.get("marker").filter(|marker| !marker.is_empty()) {
        return Err(undefined(marker));
    }
    let (first, _) = page::links("/v2/metadefs/namespaces", &call.query, None);
    let empty = json!({ "namespaces": [], "schema": "/v2/schemas/metadefs/namespaces", "first": first });
    reply::json(StatusCode::OK, &empty)
}

/// `POST /v2/metadefs/namespaces`.
pub(crate) async fn create(mut call: Call) -> Result<Reply> {
    body::expected(&mut call).await?;
    call.mutating()?;
    allow(&call, Rule::AddMetadefNamespace)?;
    Err(Error::new(Kind::NotImplemented).saying("Metadata definitions are not implemented yet."))
}

/// `GET /v2/metadefs/namespaces/{namespace}/objects`.
pub(crate) async fn objects(call: Call) -> Result<Reply> {
    limit(&call)?;
    Err(undefined(call.place(0)))
}

/// `GET /v2/metadefs/namespaces/{namespace}/tags`.
pub(crate) async fn tags(call: Call) -> Result<Reply> {
    limit(&call)?;
    Err(missing(call.place(0)))
}

/// `GET` of a namespace; `GET` and `DELETE` of one of its objects.
pub(crate) async fn no_definition(call: Call) -> Result<Reply> {
    Err(undefined(call.place(0)))
}

/// `POST` and `PUT` of objects.
pub(crate) async fn no_definition_to_change(mut call: Call) -> Result<Reply> {
    body::expected(&mut call).await?;
    Err(undefined(call.place(0)))
}

/// What else needs a namespace and no body.
pub(crate) async fn no_namespace(call: Call) -> Result<Reply> {
    Err(missing(call.place(0)))
}

/// What else needs both.
pub(crate) async fn no_namespace_to_change(mut call: Call) -> Result<Reply> {
    body::expected(&mut call).await?;
    Err(missing(call.place(0)))
}

/// Asks `rule` about no namespace in particular. Who may not even see one is told that nothing is there.
fn allow(call: &Call, rule: Rule) -> Result<()> {
    let target = [("project_id", call.identity.project_id.as_deref())];
    call.allow(rule, &target).map_err(|refusal| match call.allow(Rule::GetMetadefNamespace, &target) {
        Ok(()) => refusal,
        Err(_) => Error::new(Kind::NotFound),
    })
}

/// Refuses a `limit` that is none.
fn limit(call: &Call) -> Result<()> {
    call.query.get("limit").map_or(Ok(()), |text| page::page_size(text).map(drop))
}

/// compat: the reference has two texts for a namespace that is not there.
fn undefined(namespace: &str) -> Error {
    Error::not_found(format!("Metadata definition namespace={namespace} was not found."))
}

fn missing(namespace: &str) -> Error {
    Error::not_found(format!("Namespace {namespace} not found"))
}
