//! The answer to our own login: when our token ends, and where Keystone wants to be asked.

use serde::Deserialize;

use crate::clock::Timestamp;

/// What we need of the answer to our own login.
pub(super) struct OwnToken {
    /// When the token ends.
    pub(super) expires_at: Timestamp,
    catalog: Vec<Service>,
}

impl OwnToken {
    /// Reads the body of Keystone's answer.
    pub(super) fn read(body: &[u8]) -> serde_json::Result<Self> {
        let Answer { token } = serde_json::from_slice(body)?;
        Ok(Self { expires_at: token.expires_at, catalog: token.catalog })
    }

    /// The address of Keystone itself, for the first of `interfaces` that there is and, if given, in `region`.
    pub(super) fn identity_endpoint(&self, interfaces: &[String], region: Option<&str>) -> Option<&str> {
        interfaces.iter().find_map(|interface| self.endpoint(interface, region))
    }

    fn endpoint(&self, interface: &str, region: Option<&str>) -> Option<&str> {
        let mut endpoints =
            self.catalog.iter().filter(|service| service.kind == "identity").flat_map(|service| &service.endpoints);
        let fits = |endpoint: &&Endpoint| {
            let in_region =
                |region| [endpoint.region.as_deref(), endpoint.region_id.as_deref()].contains(&Some(region));
            endpoint.interface == interface && region.is_none_or(in_region)
        };
        endpoints.find(fits).map(|endpoint| endpoint.url.as_str())
    }
}

#[derive(Deserialize)]
struct Answer {
    token: Body,
}

#[derive(Deserialize)]
struct Body {
    expires_at: Timestamp,
    #[serde(default)]
    catalog: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    interface: String,
    url: String,
    region: Option<String>,
    region_id: Option<String>,
}

#[cfg(test)]
mod tests;
