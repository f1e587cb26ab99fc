//! Which versions there are, and where: what clients ask first.

use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};
use serde_json::{Value, json};

use crate::api::identity::Visit;
use crate::api::reply::{self, Reply};
use crate::error::{Error, Result};

/// `GET /identity`.
pub(super) async fn versions(visit: Visit) -> Result<Reply> {
    let version = described(&visit);
    let mut reply = reply::json(StatusCode::MULTIPLE_CHOICES, &json!({ "versions": { "values": [version] } }))?;
    let location = HeaderValue::from_str(&home(&visit)).map_err(Error::internal)?;
    reply.headers_mut().insert(LOCATION, location);
    Ok(reply)
}

/// `GET /identity/v3`.
pub(super) async fn version(visit: Visit) -> Result<Reply> {
    reply::json(StatusCode::OK, &json!({ "version": described(&visit) }))
}

fn described(visit: &Visit) -> Value {
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{ "rel": "self", "href": home(visit) }],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.identity-v3+json",
        }],
    })
}

fn home(visit: &Visit) -> String {
    format!("{}/", visit.identity_url())
}
