//! The body of `POST /v3/auth/tokens` becomes a login.

use serde_json::Value;

use crate::api::identity::fields::{Fields, expecting};
use crate::auth::standalone::{Domain, Login, Place, Proof, Scope, WhichCredential, Who};
use crate::error::{Error, Kind, Result};
use crate::model::account::Method;

/// What `body` says.
///
/// # Errors
/// `Invalid` for what is malformed; `Unauthenticated` for a method that we do not have.
pub(super) fn wanted(body: &Value) -> Result<Login> {
    let body = Fields::of(body)?;
    let auth = body.object("auth")?.ok_or_else(|| expecting("auth", "request body"))?;
    let identity = auth.object("identity")?.ok_or_else(|| expecting("identity", "auth"))?;
    let methods = methods(&identity)?;
    let scope = scope(&auth)?;
    if methods.contains(&Method::ApplicationCredential) && auth.has("scope") {
        return Err(Error::new(Kind::Unauthenticated).saying(
            "Error authenticating with application credential: Application credentials cannot request a scope.",
        ));
    }
    let proofs = methods.iter().map(|method| proof(*method, &identity)).collect::<Result<_>>()?;
    Ok(Login { proofs, scope })
}

fn methods(identity: &Fields<'_>) -> Result<Vec<Method>> {
    let listed = identity.list("methods")?.ok_or_else(|| expecting("methods", "identity"))?;
    let mut methods = Vec::new();
    for name in listed {
        let name = name.as_str().ok_or_else(|| identity.not_of_type("methods", "array of strings"))?;
        if !identity.has(name) {
            return Err(expecting(if name.len() < 64 { name } else { "the method" }, "identity"));
        }
        let known = Method::ALL.into_iter().find(|method| method.as_str() == name);
        let method = known.ok_or_else(|| {
            Error::new(Kind::Unauthenticated).saying("Attempted to authenticate with an unsupported method.")
        })?;
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    Ok(methods)
}

fn proof(method: Method, identity: &Fields<'_>) -> Result<Proof> {
    let missing = || expecting(method.as_str(), "identity");
    let given = identity.object(method.as_str())?.ok_or_else(missing)?;
    match method {
        Method::Password => {
            let user = given.object("user")?.ok_or_else(|| expecting("user", "password"))?;
            Ok(Proof::Password {
                who: who(&user)?,
                // None is as wrong as any other wrong one.
                password: user.secret("password")?.unwrap_or_default(),
            })
        }
        Method::Token => {
            let token = given.secret("id")?.ok_or_else(|| expecting("id", "token"))?;
            Ok(Proof::Token(token))
        }
        Method::ApplicationCredential => {
            const TARGET: &str = "application credential";
            let which = match (some(given.text("id")?), some(given.text("name")?)) {
                (Some(id), _) => WhichCredential::Id(id),
                (None, Some(name)) => {
                    let user = given.object("user")?.ok_or_else(|| expecting("user", TARGET))?;
                    WhichCredential::Name(name, who(&user)?)
                }
                (None, None) => return Err(expecting("name or ID", TARGET)),
            };
            Ok(Proof::ApplicationCredential { which, secret: given.secret("secret")?.unwrap_or_default() })
        }
    }
}

fn who(user: &Fields<'_>) -> Result<Who> {
    match (some(user.text("name")?), some(user.text("id")?)) {
        (Some(name), _) => Ok(Who::Name(name, domain(user, "user")?)),
        (None, Some(id)) => Ok(Who::Id(id)),
        (None, None) => Err(expecting("id or name", "user")),
    }
}

fn domain(of: &Fields<'_>, target: &str) -> Result<Domain> {
    let domain = of.object("domain")?.ok_or_else(|| expecting("domain", target))?;
    let (id, name) = (domain.text("id")?, domain.text("name")?);
    if some(id).or(some(name)).is_none() {
        return Err(expecting("id or name", "domain"));
    }
    Ok(Domain::named(id, name))
}

fn scope(auth: &Fields<'_>) -> Result<Scope> {
    const KINDS: [&str; 5] = ["system", "project", "domain", "OS-TRUST:trust", "unscoped"];
    let malformed = || expecting("system, project, domain, OS-TRUST:trust or unscoped", "scope");
    let scope = match auth.value("scope") {
        None => return Ok(Scope::Unsaid),
        Some(Value::String(text)) if text == "unscoped" => return Ok(Scope::Unscoped),
        Some(Value::String(_)) => return Err(malformed()),
        Some(_) => auth.object("scope")?.ok_or_else(malformed)?,
    };
    let named: Vec<&str> = KINDS.into_iter().filter(|kind| scope.has(kind)).collect();
    match named.as_slice() {
        ["unscoped"] => Ok(Scope::Unscoped),
        ["project"] => {
            let project = scope.object("project")?.ok_or_else(malformed)?;
            place(&project).map(Scope::Project)
        }
        [_] => Ok(Scope::Elsewhere),
        _ => Err(malformed()),
    }
}

fn place(project: &Fields<'_>) -> Result<Place> {
    match (some(project.text("name")?), some(project.text("id")?)) {
        (Some(name), _) => Ok(Place::Name(name, domain(project, "project")?)),
        (None, Some(id)) => Ok(Place::Id(id)),
        (None, None) => Err(Error::invalid("Invalid input for field scope/project: id or name must be present.")),
    }
}

/// `text`, unless it is empty.
fn some(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}
