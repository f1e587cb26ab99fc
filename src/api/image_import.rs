//! `/v2/images/{image_id}/stage` and `…/import`: data that comes in otherwise than by upload. No way is there yet.

use serde_json::Value;

use crate::api::ctx::Call;
use crate::api::reply::Reply;
use crate::api::{attributes, body, images};
use crate::error::{Error, Kind, Result};
use crate::policy::Rule;

/// `PUT /v2/images/{image_id}/stage`, as where `glance-direct` is off.
pub(crate) async fn stage(_: Call) -> Result<Reply> {
    Err(Error::not_found("'glance-direct' method is not available at this site."))
}

/// `POST /v2/images/{image_id}/import`: refused as where no method is on, or as what is not there yet.
pub(crate) async fn import(mut call: Call) -> Result<Reply> {
    let wanted = body::expected(&mut call).await?;
    let method = method(&wanted, &call.app.config.api.enabled_import_methods)?;
    call.mutating()?;
    let image = images::find(&call).await?;
    let rule = if method == "copy-image" { Rule::CopyImage } else { Rule::ModifyImage };
    call.allow_image(rule, &image).await?;
    Err(Error::new(Kind::NotImplemented).saying("Image import is not implemented yet."))
}

/// The name of the method, one of those that are on. compat: the reference fails with 500 when `method`, or the whole
/// body, is no object.
fn method<'a>(wanted: &'a Value, enabled: &[String]) -> Result<&'a str> {
    let method = wanted.get("method").ok_or_else(|| Error::invalid("Import request requires a 'method' field."))?;
    let name = method.get("name").ok_or_else(|| Error::invalid("Import request requires a 'name' field."))?;
    let known = name.as_str().filter(|name| enabled.iter().any(|enabled| enabled == name)).ok_or_else(|| {
        let name = name.as_str().map_or_else(|| attributes::python(name), str::to_owned);
        Error::invalid(format!("Unknown import method name '{name}'."))
    })?;
    for flag in ["all_stores_must_succeed", "all_stores"] {
        if wanted.get(flag).is_some_and(|value| !value.is_boolean()) {
            return Err(Error::invalid(format!("'{flag}' must be boolean value only")));
        }
    }
    Ok(known)
}
