//! What Keystone says of a token, as far as it concerns us.

use serde::Deserialize;

use crate::auth::keystone::access_rules::{AccessRule, AccessRules};
use crate::clock::Timestamp;
use crate::model::identity::Identity;

/// A token that Keystone knows.
#[derive(Debug)]
pub(super) struct Token {
    /// Whose it is and what for.
    pub(super) bearer: Identity,
    /// When it ends.
    pub(super) expires_at: Timestamp,
    /// The only requests that it is for, if it is not for all.
    pub(super) access_rules: Option<AccessRules>,
}

impl Token {
    /// Reads the body of Keystone's answer.
    pub(super) fn read(body: &[u8]) -> serde_json::Result<Self> {
        let Answer { token } = serde_json::from_slice(body)?;
        let rules = token.application_credential.and_then(|credential| credential.access_rules);
        let services = token.catalog.into_iter().map(|service| service.kind).collect();
        Ok(Self {
            expires_at: token.expires_at,
            access_rules: rules.map(|rules| AccessRules { rules, services }),
            bearer: Identity {
                user_id: Some(token.user.id),
                user_domain_id: token.user.domain.map(|domain| domain.id),
                project_domain_id: token.project.as_ref().and_then(|project| Some(project.domain.as_ref()?.id.clone())),
                project_id: token.project.map(|project| project.id),
                domain_id: token.domain.map(|domain| domain.id),
                system_scope: token.system.is_some_and(|system| system.all).then(|| "all".to_owned()),
                roles: token.roles.into_iter().map(|role| role.name).collect(),
                outside_admin_project: !token.is_admin_project.unwrap_or(true),
                ..Identity::default()
            },
        })
    }

    /// Whether it has ended at `now`.
    pub(super) fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at < now
    }
}

#[derive(Deserialize)]
struct Answer {
    token: Body,
}

#[derive(Deserialize)]
struct Body {
    user: Place,
    project: Option<Place>,
    domain: Option<Id>,
    system: Option<System>,
    #[serde(default)]
    roles: Vec<Role>,
    expires_at: Timestamp,
    is_admin_project: Option<bool>,
    application_credential: Option<ApplicationCredential>,
    #[serde(default)]
    catalog: Vec<Service>,
}

#[derive(Deserialize)]
struct Place {
    id: String,
    domain: Option<Id>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct System {
    #[serde(default)]
    all: bool,
}

#[derive(Deserialize)]
struct Role {
    name: String,
}

#[derive(Deserialize)]
struct ApplicationCredential {
    access_rules: Option<Vec<AccessRule>>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
}

#[cfg(test)]
mod tests;
