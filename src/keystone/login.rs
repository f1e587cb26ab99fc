//! The words in which we log in to Keystone.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::config::keystone::{Credential, Domain, Login, Named, Scope};

/// The body of the request for a token of our own.
pub(super) fn body(login: &Login) -> Value {
    match login {
        Login::Password { user, password, scope } => {
            let mut user = named(user);
            user["password"] = password.expose_secret().into();
            let identity = json!({ "methods": ["password"], "password": { "user": user } });
            json!({ "auth": { "identity": identity, "scope": place(scope) } })
        }
        Login::ApplicationCredential { credential, secret } => {
            let mut credential = match credential {
                Credential::Id(id) => json!({ "id": id }),
                Credential::Name { name, user } => json!({ "name": name, "user": named(user) }),
            };
            credential["secret"] = secret.expose_secret().into();
            let methods = ["application_credential"];
            json!({ "auth": { "identity": { "methods": methods, "application_credential": credential } } })
        }
    }
}

fn place(scope: &Scope) -> Value {
    match scope {
        Scope::Project(project) => json!({ "project": named(project) }),
        Scope::Domain(which) => json!({ "domain": domain(which) }),
        Scope::System => json!({ "system": { "all": true } }),
    }
}

fn named(which: &Named) -> Value {
    match which {
        Named::Id(id) => json!({ "id": id }),
        Named::Name { name, domain: of } => json!({ "name": name, "domain": domain(of) }),
    }
}

fn domain(which: &Domain) -> Value {
    match which {
        Domain::Id(id) => json!({ "id": id }),
        Domain::Name(name) => json!({ "name": name }),
    }
}
