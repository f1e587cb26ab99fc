//! `/v2/tasks…` and `/v2/images/{image_id}/tasks`: the tasks of administrators, and those about one image.

use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::api::ctx::Call;
use crate::api::error::{Asked, method_not_allowed_saying};
use crate::api::query::Query;
use crate::api::reply::{self, Reply};
use crate::api::view::iso_time;
use crate::api::{attributes, body, page};
use crate::clock::{Timestamp, new_uuid};
use crate::db::tasks;
use crate::error::{Error, Kind, Result};
use crate::image::task as verb;
use crate::model::filter::Direction;
use crate::model::task::{TYPES, Task, TaskColumn, TaskPage, TaskStatus};
use crate::policy::{Nothing, Rule};

/// The longest id of an image that a task can note, in characters.
const IMAGE_ID_MAX: usize = 36;

/// `POST /v2/tasks`.
pub(crate) async fn create(mut call: Call) -> Result<Reply> {
    call.allow(Rule::TasksApiAccess, &Nothing).await?;
    let body = body::expected(&mut call).await?;
    let (kind, input) = wanted(&call, &body).await?;
    let image_id = about(&input)?;
    let Some(task) = pending(&call, &kind, input, image_id) else {
        // compat: the reference fails with 500, for its column cannot be empty.
        return Err(Error::invalid("A task belongs to a project, and the token is for none."));
    };
    verb::begin(&call.app, &task).await?;
    let mut created = reply::json(StatusCode::CREATED, &shown(&task))?;
    let location = format!("{}{}", call.base_url(), href(&task));
    created.headers_mut().insert(LOCATION, HeaderValue::from_str(&location).map_err(Error::internal)?);
    Ok(created)
}

/// A task of the caller's project that nobody has begun; none for a caller without one.
pub(crate) fn pending(call: &Call, kind: &str, input: Map<String, Value>, image_id: Option<String>) -> Option<Task> {
    let now = call.app.clock.now();
    Some(Task {
        id: new_uuid().to_string(),
        kind: kind.to_owned(),
        status: TaskStatus::Pending,
        owner: call.identity.project_id.clone()?,
        input: Some(input),
        result: None,
        message: Some(String::new()),
        image_id,
        request_id: Some(call.request_id.clone()).filter(|id| !id.is_empty()),
        user_id: call.identity.user_id.clone(),
        expires_at: None,
        created_at: now,
        updated_at: Some(now),
        deleted_at: None,
        deleted: false,
    })
}

/// `GET /v2/tasks`.
pub(crate) async fn list(call: Call) -> Result<Reply> {
    call.allow(Rule::TasksApiAccess, &Nothing).await?;
    let page = wanted_page(&call)?;
    forget_expired(&call).await?;
    let marker = match &page.marker {
        None => None,
        Some(id) => {
            let found = find(&call, id).await?;
            // compat: the reference tells whether there is a task that the caller may not see.
            Some(found.ok_or_else(|| Error::invalid(format!("Task with the given id {id} was not found")))?)
        }
    };
    let found = tasks::list(&call.app.db, &page, marker.as_ref()).await?;
    let (first, next) = page::links("/v2/tasks", &call.query, page::last_of_full(&found, page.limit, |task| &task.id));
    let entries: Vec<Value> = found.iter().map(|task| Value::Object(entry(task))).collect();
    let mut answer = json!({ "tasks": entries, "first": first, "schema": "/v2/schemas/tasks" });
    if let Some(next) = next {
        answer["next"] = next.into();
    }
    reply::json(StatusCode::OK, &answer)
}

/// `GET /v2/tasks/{task_id}`.
pub(crate) async fn show(call: Call) -> Result<Reply> {
    call.allow(Rule::TasksApiAccess, &Nothing).await?;
    let id = call.place(0);
    let found = find(&call, id).await?;
    let task = found.ok_or_else(|| Error::not_found(format!("Could not find task {id}")))?;
    reply::json(StatusCode::OK, &shown(&task))
}

/// `DELETE /v2/tasks/{task_id}`: never.
pub(crate) async fn delete(call: Call) -> Result<Reply> {
    call.allow(Rule::TasksApiAccess, &Nothing).await?;
    let text = "This operation is currently not permitted on Glance Tasks. They are auto deleted after reaching the \
                time based on their expires_at property.";
    let asked = Asked { method: call.method.clone(), headers: call.headers.clone() };
    Ok(method_not_allowed_saying(text, "GET", &asked))
}

/// `GET /v2/images/{image_id}/tasks`. compat: rows as they are, with other times and more in them than a task shows.
pub(crate) async fn of_image(call: Call) -> Result<Reply> {
    let image = call.image(call.place(0)).await?.ok_or_else(|| Error::new(Kind::NotFound))?;
    call.allow_image(Rule::GetImage, &image).await?;
    forget_expired(&call).await?;
    let found = tasks::of_image(&call.app.db, &image.id, only_of(&call).as_deref(), call.app.clock.now()).await?;
    let rows: Vec<Value> = found.iter().map(row).collect();
    reply::json(StatusCode::OK, &json!({ "tasks": rows }))
}

/// Tasks of the caller's project that have expired go when somebody looks.
async fn forget_expired(call: &Call) -> Result<()> {
    if let Some(project) = &call.identity.project_id {
        tasks::forget_expired(&call.app.db, project, call.app.clock.now()).await?;
    }
    Ok(())
}

/// The project whose tasks the caller sees; none for an administrator, who sees all.
fn only_of(call: &Call) -> Option<String> {
    (!call.identity.is_admin).then(|| call.identity.project_id.clone().unwrap_or_default())
}

/// The task `id`, if the caller may see it. Administrators see what was deleted, too.
async fn find(call: &Call, id: &str) -> Result<Option<Task>> {
    let only = only_of(call);
    let found = tasks::find(&call.app.db, id, only.is_none()).await?;
    Ok(found.filter(|task| only.is_none_or(|project| project == task.owner)))
}

/// The members of a task, by its schema.
const MEMBERS: [&str; 15] = [
    "id",
    "type",
    "status",
    "input",
    "result",
    "owner",
    "message",
    "image_id",
    "request_id",
    "user_id",
    "expires_at",
    "created_at",
    "updated_at",
    "self",
    "schema",
];

/// Type and input of a task that is asked for.
async fn wanted(call: &Call, body: &Value) -> Result<(String, Map<String, Value>)> {
    for name in ["type", "input"] {
        if body.get(name).is_none() {
            return Err(Error::invalid(format!("Task '{name}' is required")));
        }
    }
    if let Some(object) = body.as_object() {
        attributes::unexpected(object, &MEMBERS).map_err(|text| attributes::mismatch("task", &text))?;
    }
    let faults = body.as_object().into_iter().flatten().filter_map(|(name, value)| Some((name, fault(name, value)?)));
    if let Some((_, text)) = faults.max_by_key(|(name, _)| *name) {
        return Err(attributes::mismatch("task", &text));
    }
    let kind = body["type"].as_str().unwrap_or_default();
    let input = body["input"].as_object().cloned().unwrap_or_default();
    if kind == "import" {
        importable(call, input.get("import_from").unwrap_or(&Value::Null)).await?;
    } else if body["input"].is_null() {
        // compat: the reference fails with 500.
        return Err(Error::invalid("Task 'input' is required"));
    }
    Ok((kind.to_owned(), input))
}

/// What is wrong with a member of a task by its schema.
fn fault(name: &str, value: &Value) -> Option<String> {
    match name {
        "id" => attributes::id(value).err(),
        "type" => not_among(value, &TYPES),
        "status" => not_among(value, &TaskStatus::ALL.map(TaskStatus::as_str)),
        "input" | "result" if value.is_null() || value.is_object() => None,
        "input" | "result" => Some(attributes::not_of_type(value, "'null', 'object'")),
        "expires_at" => attributes::nullable_text(value, usize::MAX).err(),
        "owner" | "message" | "image_id" | "request_id" | "user_id" | "created_at" | "updated_at" | "self"
        | "schema" => attributes::text(value).err(),
        _ => None,
    }
}

/// That `value` is none of `names`, whatever it is.
fn not_among(value: &Value, names: &[&str]) -> Option<String> {
    let is_one = value.as_str().is_some_and(|name| names.contains(&name));
    (!is_one).then(|| attributes::not_one_of(value, names, false))
}

/// Whether an image may come from `place`.
async fn importable(call: &Call, place: &Value) -> Result<()> {
    let uri = match place {
        Value::String(uri) if !uri.is_empty() => uri,
        // compat: the reference fails with 500 on what is no text.
        other => {
            let text = other.as_str().map_or_else(|| attributes::python(other), str::to_owned);
            return Err(Error::invalid(format!("Invalid location: {text}")));
        }
    };
    if uri.starts_with("http://") || uri.starts_with("https://") {
        if verb::may_come_from(&call.app, uri).await {
            return Ok(());
        }
        return Err(Error::invalid(format!("URI for legacy import task does not pass filtering: {uri}")));
    }
    Err(Error::invalid(if uri.starts_with("file:///") || uri.starts_with("filesystem:///") {
        "File based imports are not allowed. Please use a non-local source of image data."
    } else {
        "The given uri is not valid. Please specify a valid uri from the following list of supported uri ['http']"
    }))
}

/// The image that a task says it is about.
fn about(input: &Map<String, Value>) -> Result<Option<String>> {
    match input.get("image_id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if id.chars().count() <= IMAGE_ID_MAX => Ok(Some(id.clone())),
        // compat: the reference fails with 500.
        Some(other) => Err(Error::invalid(format!("Invalid image id: {}", attributes::python(other)))),
    }
}

fn wanted_page(call: &Call) -> Result<TaskPage> {
    let mut query: Query = call.query.clone();
    let limit = query.take("limit").as_deref().map(page::page_size).transpose()?;
    let marker = query.take("marker").filter(|marker| !marker.is_empty());
    let direction = query.take("sort_dir").as_deref().map_or(Ok(Direction::Descending), page::sort_dir)?;
    let sort = match query.take("sort_key").as_deref() {
        // Every task in a list is not deleted: ordered by that, creation time decides.
        None | Some("deleted") => Ok(TaskColumn::CreatedAt),
        Some(name) => TaskColumn::from_name(name).ok_or_else(|| Error::invalid("Sort key supplied was not valid.")),
    };
    let equal = conditions(&query)?;
    if marker.as_ref().is_some_and(|marker| Uuid::parse_str(marker).is_err()) {
        return Err(Error::invalid("Invalid marker format"));
    }
    let options = &call.app.config.api;
    let limit = limit.unwrap_or(options.limit_param_default).min(options.api_limit_max);
    Ok(TaskPage { owner: only_of(call), equal, sort: sort?, direction, marker, limit })
}

/// What of a query narrows the list. What is nothing of a task does not.
fn conditions(query: &Query) -> Result<Vec<(TaskColumn, String)>> {
    let mut equal = Vec::new();
    for (name, value) in query.iter() {
        let known: &[&str] = match name {
            "status" => &["", "pending", "processing", "success", "failure"],
            "type" => &["", "import"],
            _ => &[],
        };
        if !known.is_empty() && !known.contains(&value) {
            return Err(Error::invalid(format!("Invalid {name} value: {value}")));
        }
        match TaskColumn::from_name(name) {
            // compat: the reference fails with 500.
            Some(column) if column.is_time() => {
                return Err(Error::invalid(format!("Tasks cannot be narrowed by {name}.")));
            }
            Some(column) => equal.push((column, value.to_owned())),
            None => {}
        }
    }
    Ok(equal)
}

fn href(task: &Task) -> String {
    format!("/v2/tasks/{}", task.id)
}

/// A task as a list shows it.
fn entry(task: &Task) -> Map<String, Value> {
    let mut entry = Map::new();
    let mut set = |name: &str, value: Value| entry.insert(name.to_owned(), value);
    set("id", task.id.clone().into());
    set("type", task.kind.clone().into());
    set("status", task.status.as_str().into());
    set("owner", task.owner.clone().into());
    set("created_at", iso_time(task.created_at).into());
    set("updated_at", iso_time(task.updated_at.unwrap_or(task.created_at)).into());
    set("self", href(task).into());
    set("schema", "/v2/schemas/task".into());
    if let Some(expires_at) = task.expires_at {
        set("expires_at", iso_time(expires_at).into());
    }
    entry
}

/// A task by itself.
fn shown(task: &Task) -> Map<String, Value> {
    let mut shown = entry(task);
    shown.insert("input".to_owned(), task.input.clone().into());
    shown.insert("result".to_owned(), task.result.clone().into());
    shown.insert("message".to_owned(), task.message.clone().unwrap_or_default().into());
    for (name, value) in [("image_id", &task.image_id), ("request_id", &task.request_id), ("user_id", &task.user_id)] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            shown.insert(name.to_owned(), value.clone().into());
        }
    }
    shown
}

/// A task as its row is.
fn row(task: &Task) -> Value {
    let time = |time: Option<Timestamp>| time.map(in_full);
    json!({
        "id": task.id,
        "type": task.kind,
        "status": task.status.as_str(),
        "owner": task.owner,
        "expires_at": time(task.expires_at),
        "created_at": in_full(task.created_at),
        "updated_at": time(task.updated_at),
        "deleted_at": time(task.deleted_at),
        "deleted": task.deleted,
        "image_id": task.image_id,
        "request_id": task.request_id,
        "user_id": task.user_id,
        "input": task.input,
        "result": task.result,
        "message": task.message,
    })
}

/// A time as Python prints it: microseconds if there are any, and no zone.
fn in_full(time: Timestamp) -> String {
    let format = if time.timestamp_subsec_micros() == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.6f" };
    time.format(format).to_string()
}
