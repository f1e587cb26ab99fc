//! `/v2/metadefs/…`: the catalogue of metadata definitions. Each kind of thing in it has a file; what they all ask is here.

mod body;
pub(crate) mod namespaces;
pub(crate) mod objects;
pub(crate) mod properties;
pub(crate) mod resource_types;
pub(crate) mod tags;
mod typed;
mod view;

use hyper::StatusCode;

use crate::api::ctx::Call;
use crate::api::reply::{self, Reply};
use crate::clock::Timestamp;
use crate::db::DbError;
use crate::db::metadefs::contents::{self, Added, Content};
use crate::db::metadefs::namespaces as rows;
use crate::error::{Error, Kind, Result};
use crate::model::metadef::{Definition, Namespace};
use crate::policy::{Rule, Target};

/// The namespace in the path, as far as the caller may see it. compat: of those that others hide, the reference tells that
/// they are there.
async fn seen(call: &Call) -> Result<Option<Namespace>> {
    Ok(rows::find(&call.app.db, call.place(0), &call.identity).await?)
}

/// The same, for those who say it so when there is none.
async fn found(call: &Call) -> Result<Namespace> {
    seen(call).await?.ok_or_else(|| missing(call.place(0)))
}

/// The same, for those who say it otherwise.
async fn defined(call: &Call) -> Result<Namespace> {
    seen(call).await?.ok_or_else(|| undefined(call.place(0)))
}

/// compat: the reference has two texts for a namespace that is not there.
fn missing(namespace: &str) -> Error {
    Error::not_found(format!("Namespace {namespace} not found"))
}

fn undefined(namespace: &str) -> Error {
    Error::not_found(format!("Metadata definition namespace={namespace} was not found."))
}

/// Asks `rule` about `namespace`.
async fn allow(call: &Call, rule: Rule, namespace: &Namespace) -> Result<()> {
    allow_target(call, rule, &target(namespace)).await
}

/// Asks `rule` about no namespace in particular.
async fn allow_any(call: &Call, rule: Rule) -> Result<()> {
    allow_target(call, rule, &[("project_id", call.identity.project_id.as_deref())]).await
}

/// Asks `rule` about `namespace`, and whether the caller may change anything at all.
async fn allow_change(call: &Call, rule: Rule, namespace: &Namespace) -> Result<()> {
    allow(call, rule, namespace).await?;
    // compat: the reference forgets to ask this everywhere but for a new namespace.
    call.mutating()
}

/// Whether `rule` holds for `namespace`.
async fn holds(call: &Call, rule: Rule, namespace: &Namespace) -> bool {
    allow(call, rule, namespace).await.is_ok()
}

/// Who may not even see a namespace is told that nothing is there.
async fn allow_target(call: &Call, rule: Rule, target: &dyn Target) -> Result<()> {
    let Err(refusal) = call.allow(rule, target).await else { return Ok(()) };
    let seen = rule != Rule::GetMetadefNamespace && call.allow(Rule::GetMetadefNamespace, target).await.is_ok();
    Err(if seen { refusal } else { Error::new(Kind::NotFound) })
}

fn target(namespace: &Namespace) -> [(&str, Option<&str>); 2] {
    [("project_id", Some(&namespace.owner)), ("visibility", Some(namespace.visibility()))]
}

/// Refuses to delete something of a namespace that is protected.
fn unprotected(namespace: &Namespace, what: &str) -> Result<()> {
    if namespace.is_protected() {
        return Err(Error::forbidden(format!("Metadata definition {what} is protected and cannot be deleted.")));
    }
    Ok(())
}

/// What the client is told when something new could not be written.
fn not_added(error: DbError, namespace: &str) -> Error {
    let DbError::Defined(kind, name) = &error else { return error.into() };
    Error::conflict(match kind {
        Definition::Namespace => format!("The metadata definition namespace={name} already exists."),
        Definition::Association => format!(
            "The metadata definition resource-type association of resource-type={name} to namespace={namespace} \
             already exists."
        ),
        Definition::Object => {
            format!("A metadata definition object with name={name} already exists in namespace={namespace}.")
        }
        Definition::Property => {
            format!("A metadata definition property with name={name} already exists in namespace={namespace}.")
        }
        Definition::Tag => format!(
            "A metadata tag with name={name} already exists in namespace={namespace}. (Please note that metadata tag \
             names are case insensitive)."
        ),
    })
}

/// What the client is told when a change could not be written.
fn not_changed(error: DbError, namespace: &str) -> Error {
    let what = match &error {
        DbError::Defined(Definition::Namespace, name) => format!("namespace with the same name of {name}"),
        DbError::Defined(Definition::Object, name) => {
            format!("object with the same name={name} in namespace={namespace}.")
        }
        DbError::Defined(Definition::Property, name) => {
            format!("property with the same name={name} in namespace={namespace}.")
        }
        _ => return not_added(error, namespace),
    };
    Error::conflict(format!("Invalid update. It would result in a duplicate metadata definition {what}"))
}

/// Adds `new` things to `namespace`; with `replacing`, in place of those that are there.
async fn add<C: Content>(call: &Call, namespace: &Namespace, new: &[C], replacing: bool, now: Timestamp) -> Result<()> {
    let added = contents::add(&call.app.db, namespace.id, new, replacing, now).await;
    match added.map_err(|error| not_added(error, &namespace.namespace))? {
        Added::Yes => Ok(()),
        Added::NoNamespace => Err(missing(&namespace.namespace)),
        Added::TooMany => Err(body::too_many()),
    }
}

/// The answer to a deletion.
fn deleted() -> Reply {
    reply::empty(StatusCode::NO_CONTENT)
}
