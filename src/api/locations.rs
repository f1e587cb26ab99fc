//! `/v2/images/{image_id}/locations`: bytes that are somewhere already, and where the bytes of an image are.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::api::ctx::Call;
use crate::api::reply::{self, Reply};
use crate::api::view::LocationsView;
use crate::api::{attributes, body, images, tasks};
use crate::blob::hash::{self, Algorithm};
use crate::config::Driver;
use crate::error::{Error, Result};
use crate::image::adopt::{self, Added, Said};
use crate::image::locations;
use crate::model::lifecycle::Status;
use crate::policy::Rule;

/// `POST /v2/images/{image_id}/locations`. What becomes of it, the image's status tells.
pub(crate) async fn add(mut call: Call) -> Result<Reply> {
    let wanted = body::expected(&mut call).await?;
    let (url, said) = attributes::added_location(&wanted)?;
    let image = images::find(&call).await?;
    if image.status != Status::Queued {
        return Err(locations::wrong_status(&image, "add"));
    }
    call.allow_image(Rule::AddImageLocation, &image).await?;
    let mut roles = call.identity.roles.iter().chain(&call.identity.service_roles);
    let may = roles.any(|role| role == "service") || (url.starts_with("http") && has_web_store(&call));
    if !may {
        return Err(Error::forbidden("http store must be enabled to use location API by normal user."));
    }
    let input = task_input(&image.id, &wanted);
    let said = said.map(|(algorithm, value)| said_hash(&algorithm, &value)).transpose()?;
    let web = url.starts_with("http://") || url.starts_with("https://");
    if web && let Some((_, store)) = call.app.stores.of_url(&url) {
        let admitted = store.admits(&url).await.map_err(Error::internal)?;
        if !admitted {
            return Err(Error::invalid(format!("URI for add location does not pass filtering: {url}")));
        }
    }
    let project = call.identity.project_id.clone();
    let task = tasks::pending(&call, "location_import", input, Some(image.id.clone()));
    adopt::begin(&call.app, &image, Added { url, said, project, task }).await?;
    Ok(reply::empty(StatusCode::ACCEPTED))
}

/// `GET /v2/images/{image_id}/locations`.
pub(crate) async fn list(call: Call) -> Result<Reply> {
    let image = images::find(&call).await?;
    call.allow_image(Rule::FetchImageLocation, &image).await?;
    reply::json(StatusCode::OK, &LocationsView { image: &image, caller: &call.identity })
}

/// What the record of the task says that it is about.
fn task_input(image_id: &str, wanted: &Value) -> Map<String, Value> {
    let said = wanted.get("validation_data").cloned().unwrap_or_else(|| json!({}));
    let input = [("image_id", image_id.into()), ("loc_url", wanted["url"].clone()), ("validation_data", said)];
    input.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn has_web_store(call: &Call) -> bool {
    call.app.config.stores.enabled.iter().any(|store| matches!(store.driver, Driver::Http(_)))
}

fn said_hash(algorithm: &str, value: &str) -> Result<Said> {
    let known = Algorithm::from_name(algorithm)
        .ok_or_else(|| Error::internal(format!("the schema lets {algorithm:?} through, which nobody knows")))?;
    if !hash::is_hex(value) {
        return Err(Error::invalid(format!("os_hash_value ({value}) is not a valid hexadecimal value")));
    }
    let bytes = known.digest_bytes();
    if value.len() != 2 * bytes {
        return Err(Error::invalid(format!(
            "os_hash_value: ({value}) is not the correct size for ({algorithm}) (should be ({bytes}) bytes)"
        )));
    }
    Ok(Said { algorithm: known, value: value.to_ascii_lowercase() })
}
