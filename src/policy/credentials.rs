//! What a check may read of the caller: the values that oslo.context hands to oslo.policy, by its names.

use serde_json::{Map, Value};

use crate::model::identity::Identity;

/// The names of the values, in oslo.context's order.
const NAMES: [&str; 14] = [
    "user_id",
    "user_domain_id",
    "system_scope",
    "domain_id",
    "project_id",
    "project_domain_id",
    "roles",
    "is_admin_project",
    "service_user_id",
    "service_user_domain_id",
    "service_project_id",
    "service_project_domain_id",
    "service_roles",
    "system",
];

/// All values of the caller, for a service that decides by them.
pub fn as_json(caller: &Identity) -> Map<String, Value> {
    let value = |name: &'static str| match credential(caller, name)? {
        Credential::Text(_) if name == "is_admin_project" => Some((!caller.outside_admin_project).into()),
        Credential::Text(text) => Some(text.into()),
        Credential::List(texts) => Some(texts.into()),
    };
    NAMES.into_iter().filter_map(|name| Some((name.to_owned(), value(name)?))).collect()
}

/// One value of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credential<'a> {
    /// Text, or nothing.
    Text(Option<&'a str>),
    /// Texts, of which any may match.
    List(&'a [String]),
}

/// The value called `name` (`RequestContext.to_policy_values` of oslo.context, and `system` of oslo.policy).
/// There is no `is_admin` and no `tenant` among them.
pub(super) fn credential<'a>(caller: &'a Identity, name: &str) -> Option<Credential<'a>> {
    use Credential::{List, Text};
    Some(match name {
        "project_id" => Text(caller.project_id.as_deref()),
        "user_id" => Text(caller.user_id.as_deref()),
        "roles" => List(&caller.roles),
        "user_domain_id" => Text(caller.user_domain_id.as_deref()),
        "project_domain_id" => Text(caller.project_domain_id.as_deref()),
        "domain_id" => Text(caller.domain_id.as_deref()),
        "system_scope" => Text(caller.system_scope.as_deref()),
        "system" if scope(caller) == Scope::System => Text(caller.system_scope.as_deref()),
        "is_admin_project" => Text(Some(if caller.outside_admin_project { "False" } else { "True" })),
        "service_roles" => List(&caller.service_roles),
        "service_user_id" => Text(caller.service_user_id.as_deref()),
        "service_user_domain_id" => Text(caller.service_user_domain_id.as_deref()),
        "service_project_id" => Text(caller.service_project_id.as_deref()),
        "service_project_domain_id" => Text(caller.service_project_domain_id.as_deref()),
        _ => return None,
    })
}

/// What the token is for.
pub(super) fn scope(caller: &Identity) -> Scope {
    let given = |id: &Option<String>| id.as_ref().is_some_and(|id| !id.is_empty());
    if given(&caller.system_scope) {
        Scope::System
    } else if given(&caller.domain_id) {
        Scope::Domain
    } else {
        // Also a token that is for nothing at all, as in oslo.policy.
        Scope::Project
    }
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Project,
    Domain,
    System,
}

impl Scope {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Domain => "domain",
            Self::System => "system",
        }
    }
}
