//! Which URLs a client may name, and where a connection may go, whoever named it. Else clients would see through us what
//! only this machine and its neighbours see: a database's port, a cloud's metadata service.
//!
//! The first is decided by the operator's lists (`import_filtering_opts`), when a client names a URL, and again for every
//! redirection. The second is decided when a connection is made, of the very address that it is made to: a name that meant
//! something else a moment ago gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use tokio::net::lookup_host;

use crate::config::UriFilter;

/// The operator's lists, at work.
#[derive(Clone, Debug)]
pub struct Guard {
    filter: UriFilter,
}

impl Guard {
    /// A guard with these lists.
    pub fn new(filter: UriFilter) -> Self {
        Self { filter }
    }

    /// Whether a client may name `url`: its scheme, host and port are allowed, and so is an address that the host has now.
    pub async fn admits(&self, url: &str) -> bool {
        let Some(named) = Named::parse(url) else { return false };
        let UriFilter { allowed_schemes, disallowed_schemes, allowed_ports, disallowed_ports, .. } = &self.filter;
        let UriFilter { allowed_hosts, disallowed_hosts, .. } = &self.filter;
        let listed = allowed(&named.scheme, allowed_schemes, disallowed_schemes)
            && allowed(&named.host, allowed_hosts, disallowed_hosts)
            && allowed(&named.port, allowed_ports, disallowed_ports);
        if !listed {
            return false;
        }
        let addresses = match named.host.parse() {
            Ok(address) => vec![SocketAddr::new(address, named.port)],
            // A name, and only a name: with the dot at its end nothing takes it for a number.
            Err(_) => match lookup_host((format!("{}.", named.host.trim_end_matches('.')), named.port)).await {
                Ok(addresses) => addresses.collect(),
                Err(_) => return false,
            },
        };
        addresses.iter().any(|address| self.reaches(&named.host, address.ip()))
    }

    /// Whether a connection may be made to `address`, asked for as `host`.
    pub fn reaches(&self, host: &str, address: IpAddr) -> bool {
        if self.filter.allowed_hosts.iter().any(|allowed| allowed == host) {
            return true;
        }
        let forbidden = |disallowed: &String| disallowed.parse().is_ok_and(|disallowed: IpAddr| disallowed == address);
        let listed = self.filter.allowed_hosts.is_empty() && self.filter.disallowed_hosts.iter().any(forbidden);
        !listed && is_elsewhere(address)
    }
}

/// A list of what is allowed, when there is one, leaves the list of what is not without effect.
fn allowed<T: PartialEq>(value: &T, allowed: &[T], disallowed: &[T]) -> bool {
    if allowed.is_empty() { !disallowed.contains(value) } else { allowed.contains(value) }
}

/// Whether `address` is of another machine, and not one that is the same everywhere and means something else everywhere.
fn is_elsewhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let here = v4.is_loopback() || v4.octets()[0] == 0;
            !(here || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast())
        }
        IpAddr::V6(v6) => {
            let own = !(v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_multicast());
            own && v4_within(v6).is_none_or(|v4| is_elsewhere(IpAddr::V4(v4)))
        }
    }
}

/// The address of the old kind that `v6` stands for: mapped, compatible, or through a translator.
fn v4_within(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b] = v6.segments();
    let translated = v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    let last = Ipv4Addr::from((u32::from(a) << 16) | u32::from(b));
    v6.to_ipv4().or_else(|| translated.then_some(last))
}

/// What a URL names, read twice: as it stands there, and as our client will understand it. Where the two differ, somebody
/// means one host and shows another.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    scheme: String,
    /// A name in lower case, or an address in its usual form.
    host: String,
    port: u16,
}

impl Named {
    fn parse(url: &str) -> Option<Self> {
        let understood = Url::parse(url).ok()?;
        // Some take a backslash for a slash, and some do not.
        let (_, rest) = url.split_once("://").filter(|_| !url.contains('\\'))?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let (host, port) = match place.strip_prefix('[') {
            Some(v6) => v6.split_once(']').map(|(host, port)| (host, port.strip_prefix(':')))?,
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let port = match port {
            Some(port) if !port.is_empty() => port.parse().ok()?,
            _ => understood.port_or_known_default()?,
        };
        let host = host.to_ascii_lowercase();
        let host = match host.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => return None,
            Err(_) => host,
        };
        let same_host = understood.host_str()?.trim_matches(['[', ']']).parse::<IpAddr>().map_or_else(
            |_| understood.host_str() == Some(&host),
            |address| host.parse::<IpAddr>().is_ok_and(|named| named == address),
        );
        let same_port = understood.port_or_known_default() == Some(port);
        (same_host && same_port).then(|| Self { scheme: understood.scheme().to_owned(), host, port })
    }
}

#[cfg(test)]
mod tests;
