//! Users, projects, roles and tokens as JSON, in Keystone's forms.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::api::identity::Visit;
use crate::api::query::Query;
use crate::api::reply::{self, Reply};
use crate::auth::standalone::{DOMAIN_ID, DOMAIN_NAME};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::account::{ApplicationCredential, Assignment, Named, Role, Token, User};

/// A list of `shown` under the name `of`, as far as the query wants them.
pub(super) fn list(visit: &Visit, of: &str, mut shown: Vec<Value>) -> Result<Reply> {
    shown.retain(|value| is_wanted(value, &visit.call.query));
    let links = json!({ "next": null, "self": visit.own_url(), "previous": null });
    reply::json(StatusCode::OK, &json!({ of: shown, "links": links }))
}

/// Whether `value` has what `query` says of its members. Members that it does not have say nothing, nor does `None`:
/// clients in Python send it for what is not given.
pub(super) fn is_wanted(value: &Value, query: &Query) -> bool {
    query.iter().all(|(name, wanted)| match value.get(name) {
        _ if wanted == "None" => true,
        Some(Value::String(text)) => text == wanted,
        Some(Value::Bool(flag)) => *flag == is_true(wanted),
        _ => true,
    })
}

/// Whether a flag in a query is raised. It is when it stands there without a value.
pub(super) fn is_true(flag: &str) -> bool {
    !["none", "false", "0", "no", "off"].contains(&flag.to_ascii_lowercase().as_str())
}

/// Where the thing `id` of collection `of` is.
pub(super) fn links(visit: &Visit, of: &str, id: &str) -> Value {
    json!({ "self": format!("{}/{of}/{id}", visit.identity_url()) })
}

pub(super) fn token(token: &Token, catalog: Option<Value>) -> Value {
    let mut user = with_domain(&token.user);
    user["password_expires_at"] = Value::Null;
    let audit_ids: Vec<&String> = std::iter::once(&token.audit_id).chain(&token.chain_id).collect();
    let methods: Vec<&str> = token.methods.iter().map(|method| method.as_str()).collect();
    let mut shown = json!({
        "methods": methods,
        "user": user,
        "audit_ids": audit_ids,
        "expires_at": time(token.expires_at) + "Z",
        "issued_at": time(token.issued_at) + "Z",
    });
    if let Some(project) = &token.project {
        let roles = token.roles.iter().map(|role| json!({ "id": role_id(*role), "name": role.as_str() }));
        shown["project"] = with_domain(project);
        shown["is_domain"] = json!(false);
        shown["roles"] = roles.collect();
    }
    if let Some(catalog) = catalog {
        shown["catalog"] = catalog;
    }
    if let Some(credential) = &token.credential {
        shown["application_credential"] = json!({
            "id": credential.id,
            "name": credential.name,
            "restricted": !credential.unrestricted,
        });
    }
    shown
}

pub(super) fn user(visit: &Visit, user: &User) -> Value {
    let mut shown = json!({
        "id": user.id,
        "name": user.name,
        "domain_id": DOMAIN_ID,
        "enabled": true,
        "password_expires_at": null,
        "options": {},
        "links": links(visit, "users", &user.id),
    });
    if let Some(project_id) = &user.default_project_id {
        shown["default_project_id"] = json!(project_id);
    }
    shown
}

pub(super) fn project(visit: &Visit, project: &Named) -> Value {
    json!({
        "id": project.id,
        "name": project.name,
        "domain_id": DOMAIN_ID,
        "description": "",
        "enabled": true,
        "parent_id": DOMAIN_ID,
        "is_domain": false,
        "tags": [],
        "options": {},
        "links": links(visit, "projects", &project.id),
    })
}

pub(super) fn domain(visit: &Visit) -> Value {
    json!({
        "id": DOMAIN_ID,
        "name": DOMAIN_NAME,
        "description": "The default domain",
        "enabled": true,
        "tags": [],
        "options": {},
        "links": links(visit, "domains", DOMAIN_ID),
    })
}

pub(super) fn role(visit: &Visit, role: Role) -> Value {
    let mut shown = inner_role(role);
    shown["links"] = links(visit, "roles", role_id(role));
    shown
}

pub(super) fn assignment(visit: &Visit, assignment: &Assignment, with_names: bool) -> Value {
    let Assignment { user, project, role } = assignment;
    let id = role_id(*role);
    let href = format!("{}/projects/{}/users/{}/roles/{id}", visit.identity_url(), project.id, user.id);
    let thing = |named: &Named| {
        if with_names { with_domain(named) } else { json!({ "id": named.id }) }
    };
    let role = if with_names { json!({ "id": id, "name": role.as_str() }) } else { json!({ "id": id }) };
    json!({
        "links": { "assignment": href },
        "scope": { "project": thing(project) },
        "user": thing(user),
        "role": role,
    })
}

pub(super) fn credential(visit: &Visit, credential: &ApplicationCredential) -> Value {
    let roles: Vec<Value> = credential.roles.iter().copied().map(inner_role).collect();
    let href =
        format!("{}/users/{}/application_credentials/{}", visit.identity_url(), credential.user_id, credential.id);
    json!({
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "user_id": credential.user_id,
        "project_id": credential.project_id,
        "system": null,
        "expires_at": credential.expires_at.map(time),
        "unrestricted": credential.unrestricted,
        "roles": roles,
        "links": { "self": href },
    })
}

/// The role with this id.
pub(super) fn role_with_id(id: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role_id(*role) == id)
}

fn inner_role(role: Role) -> Value {
    json!({
        "id": role_id(role),
        "name": role.as_str(),
        "domain_id": null,
        "description": null,
        "options": { "immutable": true },
    })
}

/// The id of a role: clients take for an id only what looks like one. They are the same everywhere.
fn role_id(role: Role) -> &'static str {
    match role {
        Role::Admin => "6a1a5f5e0c5b4f0c9d0c7a0f7c1e00a1",
        Role::Manager => "6a1a5f5e0c5b4f0c9d0c7a0f7c1e00a2",
        Role::Member => "6a1a5f5e0c5b4f0c9d0c7a0f7c1e00a3",
        Role::Reader => "6a1a5f5e0c5b4f0c9d0c7a0f7c1e00a4",
        Role::Service => "6a1a5f5e0c5b4f0c9d0c7a0f7c1e00a5",
    }
}

fn with_domain(named: &Named) -> Value {
    json!({
        "domain": { "id": DOMAIN_ID, "name": DOMAIN_NAME },
        "id": named.id,
        "name": named.name,
    })
}

fn time(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}
