//! Users, projects, roles and the domain. They are only looked at here, except that users change their own passwords;
//! `glint user` and `glint project` do the rest.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::api::identity::fields::{self, Fields, expecting};
use crate::api::identity::{Visit, admins_only, empty, refused, self_or_admin, view};
use crate::api::reply::{self, Reply};
use crate::auth::standalone::DOMAIN_ID;
use crate::error::{Error, Result};
use crate::model::account::{Assignment, Role, Token};

/// `GET /v3/domains`.
pub(super) async fn domains(visit: Visit, token: Token) -> Result<Reply> {
    admins_only(&token, "list_domains")?;
    view::list(&visit, "domains", vec![view::domain(&visit)])
}

/// `GET /v3/domains/{domain_id}`.
pub(super) async fn domain(visit: Visit, token: Token) -> Result<Reply> {
    if visit.call.place(0) != DOMAIN_ID {
        admins_only(&token, "get_domain")?;
        return Err(not_found("domain", visit.call.place(0)));
    }
    reply::json(StatusCode::OK, &json!({ "domain": view::domain(&visit) }))
}

/// `GET /v3/projects`: all for administrators, else the caller's own.
///
/// What others may not see is forbidden, not missing: clients take a name that they may not look up for an id, so that
/// `openstack image add project` works with the id of a foreign project. compat: Keystone refuses others outright.
pub(super) async fn projects(visit: Visit, token: Token) -> Result<Reply> {
    let accounts = visit.accounts()?;
    let projects =
        if token.has(Role::Admin) { accounts.projects().await? } else { accounts.projects_of(&token.user.id).await? };
    let mut shown: Vec<Value> = projects.iter().map(|project| view::project(&visit, project)).collect();
    shown.retain(|project| view::is_wanted(project, &visit.call.query));
    if shown.is_empty() {
        admins_only(&token, "list_projects")?;
    }
    view::list(&visit, "projects", shown)
}

/// `GET /v3/projects/{project_id}`.
pub(super) async fn project(visit: Visit, token: Token) -> Result<Reply> {
    let (accounts, id) = (visit.accounts()?, visit.call.place(0));
    let found = if token.has(Role::Admin) {
        let found = accounts.project_by_id(id).await?;
        found.ok_or_else(|| not_found("project", id))?
    } else {
        let own = accounts.projects_of(&token.user.id).await?;
        own.into_iter().find(|project| project.id == id).ok_or_else(|| refused("get_project"))?
    };
    reply::json(StatusCode::OK, &json!({ "project": view::project(&visit, &found) }))
}

/// `GET /v3/users`: all for administrators, else the caller.
pub(super) async fn users(visit: Visit, token: Token) -> Result<Reply> {
    let accounts = visit.accounts()?;
    let users = if token.has(Role::Admin) {
        accounts.users().await?
    } else {
        accounts.user_by_id(&token.user.id).await?.into_iter().collect()
    };
    let mut shown: Vec<Value> = users.iter().map(|user| view::user(&visit, user)).collect();
    shown.retain(|user| view::is_wanted(user, &visit.call.query));
    if shown.is_empty() {
        admins_only(&token, "list_users")?;
    }
    view::list(&visit, "users", shown)
}

/// `GET /v3/users/{user_id}`.
pub(super) async fn user(visit: Visit, token: Token) -> Result<Reply> {
    let id = visit.call.place(0);
    self_or_admin(&token, id, "get_user")?;
    let found = visit.accounts()?.user_by_id(id).await?;
    let found = found.ok_or_else(|| not_found("user", id))?;
    reply::json(StatusCode::OK, &json!({ "user": view::user(&visit, &found) }))
}

/// `GET /v3/users/{user_id}/projects`.
pub(super) async fn projects_of(visit: Visit, token: Token) -> Result<Reply> {
    let id = visit.call.place(0);
    self_or_admin(&token, id, "list_user_projects")?;
    let projects = visit.accounts()?.projects_of(id).await?;
    let shown = projects.iter().map(|project| view::project(&visit, project)).collect();
    view::list(&visit, "projects", shown)
}

/// `POST /v3/users/{user_id}/password`: knowing the old password is enough, no token is needed.
pub(super) async fn change_password(mut visit: Visit) -> Result<Reply> {
    let body = fields::body(&mut visit).await?;
    let body = Fields::of(&body)?;
    let user = body.object("user")?.ok_or_else(|| expecting("user", "request body"))?;
    let field = |name| user.secret(name)?.ok_or_else(|| expecting(name, "user"));
    let (original, new) = (field("original_password")?, field("password")?);
    visit.accounts()?.change_password(visit.call.place(0), &original, &new).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `GET /v3/roles`.
pub(super) async fn roles(visit: Visit, _token: Token) -> Result<Reply> {
    let shown = Role::ALL.into_iter().map(|role| view::role(&visit, role)).collect();
    view::list(&visit, "roles", shown)
}

/// `GET /v3/roles/{role_id}`.
pub(super) async fn role(visit: Visit, _token: Token) -> Result<Reply> {
    let id = visit.call.place(0);
    let role = view::role_with_id(id).ok_or_else(|| not_found("role", id))?;
    reply::json(StatusCode::OK, &json!({ "role": view::role(&visit, role) }))
}

/// `GET /v3/role_assignments`: who was given which role where, or with `effective` who has it.
pub(super) async fn role_assignments(visit: Visit, token: Token) -> Result<Reply> {
    admins_only(&token, "list_role_assignments")?;
    let query = &visit.call.query;
    let given = |name| query.get(name).filter(|value| !matches!(*value, "" | "None"));
    let (user_id, project_id) = (given("user.id"), given("scope.project.id"));
    let mut all = visit.accounts()?.assignments(user_id, project_id).await?;
    if query.get("effective").is_some_and(view::is_true) {
        all = effective(&all);
    }
    if let Some(role_id) = given("role.id") {
        let role = view::role_with_id(role_id);
        all.retain(|assignment| Some(assignment.role) == role);
    }
    // Groups, the domain and the system have no roles here.
    if ["group.id", "scope.domain.id", "scope.system"].into_iter().any(|name| given(name).is_some()) {
        all.clear();
    }
    let with_names = query.get("include_names").is_some_and(view::is_true);
    let shown = all.iter().map(|one| view::assignment(&visit, one, with_names)).collect();
    view::list(&visit, "role_assignments", shown)
}

/// `given`, with what comes along with each role.
fn effective(given: &[Assignment]) -> Vec<Assignment> {
    let mut all: Vec<Assignment> = Vec::new();
    for assignment in given {
        for role in Role::with_implied(&[assignment.role]) {
            let implied = Assignment { role, ..assignment.clone() };
            if !all.contains(&implied) {
                all.push(implied);
            }
        }
    }
    all
}

fn not_found(what: &str, id: &str) -> Error {
    Error::not_found(format!("Could not find {what}: {id}."))
}
