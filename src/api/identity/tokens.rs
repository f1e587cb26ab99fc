//! `/v3/auth`: tokens, and what their bearers may do with them.

use hyper::StatusCode;
use hyper::header::HeaderValue;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::api::identity::{SUBJECT_TOKEN, Visit, admins_only, catalog, empty, fields, login, refused, view};
use crate::api::reply::{self, Reply};
use crate::error::{Error, Kind, Result};
use crate::model::account::{Role, Token};

/// `POST /v3/auth/tokens`.
pub(super) async fn issue(mut visit: Visit) -> Result<Reply> {
    let login = login::wanted(&fields::body(&mut visit).await?)?;
    let issued = visit.accounts()?.log_in(&login).await?;
    let shown = shown(&visit, &issued.token);
    carrying(issued.secret.expose_secret(), reply::json(StatusCode::CREATED, &shown)?)
}

/// `GET /v3/auth/tokens`: what the token in `X-Subject-Token` says, to its user, to services and to administrators.
pub(super) async fn validate(visit: Visit, token: Token) -> Result<Reply> {
    let (given, subject) = subject(&visit).await?;
    if subject.user.id != token.user.id && !token.has(Role::Service) && !token.has(Role::Admin) {
        return Err(refused("validate_token"));
    }
    carrying(&given, reply::json(StatusCode::OK, &shown(&visit, &subject))?)
}

/// `DELETE /v3/auth/tokens`: ends the token in `X-Subject-Token`.
pub(super) async fn revoke(visit: Visit, token: Token) -> Result<Reply> {
    let (given, subject) = subject(&visit).await?;
    if subject.user.id != token.user.id {
        admins_only(&token, "revoke_token")?;
    }
    visit.accounts()?.revoke(&given, &subject).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `GET /v3/auth/catalog`.
pub(super) async fn catalog(visit: Visit, token: Token) -> Result<Reply> {
    if token.project.is_none() {
        return Err(Error::new(Kind::Forbidden));
    }
    let catalog = catalog::of(&visit.base_url());
    let links = json!({ "self": visit.own_url() });
    reply::json(StatusCode::OK, &json!({ "catalog": catalog, "links": links }))
}

/// `GET /v3/auth/projects`: where the caller could get a token for.
pub(super) async fn projects(visit: Visit, token: Token) -> Result<Reply> {
    let projects = visit.accounts()?.projects_of(&token.user.id).await?;
    let shown = projects.iter().map(|project| view::project(&visit, project)).collect();
    view::list(&visit, "projects", shown)
}

/// `GET /v3/auth/domains`: none, nobody has a role in the domain itself.
pub(super) async fn domains(visit: Visit, _token: Token) -> Result<Reply> {
    view::list(&visit, "domains", Vec::new())
}

/// `GET /v3/auth/system`: nothing, nobody has a role in the system itself.
pub(super) async fn system(visit: Visit, _token: Token) -> Result<Reply> {
    let links = json!({ "self": visit.own_url() });
    reply::json(StatusCode::OK, &json!({ "system": [], "links": links }))
}

/// The token that the request is about, and what it says.
async fn subject(visit: &Visit) -> Result<(String, Token)> {
    let given = visit.call.header(SUBJECT_TOKEN.as_str()).unwrap_or("");
    let token = visit.accounts()?.token(given).await?;
    let token = token.ok_or_else(|| Error::not_found("Failed to validate token"))?;
    Ok((given.to_owned(), token))
}

/// The token as JSON, with the catalogue if it is for a project and the client does not do without.
fn shown(visit: &Visit, token: &Token) -> Value {
    let with_catalog = token.project.is_some() && !visit.call.query.contains("nocatalog");
    let catalog = with_catalog.then(|| catalog::of(&visit.base_url()));
    json!({ "token": view::token(token, catalog) })
}

fn carrying(token: &str, mut reply: Reply) -> Result<Reply> {
    let mut value = HeaderValue::from_str(token).map_err(Error::internal)?;
    value.set_sensitive(true);
    reply.headers_mut().insert(SUBJECT_TOKEN, value);
    Ok(reply)
}
