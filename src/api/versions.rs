//! Which version a request is for, and the document that lists them all.
//!
//! Any version that is listed may stand at the start of a path, or in `Accept`; all lead to the same API.

use hyper::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::api::error;
use crate::api::reply::{self, Reply};
use crate::config::Config;
use crate::error::Result;

const MEDIA_TYPE_PREFIX: &str = "application/vnd.openstack.images-";

/// What a request is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Negotiated<'a> {
    /// The list of versions, asked for by its own path, or given to who asked for none that we have.
    List { explicit: bool },
    /// The API: the path behind the version, with its first slash or empty.
    Api(&'a str),
}

/// Finds out what a request for `path` is for.
pub(crate) fn negotiate<'a>(path: &'a str, headers: &HeaderMap, config: &Config) -> Negotiated<'a> {
    let segments = path.trim_start_matches('/');
    let (first, rest) = segments.split_at(segments.find('/').unwrap_or(segments.len()));
    if first == "versions" {
        return Negotiated::List { explicit: true };
    }
    let accept = error::accept(headers).unwrap_or_default();
    let (version, rest) = match accept.strip_prefix(MEDIA_TYPE_PREFIX) {
        Some(version) => (version.strip_suffix(";q=1").unwrap_or(version), path),
        None => (first, rest),
    };
    let known = version == "v2" || minors(config).iter().any(|(minor, _)| version == format!("v2.{minor}"));
    if known { Negotiated::Api(rest) } else { Negotiated::List { explicit: false } }
}

/// `GET /versions`, or any path that is for no version of ours.
pub(crate) fn list(config: &Config, base_url: &str, explicit: bool) -> Result<Reply> {
    let base = config.api.public_endpoint.as_deref().unwrap_or(base_url).trim_end_matches('/');
    let href = format!("{base}/v2/");
    let versions: Vec<Value> = minors(config)
        .into_iter()
        .map(|(minor, status)| {
            let links = json!([{ "rel": "self", "href": href }]);
            json!({ "id": format!("v2.{minor}"), "status": status, "links": links })
        })
        .collect();
    let status = if explicit { StatusCode::OK } else { StatusCode::MULTIPLE_CHOICES };
    reply::json(status, &json!({ "versions": versions }))
}

/// The minor versions in the reference's order, which without the cache is not sorted.
fn minors(config: &Config) -> Vec<(u32, &'static str)> {
    const CURRENT: &str = "CURRENT";
    const SUPPORTED: &str = "SUPPORTED";
    let supported = |minors: &[u32]| minors.iter().map(|&minor| (minor, SUPPORTED)).collect::<Vec<_>>();
    let mut all = Vec::new();
    if config.api.image_cache {
        all.push((18, CURRENT));
        all.extend(supported(&[17, 16]));
    }
    all.extend(supported(&[15]));
    if config.api.image_cache {
        all.extend(supported(&[14]));
    }
    // compat: without several stores 12 and 13 are not listed, though what came with them is there.
    all.extend(supported(if config.stores.multi { &[13, 12, 11, 10, 9, 8] } else { &[9] }));
    if !config.api.image_cache {
        all.push((17, CURRENT));
    }
    all.extend(supported(&[7, 6, 5, 4, 3, 2, 1, 0]));
    all
}
