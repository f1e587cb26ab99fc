//! `/v2/metadefs/namespaces` and `…/{namespace}`: list, create, show with all that is in it, replace, delete.

use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::api::ctx::Call;
use crate::api::metadefs::{
    allow, allow_any, allow_change, body, deleted, found, holds, missing, not_added, not_changed, undefined,
    unprotected, view,
};
use crate::api::page;
use crate::api::reply::{self, Reply};
use crate::db::metadefs::namespaces as rows;
use crate::error::{Error, Kind, Result};
use crate::model::filter::Direction;
use crate::model::metadef::{Association, Namespace, NamespaceColumn, NamespacePage};
use crate::policy::Rule;

/// The most types of resources that a list can be narrowed to.
const RESOURCE_TYPES_MAX: usize = 100;

/// `GET /v2/metadefs/namespaces`.
pub(crate) async fn list(call: Call) -> Result<Reply> {
    let page = wanted_page(&call)?;
    allow_any(&call, Rule::GetMetadefNamespaces).await?;
    allow_any(&call, Rule::ListMetadefResourceTypes).await?;
    let marker = match call.query.clone().take("marker") {
        // compat: what is nothing is an id here.
        Some(none) if none.is_empty() => {
            return Err(Error::not_found("Metadata definition namespace not found for id="));
        }
        Some(name) => {
            let marker = rows::find(&call.app.db, &name, &call.identity).await?;
            Some(marker.ok_or_else(|| undefined(&name))?)
        }
        None => None,
    };
    let mut found = Vec::new();
    for one in rows::list(&call.app.db, &call.identity, &page, marker.as_ref()).await? {
        if holds(&call, Rule::GetMetadefNamespace, &one.0).await {
            found.push(one);
        }
    }
    let last = page::last_of_full(&found, page.limit, |(namespace, _)| &namespace.namespace);
    let (first, next) = page::links("/v2/metadefs/namespaces", &call.query, last);
    let entry = |(namespace, associations): &(Namespace, Vec<Association>)| {
        let mut entry = view::namespace(namespace);
        view::with_associations(&mut entry, associations);
        Value::Object(entry)
    };
    let namespaces: Vec<Value> = found.iter().map(entry).collect();
    let mut answer = json!({ "namespaces": namespaces, "schema": "/v2/schemas/metadefs/namespaces", "first": first });
    if let Some(next) = next {
        answer["next"] = next.into();
    }
    reply::json(StatusCode::OK, &answer)
}

/// `POST /v2/metadefs/namespaces`.
pub(crate) async fn create(mut call: Call) -> Result<Reply> {
    let sent = body::NAMESPACE.read(&mut call).await?;
    call.mutating()?;
    allow_any(&call, Rule::AddMetadefNamespace).await?;
    for (name, rule) in [
        ("resource_type_associations", Rule::AddMetadefResourceTypeAssociation),
        ("objects", Rule::AddMetadefObject),
        ("properties", Rule::AddMetadefProperty),
        ("tags", Rule::AddMetadefTag),
    ] {
        if sent.get(name).is_some_and(is_filled) {
            allow_any(&call, rule).await?;
        }
    }
    let new = with(&call, &sent, None)?;
    let contents = body::contents(&sent, new.created_at)?;
    let new = [(new, contents)];
    rows::insert_whole(&call.app.db, &new).await.map_err(|error| not_added(error, name_in(&sent)))?;
    let mut shown = view::namespace(&new[0].0);
    for name in ["resource_type_associations", "properties", "objects", "tags"] {
        shown.extend(sent.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let mut created = reply::json(StatusCode::CREATED, &shown)?;
    let location = format!("{}{}", call.base_url(), view::href(name_in(&sent)));
    // A name may have anything in it, a header may not.
    let location = utf8_percent_encode(&location, CONTROLS).to_string();
    created.headers_mut().insert(LOCATION, HeaderValue::from_str(&location).map_err(Error::internal)?);
    Ok(created)
}

/// `GET /v2/metadefs/namespaces/{namespace}`.
pub(crate) async fn show(call: Call) -> Result<Reply> {
    wanted_visibility(&call)?;
    let found = rows::find_whole(&call.app.db, call.place(0), &call.identity).await?;
    let (namespace, contents) = found.ok_or_else(|| undefined(call.place(0)))?;
    allow(&call, Rule::GetMetadefNamespace, &namespace).await.map_err(|_| Error::new(Kind::NotFound))?;
    for rule in
        [Rule::ListMetadefResourceTypes, Rule::GetMetadefObjects, Rule::GetMetadefProperties, Rule::GetMetadefTags]
    {
        allow(&call, rule, &namespace).await?;
    }
    let wanted = call.query.get("resource_type").unwrap_or_default();
    let association = contents.associations.iter().find(|association| association.name == wanted);
    let prefix = association.and_then(|association| association.prefix.as_deref()).unwrap_or_default();
    reply::json(StatusCode::OK, &view::whole(&namespace, &contents, prefix))
}

/// `PUT /v2/metadefs/namespaces/{namespace}`. compat: what is in it is not touched, though it may stand in the body.
pub(crate) async fn update(mut call: Call) -> Result<Reply> {
    let sent = body::NAMESPACE.read(&mut call).await?;
    let before = found(&call).await?;
    allow_change(&call, Rule::ModifyMetadefNamespace, &before).await?;
    let changed = with(&call, &sent, Some(&before))?;
    let now = call.app.clock.now();
    if !rows::update(&call.app.db, &changed, now).await.map_err(|error| not_changed(error, call.place(0)))? {
        return Err(missing(call.place(0)));
    }
    reply::json(StatusCode::OK, &view::namespace(&changed))
}

/// `DELETE /v2/metadefs/namespaces/{namespace}`.
pub(crate) async fn delete(call: Call) -> Result<Reply> {
    let namespace = deletable(&call, None).await?;
    if rows::delete(&call.app.db, namespace.id).await? {
        return Ok(deleted());
    }
    Err(Error::not_found(format!("The specified namespace {} could not be found", namespace.namespace)))
}

/// The namespace in the path, if the caller may delete it, or, where `more` holds too, all of a kind in it.
pub(super) async fn deletable(call: &Call, more: Option<Rule>) -> Result<Namespace> {
    let namespace = found(call).await?;
    for rule in [Some(Rule::DeleteMetadefNamespace), more].into_iter().flatten() {
        allow_change(call, rule, &namespace).await?;
    }
    unprotected(&namespace, &format!("namespace {}", namespace.namespace))?;
    Ok(namespace)
}

/// A namespace as it was `sent`: a new one, or one that was there `before`. What is left out has its default again.
fn with(call: &Call, sent: &Map<String, Value>, before: Option<&Namespace>) -> Result<Namespace> {
    let now = call.app.clock.now();
    if name_in(sent).is_empty() {
        // compat: the reference makes one, and no path leads to it.
        return Err(Error::invalid("A namespace needs a name."));
    }
    let owner = body::text(sent, "owner").filter(|owner| before.is_none() || !owner.is_empty());
    let Some(owner) = owner.or_else(|| call.identity.project_id.clone()) else {
        // compat: the reference fails with 500, for its column cannot be empty.
        return Err(Error::invalid("A namespace belongs to a project, and the token is for none."));
    };
    Ok(Namespace {
        id: before.map_or(0, |before| before.id),
        namespace: name_in(sent).to_owned(),
        display_name: body::text(sent, "display_name"),
        description: body::text(sent, "description"),
        visibility: Some(body::text(sent, "visibility").unwrap_or_else(|| "private".to_owned())),
        protected: Some(sent.get("protected").and_then(Value::as_bool).unwrap_or(false)),
        owner,
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: before.map_or(Some(now), |before| before.updated_at),
    })
}

/// What a namespace that was sent is called.
fn name_in(sent: &Map<String, Value>) -> &str {
    sent.get("namespace").and_then(Value::as_str).unwrap_or_default()
}

fn is_filled(value: &Value) -> bool {
    value.as_array().is_some_and(|entries| !entries.is_empty())
        || value.as_object().is_some_and(|members| !members.is_empty())
}

fn wanted_page(call: &Call) -> Result<NamespacePage> {
    let mut query = call.query.clone();
    // compat: the reference fails with 500 on a limit that is no number.
    let limit = query.take("limit").as_deref().map(page::page_size).transpose()?;
    let direction = query.take("sort_dir").as_deref().map_or(Ok(Direction::Descending), page::sort_dir)?;
    let visibility = wanted_visibility(call)?;
    let sort = query.take("sort_key");
    let sort = sort.map_or(Ok(NamespaceColumn::CreatedAt), |name| page::key_among(&NamespaceColumn::ALL, &name))?;
    let resource_types: Option<Vec<String>> =
        query.get("resource_types").map(|names| names.split(',').map(str::to_owned).collect());
    if resource_types.as_ref().is_some_and(|names| names.len() > RESOURCE_TYPES_MAX) {
        return Err(Error::invalid(format!(
            "A list can be narrowed to {RESOURCE_TYPES_MAX} resource types at the most."
        )));
    }
    let options = &call.app.config.api;
    let limit = limit.unwrap_or(options.limit_param_default).min(options.api_limit_max);
    Ok(NamespacePage { visibility, resource_types, sort, direction, limit })
}

/// The visibility that a query asks for.
fn wanted_visibility(call: &Call) -> Result<Option<String>> {
    match call.query.get("visibility") {
        None => Ok(None),
        Some(name @ ("" | "public" | "private")) => Ok(Some(name.to_owned())),
        Some(other) => Err(Error::invalid(format!("Invalid visibility value: {other}"))),
    }
}
