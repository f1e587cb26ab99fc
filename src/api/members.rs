//! `/v2/images/{image_id}/members…`: with whom an image is shared.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::api::ctx::Call;
use crate::api::reply::{self, Reply};
use crate::api::view::MemberView;
use crate::api::{body, ownership};
use crate::db::images::With;
use crate::db::members;
use crate::error::{Error, Kind, Result, Text};
use crate::image::share;
use crate::model::image::Image;
use crate::model::member::Member;
use crate::policy::Rule;

/// `GET /v2/images/{image_id}/members`.
pub(crate) async fn list(call: Call) -> Result<Reply> {
    let image = lookup(&call).await?;
    share::shareable(&image)
        .map_err(|error| Error::forbidden(format!("Not allowed to list members for image {}: {error}", image.id)))?;
    allow(&call, Rule::GetMembers, &image).await?;
    let members = members::list(&call.app.db, &image.id, &call.identity).await?;
    let each = !members.is_empty() && allow(&call, Rule::GetMember, &image).await.is_ok();
    let shown: Vec<MemberView<'_>> = members.iter().filter(|_| each).map(MemberView).collect();
    let members = serde_json::to_value(&shown).map_err(Error::internal)?;
    reply::json(StatusCode::OK, &json!({ "members": members, "schema": "/v2/schemas/members" }))
}

/// `GET /v2/images/{image_id}/members/{member_id}`.
pub(crate) async fn show(call: Call) -> Result<Reply> {
    let image = lookup(&call).await?;
    // Whether an image is shared, and with whom, is nothing to those who may not know.
    let hidden = |error: Error| match (error.kind(), error.text()) {
        (Kind::Forbidden, Text::Instead(text)) => Error::not_found(text.clone()),
        _ => error,
    };
    share::shareable(&image).map_err(hidden)?;
    let member = find(&call, &image).await.map_err(hidden)?;
    reply::json(StatusCode::OK, &MemberView(&member))
}

/// `POST /v2/images/{image_id}/members`. Answers 200, not 201.
pub(crate) async fn create(mut call: Call) -> Result<Reply> {
    let wanted = wanted_member(&body::expected(&mut call).await?)?;
    call.mutating()?;
    let image = lookup(&call).await?;
    let refused = || Error::forbidden(format!("Not allowed to create members for image {}.", image.id));
    share::shareable(&image).map_err(|_| refused())?;
    if !ownership::may_share(&call, &image) {
        return Err(refused());
    }
    allow(&call, Rule::AddMember, &image).await?;
    let member = share::add(&call.app, &image, &wanted).await?;
    reply::json(StatusCode::OK, &MemberView(&member))
}

/// `PUT /v2/images/{image_id}/members/{member_id}`.
pub(crate) async fn update(mut call: Call) -> Result<Reply> {
    let status = wanted_status(&body::expected(&mut call).await?)?;
    call.mutating()?;
    let image = lookup(&call).await?;
    let refused = || Error::forbidden(format!("Not allowed to update members for image {}.", image.id));
    share::shareable(&image).map_err(|_| refused())?;
    if !ownership::may_answer(&call, &image) {
        return Err(refused());
    }
    let member = find(&call, &image).await?;
    allow(&call, Rule::ModifyMember, &image).await?;
    let status = status.as_str().and_then(|status| status.parse().ok()).ok_or_else(|| {
        Error::invalid("Incorrect request: Status must be \"pending\", \"accepted\" or \"rejected\".")
    })?;
    let member = share::answer(&call.app, &member, status).await?;
    reply::json(StatusCode::OK, &MemberView(&member))
}

/// `DELETE /v2/images/{image_id}/members/{member_id}`.
pub(crate) async fn delete(call: Call) -> Result<Reply> {
    call.mutating()?;
    let image = lookup(&call).await?;
    let refused = || Error::forbidden(format!("Not allowed to delete members for image {}.", image.id));
    share::shareable(&image).map_err(|_| refused())?;
    if !ownership::may_share(&call, &image) {
        return Err(refused());
    }
    let member = find(&call, &image).await?;
    allow(&call, Rule::DeleteMember, &image).await?;
    share::remove(&call.app, &member).await?;
    // compat: unlike other answers without a body, this one names no type.
    Ok(reply::bare(StatusCode::NO_CONTENT))
}

async fn lookup(call: &Call) -> Result<Image> {
    let id = call.place(0);
    let found = call.image_with(id, With::Nothing).await?;
    found.ok_or_else(|| Error::not_found(format!("Image {id} not found.")))
}

async fn find(call: &Call, image: &Image) -> Result<Member> {
    allow(call, Rule::GetMember, image).await?;
    let id = call.place(1);
    let found = members::find(&call.app.db, &image.id, id, &call.identity).await?;
    found.ok_or_else(|| Error::not_found(format!("{id} not found in the member list of the image {}.", image.id)))
}

/// Asks a rule about members of `image`, which the caller has to see to begin with.
async fn allow(call: &Call, rule: Rule, image: &Image) -> Result<()> {
    call.allow_image(Rule::GetImage, image).await?;
    call.allow(rule, &call.target_of(image)).await
}

fn wanted_member(body: &Value) -> Result<String> {
    let Value::Object(body) = body else {
        return Err(Error::invalid("Expected a member in the form: {\"member\": \"image_id\"}"));
    };
    match body.get("member") {
        None => Err(Error::invalid("Member to be added not specified")),
        Some(Value::String(member)) if !member.is_empty() => Ok(member.clone()),
        Some(Value::String(_) | Value::Null | Value::Bool(false)) => Err(Error::invalid("Member can't be empty")),
        // compat: the reference fails with 500 on what is no text.
        Some(_) => Err(Error::invalid("Expected a member in the form: {\"member\": \"image_id\"}")),
    }
}

fn wanted_status(body: &Value) -> Result<Value> {
    let Value::Object(body) = body else {
        return Err(Error::invalid("Expected a status in the form: {\"status\": \"status\"}"));
    };
    body.get("status").cloned().ok_or_else(|| Error::invalid("Status not specified"))
}
