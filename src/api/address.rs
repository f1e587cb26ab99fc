//! The address under which a client reached this service: the base of the links in answers.

use hyper::HeaderMap;
use hyper::header::{FORWARDED, HOST};
use hyper::http::uri::{Authority, PathAndQuery};

use crate::api::headers::header;

/// The address without a path of the API. `believed`: a proxy in front says how the client reached it.
pub(crate) fn base_url(headers: &HeaderMap, scheme: &str, believed: bool) -> String {
    let host = header(headers, HOST.as_str()).filter(|host| !host.is_empty()).unwrap_or("localhost");
    let told = if believed { Told::by_proxy(headers) } else { Told::default() };
    let (scheme, host) = (told.scheme.unwrap_or(scheme), told.host.as_deref().unwrap_or(host));
    // compat: as in the reference, a scheme's own port is left out.
    let port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(host);
    format!("{scheme}://{host}{}", told.prefix.unwrap_or_default())
}

/// What a proxy tells about the request that it passes on. What cannot be part of an address is not believed.
#[derive(Default)]
struct Told {
    scheme: Option<&'static str>,
    host: Option<String>,
    prefix: Option<String>,
}

impl Told {
    /// From `Forwarded` (RFC 7239) or, without it, the older `X-Forwarded-…`.
    fn by_proxy(headers: &HeaderMap) -> Self {
        let (scheme, host) = match header(headers, FORWARDED.as_str()) {
            Some(forwarded) => (parameter(forwarded, "proto"), parameter(forwarded, "host")),
            None => (first(headers, "x-forwarded-proto"), first(headers, "x-forwarded-host")),
        };
        Self {
            scheme: scheme
                .and_then(|told| ["http", "https"].into_iter().find(|known| told.eq_ignore_ascii_case(known))),
            host: host.filter(|told| told.parse::<Authority>().is_ok()).map(str::to_owned),
            prefix: first(headers, "x-forwarded-prefix")
                .filter(|told| told.parse::<PathAndQuery>().is_ok_and(|path| path.path() == *told))
                .map(|told| told.trim_end_matches('/').to_owned()),
        }
    }
}

/// Parameter `name` of the first proxy, the one that the client talked to.
fn parameter<'a>(forwarded: &'a str, name: &str) -> Option<&'a str> {
    let nearest = forwarded.split(',').next()?;
    let parameters = nearest.split(';').filter_map(|parameter| parameter.split_once('='));
    let mut named = parameters.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value.trim().trim_matches('"'))
}

/// The first of the values that proxies in a row have put into header `name`.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    header(headers, name)?.split(',').next().map(str::trim)
}
