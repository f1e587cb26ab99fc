//! Asking one web server: within the guard's limits, with bounds on time and redirections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_LENGTH, LOCATION};
use reqwest::{Client, ClientBuilder, Method, Proxy, Response, Url, redirect};
use tokio::net::lookup_host;

use super::certificates;
use super::guard::Guard;
use crate::blob::{Body, BodyError};
use crate::config::HttpStore;

/// The most requests for one thing: the first, and those to where it was redirected.
const REQUESTS_MAX: usize = 5;

/// How long a connection may take to be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may send nothing.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// Asks web servers.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    guard: Guard,
}

/// What a server gave.
pub struct Fetched {
    /// How long it says that the thing is; none when it does not say.
    pub length: Option<u64>,
    /// The bytes; none for a question about the length.
    pub bytes: Body,
}

/// Why there is nothing.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server does not have it.
    #[error("there is nothing at the URL")]
    NotFound,
    /// The URL cannot be asked for, or the server refused.
    #[error("{0}")]
    Refused(String),
    /// The server was not reached.
    #[error("the server was not reached: {0}")]
    Away(#[source] reqwest::Error),
}

impl Fetcher {
    /// A fetcher with these options.
    ///
    /// # Errors
    /// When certificates or proxies cannot be used. Blocks for reading a file.
    pub fn new(guard: Guard, options: &HttpStore) -> io::Result<Self> {
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(STALL_TIMEOUT);
        builder = match &options.https_ca_certificates_file {
            Some(file) => builder.tls_certs_only(certificates::trusted(file)?),
            None => builder.tls_danger_accept_invalid_certs(options.https_insecure),
        };
        let proxies = proxies(options).map_err(io::Error::other)?;
        builder = proxies.iter().cloned().map(|(_, proxy)| proxy).fold(builder, ClientBuilder::proxy);
        let proxy_hosts = proxies.into_iter().map(|(host, _)| host).collect();
        let resolver = Arc::new(Resolver { guard: guard.clone(), proxy_hosts });
        let client = builder.dns_resolver(resolver).build().map_err(io::Error::other)?;
        Ok(Self { client, guard })
    }

    /// The guard.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// What is at `url`.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        self.ask(Method::GET, url).await
    }

    /// How long what is at `url` is.
    ///
    /// # Errors
    /// When that cannot be known.
    pub async fn length(&self, url: &str) -> Result<Option<u64>, FetchError> {
        self.ask(Method::HEAD, url).await.map(|fetched| fetched.length)
    }

    async fn ask(&self, method: Method, url: &str) -> Result<Fetched, FetchError> {
        let mut url = parsed(url)?;
        for _ in 0..REQUESTS_MAX {
            self.address_allowed(&url)?;
            let request = self.client.request(method.clone(), url.clone());
            // The URL may hold a password: no error of the client shows it.
            let answer = request.send().await.map_err(|error| FetchError::Away(error.without_url()))?;
            match answer.status().as_u16() {
                ..=299 => return Ok(fetched(answer)),
                404 => return Err(FetchError::NotFound),
                301 | 302 => url = self.next(&answer).await?,
                status => return Err(FetchError::Refused(format!("the server answered {status}"))),
            }
        }
        Err(FetchError::Refused(format!("more than {REQUESTS_MAX} requests because of redirections")))
    }

    /// Where `answer` redirects to, if that may be asked for.
    async fn next(&self, answer: &Response) -> Result<Url, FetchError> {
        let refused = |text: &str| FetchError::Refused(text.to_owned());
        let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let location = location.ok_or_else(|| refused("the server redirected to nowhere"))?;
        let url = parsed(location)?;
        if !self.guard.admits(location).await {
            return Err(refused("the server redirected to where nobody may go"));
        }
        Ok(url)
    }

    /// Addresses in URLs meet no resolver.
    fn address_allowed(&self, url: &Url) -> Result<(), FetchError> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        match host.parse() {
            Ok(address) if !self.guard.reaches(host, address) => {
                Err(FetchError::Refused("nobody may go to the address in the URL".into()))
            }
            _ => Ok(()),
        }
    }
}

fn parsed(url: &str) -> Result<Url, FetchError> {
    let web = url.starts_with("http://") || url.starts_with("https://");
    let parsed = Url::parse(url).ok().filter(|_| web);
    parsed.ok_or_else(|| FetchError::Refused("it is no URL of a web server".into()))
}

fn fetched(answer: Response) -> Fetched {
    let length = answer.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let broken = |error: reqwest::Error| BodyError::Medium(io::Error::other(error.without_url()));
    let bytes = answer.bytes_stream().map(move |block| block.map_err(broken));
    Fetched { length, bytes: Box::pin(bytes) }
}

/// The proxies, each with its own host: connections go there, and nowhere else, for the URLs of a scheme.
fn proxies(options: &HttpStore) -> reqwest::Result<Vec<(String, Proxy)>> {
    let mut proxies = Vec::new();
    for (scheme, address) in &options.http_proxy_information {
        let address = if address.contains("://") { address.clone() } else { format!("http://{address}") };
        let host = Url::parse(&address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let proxy = if scheme == "https" { Proxy::https(address)? } else { Proxy::http(address)? };
        proxies.push((host, proxy));
    }
    Ok(proxies)
}

/// Tells the client the addresses of a name, without those that it may not connect to.
struct Resolver {
    guard: Guard,
    /// These are the operator's choice.
    proxy_hosts: Vec<String>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, host) = (self.guard.clone(), name.as_str().to_owned());
        let is_proxy = self.proxy_hosts.contains(&host);
        Box::pin(async move {
            let mut addresses = Vec::new();
            for address in lookup_host((host.as_str(), 0)).await? {
                if is_proxy || guard.reaches(&host, address.ip()) {
                    addresses.push(address);
                }
            }
            if addresses.is_empty() {
                return Err("nobody may go to where this name leads".into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
