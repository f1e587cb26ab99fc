//! Application credentials of a user.

use chrono::{DateTime, NaiveDateTime};
use hyper::StatusCode;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::api::identity::fields::{self, Fields, expecting};
use crate::api::identity::{Visit, empty, refused, self_or_admin, view};
use crate::api::reply::{self, Reply};
use crate::auth::standalone::NewCredential;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::account::{Role, Token};

/// The longest name, in characters, as in Keystone.
const NAME_MAX: usize = 255;
/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 4096;
/// The longest secret that a user chooses, in bytes.
const SECRET_MAX: usize = 4096;
/// What may be said of a new one. `access_rules` only if there are none, and `project_id` is that of the token.
const KNOWN: [&str; 8] =
    ["name", "description", "secret", "roles", "unrestricted", "expires_at", "access_rules", "project_id"];

/// `GET /v3/users/{user_id}/application_credentials`.
pub(super) async fn list(visit: Visit, token: Token) -> Result<Reply> {
    let user_id = visit.call.place(0);
    self_or_admin(&token, user_id, "list_application_credentials")?;
    let credentials = visit.accounts()?.credentials(user_id).await?;
    let shown = credentials.iter().map(|one| view::credential(&visit, one)).collect();
    view::list(&visit, "application_credentials", shown)
}

/// `POST /v3/users/{user_id}/application_credentials`: the only answer with the secret in it.
pub(super) async fn create(mut visit: Visit, token: Token) -> Result<Reply> {
    if visit.call.place(0) != token.user.id {
        return Err(refused("create_application_credential"));
    }
    let wanted = wanted(&fields::body(&mut visit).await?, &token)?;
    let (credential, secret) = visit.accounts()?.add_credential(&token, wanted).await?;
    let mut shown = view::credential(&visit, &credential);
    shown["secret"] = json!(secret.expose_secret());
    reply::json(StatusCode::CREATED, &json!({ "application_credential": shown }))
}

/// `GET /v3/users/{user_id}/application_credentials/{application_credential_id}`.
pub(super) async fn show(visit: Visit, token: Token) -> Result<Reply> {
    let (user_id, id) = (visit.call.place(0), visit.call.place(1));
    self_or_admin(&token, user_id, "get_application_credential")?;
    let credential = visit.accounts()?.credential_of(user_id, id).await?;
    let shown = view::credential(&visit, &credential);
    reply::json(StatusCode::OK, &json!({ "application_credential": shown }))
}

/// `DELETE /v3/users/{user_id}/application_credentials/{application_credential_id}`.
pub(super) async fn delete(visit: Visit, token: Token) -> Result<Reply> {
    let (user_id, id) = (visit.call.place(0), visit.call.place(1));
    self_or_admin(&token, user_id, "delete_application_credential")?;
    visit.accounts()?.remove_credential(&token, user_id, id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

fn wanted(body: &Value, token: &Token) -> Result<NewCredential> {
    let body = Fields::of(body)?;
    let given = body.object("application_credential")?;
    let given = given.ok_or_else(|| expecting("application_credential", "request body"))?;
    if let Some(name) = given.names().find(|name| !KNOWN.contains(name)) {
        let text = format!("Additional properties are not allowed ({name:?} was unexpected)");
        return Err(Error::invalid(text));
    }
    // A restriction that is not heeded would be worse than none.
    if given.value("access_rules").is_some_and(|rules| *rules != json!([]) && !rules.is_null()) {
        return Err(Error::invalid("This service has no access rules for application credentials."));
    }
    let own_project = token.project.as_ref().map(|project| project.id.as_str());
    if present(&given, "project_id") && given.text("project_id")? != own_project {
        return Err(Error::invalid("The 'project_id' must be that of the token."));
    }
    let name = given.text("name")?.ok_or_else(|| expecting("name", "application_credential"))?;
    if name.trim().is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(Error::invalid(format!("A 'name' has 1 to {NAME_MAX} characters, and no control characters.")));
    }
    Ok(NewCredential {
        name: name.to_owned(),
        description: bounded(&given, "description", DESCRIPTION_MAX)?.map(str::to_owned),
        secret: bounded(&given, "secret", SECRET_MAX)?.filter(|secret| !secret.is_empty()).map(Into::into),
        roles: roles(&given)?,
        unrestricted: match given.value("unrestricted") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => return Err(given.not_of_type("unrestricted", "boolean")),
        },
        expires_at: if present(&given, "expires_at") { given.text("expires_at")?.map(time).transpose()? } else { None },
    })
}

/// Whether there is a field of this name that is not `null`.
fn present(given: &Fields<'_>, name: &str) -> bool {
    given.value(name).is_some_and(|value| !value.is_null())
}

fn bounded<'a>(given: &Fields<'a>, name: &str, longest: usize) -> Result<Option<&'a str>> {
    if !present(given, name) {
        return Ok(None);
    }
    match given.text(name)? {
        Some(text) if text.len() > longest => {
            Err(Error::invalid(format!("A '{name}' has {longest} bytes at the most.")))
        }
        text => Ok(text),
    }
}

/// The roles, by id or name; none when they are not said.
fn roles(given: &Fields<'_>) -> Result<Option<Vec<Role>>> {
    let Some(listed) = given.list("roles")? else {
        return Ok(None);
    };
    let mut roles = Vec::new();
    for one in listed {
        let named = |key: &str| one.get(key).and_then(Value::as_str);
        let role = match (named("id"), named("name")) {
            (Some(id), _) => view::role_with_id(id).ok_or(id),
            (None, Some(name)) => name.parse().map_err(|_| name),
            (None, None) => return Err(given.not_of_type("roles", "array of objects with id or name")),
        };
        let role = role.map_err(|unknown| Error::not_found(format!("Could not find role: {unknown}.")))?;
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    Ok((!roles.is_empty()).then_some(roles))
}

/// A time in ISO 8601, in UTC unless it says otherwise.
fn time(text: &str) -> Result<Timestamp> {
    let with_zone = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    let without = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc());
    let wrong = |_| Error::invalid("Timestamp not in expected format.");
    with_zone.or_else(|_| without()).map_err(wrong)
}
