//! `/v2/metadefs/namespaces/{namespace}/tags…`: words that may be put on resources.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::api::ctx::Call;
use crate::api::metadefs::{
    add, allow, allow_change, body, deleted, found, namespaces, not_changed, unprotected, view,
};
use crate::api::page;
use crate::api::reply::{self, Reply};
use crate::db::metadefs::contents;
use crate::error::{Error, Result};
use crate::model::filter::Direction;
use crate::model::metadef::{Namespace, Tag, TagColumn, TagPage};
use crate::policy::Rule;

/// `GET …/tags`.
pub(crate) async fn list(call: Call) -> Result<Reply> {
    let page = wanted_page(&call)?;
    let namespace = found(&call).await?;
    allow(&call, Rule::GetMetadefTags, &namespace).await?;
    let marker = match call.query.get("marker").filter(|marker| !marker.is_empty()) {
        Some(name) => Some(find(&call, &namespace, name).await?),
        None => None,
    };
    let found = contents::list_tags(&call.app.db, namespace.id, &TagPage { marker, ..page }).await?;
    reply::json(StatusCode::OK, &of_names(&found))
}

/// `POST …/tags`: these in place of all that are there, or beside them.
pub(crate) async fn create_all(mut call: Call) -> Result<Reply> {
    let sent = body::TAGS.read(&mut call).await?;
    let namespace = found(&call).await?;
    allow_change(&call, Rule::AddMetadefTags, &namespace).await?;
    let now = call.app.clock.now();
    let names = sent.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(|tag| tag["name"].as_str());
    let new: Vec<Tag> = names.map(|name| body::tag(name.to_owned(), now)).collect();
    let replacing = !call.header("x-openstack-append").is_some_and(is_true);
    // compat: nothing takes the place of nothing.
    if !new.is_empty() {
        add(&call, &namespace, &new, replacing, now).await?;
    }
    reply::json(StatusCode::CREATED, &of_names(&new))
}

/// `DELETE …/tags`: all of them.
pub(crate) async fn delete_all(call: Call) -> Result<Reply> {
    let namespace = namespaces::deletable(&call, Some(Rule::DeleteMetadefTags)).await?;
    contents::delete_all::<Tag>(&call.app.db, namespace.id).await?;
    Ok(deleted())
}

/// `GET …/tags/{tag_name}`.
pub(crate) async fn show(call: Call) -> Result<Reply> {
    let namespace = found(&call).await?;
    allow(&call, Rule::GetMetadefTag, &namespace).await?;
    let tag = find(&call, &namespace, call.place(1)).await?;
    reply::json(StatusCode::OK, &view::tag(&tag))
}

/// `POST …/tags/{tag_name}`.
pub(crate) async fn create(call: Call) -> Result<Reply> {
    let namespace = found(&call).await?;
    body::TAG.check(&json!({ "name": call.place(1) }))?;
    allow_change(&call, Rule::AddMetadefTag, &namespace).await?;
    let new = body::tag(call.place(1).to_owned(), call.app.clock.now());
    add(&call, &namespace, std::slice::from_ref(&new), false, new.created_at).await?;
    reply::json(StatusCode::CREATED, &view::tag(&new))
}

/// `PUT …/tags/{tag_name}`.
pub(crate) async fn update(mut call: Call) -> Result<Reply> {
    let sent = body::TAG.read(&mut call).await?;
    let namespace = found(&call).await?;
    allow_change(&call, Rule::ModifyMetadefTag, &namespace).await?;
    let before = find(&call, &namespace, call.place(1)).await?;
    let changed = Tag { name: body::text(&sent, "name").unwrap_or_default(), ..before };
    let updated = contents::update(&call.app.db, changed.id, &changed, call.app.clock.now()).await;
    if !updated.map_err(|error| not_changed(error, &namespace.namespace))? {
        return Err(unknown(call.place(1)));
    }
    reply::json(StatusCode::OK, &view::tag(&changed))
}

/// `DELETE …/tags/{tag_name}`.
pub(crate) async fn delete(call: Call) -> Result<Reply> {
    let namespace = found(&call).await?;
    allow_change(&call, Rule::DeleteMetadefTag, &namespace).await?;
    let tag = find(&call, &namespace, call.place(1)).await?;
    unprotected(&namespace, &format!("tag {}", tag.name))?;
    if contents::delete::<Tag>(&call.app.db, tag.id).await? {
        return Ok(deleted());
    }
    Err(Error::not_found(format!("The specified metadata tag {} could not be found", tag.name)))
}

async fn find(call: &Call, namespace: &Namespace, name: &str) -> Result<Tag> {
    contents::find(&call.app.db, namespace.id, name).await?.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Error {
    Error::not_found(format!("Could not find metadata tag {name}"))
}

fn of_names(tags: &[Tag]) -> Value {
    json!({ "tags": tags.iter().map(view::name_of).collect::<Vec<_>>() })
}

/// What oslo takes for true.
fn is_true(text: &str) -> bool {
    ["1", "t", "true", "on", "y", "yes"].contains(&text.trim().to_lowercase().as_str())
}

fn wanted_page(call: &Call) -> Result<TagPage> {
    let mut query = call.query.clone();
    let limit = query.take("limit").filter(|limit| !limit.is_empty());
    let limit = limit.as_deref().map(page::page_size).transpose()?;
    let direction = query.take("sort_dir").as_deref().map_or(Ok(Direction::Descending), page::sort_dir)?;
    if let Some(name) = query.get("visibility").filter(|name| !["", "public", "private", "shared"].contains(name)) {
        return Err(Error::invalid(format!("Invalid visibility value: {name}")));
    }
    let sort = query.take("sort_key");
    let sort = sort.map_or(Ok(TagColumn::CreatedAt), |name| page::key_among(&TagColumn::ALL, &name))?;
    Ok(TagPage { sort, direction, marker: None, limit })
}
