//! Who is calling: from the token in the request or, behind a proxy that checks tokens, from the headers it adds.

use hyper::HeaderMap;

use crate::api::ctx::Call;
use crate::api::headers::header;
use crate::api::rules;
use crate::auth::Authority;
use crate::auth::keystone::Shown;
use crate::error::Result;
use crate::model::identity::Identity;
use crate::policy::{CallerTarget, Rule};

/// Who sent the request `call` for `path`, which is without the version; none when nobody says so, or not validly.
///
/// # Errors
/// When it cannot be found out.
pub(crate) async fn identify(call: &Call, path: &str) -> Result<Option<Identity>> {
    let (app, headers) = (&call.app, &call.headers);
    let found = match &app.authority {
        Authority::Standalone(standalone) => match header(headers, "x-auth-token") {
            Some(token) => standalone.identify(token).await?,
            None => None,
        },
        Authority::Keystone(keystone) => {
            let shown = Shown {
                token: header(headers, "x-auth-token").or_else(|| header(headers, "x-storage-token")),
                service_token: header(headers, "x-service-token"),
                method: call.method.as_str(),
                path: &format!("/v2{path}"),
            };
            keystone.identify(&shown).await?
        }
        Authority::TrustedHeaders => named_in(headers),
        Authority::FakeTokens => header(headers, "x-auth-token").and_then(spelled_out),
        Authority::Nobody => {
            return Ok(Some(Identity { is_admin: true, ..Identity::default() }));
        }
    };
    let anonymous = app.config.api.allow_anonymous_access;
    Ok(match found {
        Some(mut identity) => {
            // compat: role names are compared in lower case.
            identity.roles.iter_mut().for_each(|role| *role = role.to_lowercase());
            identity.is_admin = rules::hold(call, Rule::ContextIsAdmin, &identity, &CallerTarget(&identity)).await;
            Some(identity)
        }
        None if anonymous => Some(Identity { read_only: true, ..Identity::default() }),
        None => None,
    })
}

/// Where a caller without a valid token is told to get one, if anywhere.
pub(crate) fn token_source(call: &Call) -> Option<String> {
    match &call.app.authority {
        Authority::Standalone(_) => Some(format!("{}/identity", call.base_url())),
        Authority::Keystone(keystone) => Some(keystone.www_authenticate_uri().to_owned()),
        Authority::TrustedHeaders | Authority::FakeTokens | Authority::Nobody => None,
    }
}

/// The identity that a proxy names (the headers of Keystone's `auth_token` middleware).
fn named_in(headers: &HeaderMap) -> Option<Identity> {
    if header(headers, "x-identity-status") != Some("Confirmed") {
        return None;
    }
    let first = |names: &[&str]| names.iter().find_map(|name| header(headers, name)).map(str::to_owned);
    Some(Identity {
        user_id: first(&["x-user-id", "x-user"]),
        project_id: first(&["x-project-id", "x-tenant-id", "x-tenant"]),
        user_domain_id: first(&["x-user-domain-id"]),
        project_domain_id: first(&["x-project-domain-id"]),
        domain_id: first(&["x-domain-id"]),
        system_scope: first(&["openstack-system-scope"]),
        roles: list(header(headers, "x-roles").or_else(|| header(headers, "x-role"))),
        outside_admin_project: header(headers, "x-is-admin-project").is_some_and(|is| !is.eq_ignore_ascii_case("true")),
        service_user_id: first(&["x-service-user-id"]),
        service_user_domain_id: first(&["x-service-user-domain-id"]),
        service_project_id: first(&["x-service-project-id"]),
        service_project_domain_id: first(&["x-service-project-domain-id"]),
        service_roles: list(header(headers, "x-service-roles")),
        is_admin: false,
        read_only: false,
    })
}

/// The identity that a token of the form `user:project:roles` spells out (the reference's `fakeauth`).
fn spelled_out(token: &str) -> Option<Identity> {
    let mut parts = token.splitn(3, ':').map(|part| Some(part.to_owned()).filter(|part| !part.is_empty()));
    let (user_id, project_id, roles) = (parts.next()?, parts.next()?, parts.next()?);
    let project_id = project_id.filter(|project| !project.eq_ignore_ascii_case("none"));
    Some(Identity { user_id, project_id, roles: list(roles.as_deref()), ..Identity::default() })
}

fn list(text: Option<&str>) -> Vec<String> {
    text.filter(|text| !text.is_empty())
        .map_or_else(Vec::new, |text| text.split(',').map(|entry| entry.trim().to_owned()).collect())
}
