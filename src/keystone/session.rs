//! A session with Keystone: our own login, and questions that need it. Everything has a deadline, few questions are
//! open at a time, and a Keystone that cannot be reached is left alone for a moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::clock::{Clock, Timestamp};
use crate::config::keystone::Access;
use crate::error::{Error, Result, with_causes};
use crate::fetch::certificates;
use crate::keystone::catalog::OwnToken;
use crate::keystone::login;

/// How long Keystone may take for one answer, where the operator does not say.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one question may take in all: the wait for its turn, our login, every attempt.
const DEADLINE: Duration = Duration::from_secs(30);
/// Questions that are open at a time.
const OPEN_MAX: usize = 32;
/// The wait before the first new attempt to connect; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How long nothing is asked after Keystone could not be reached.
const REST: Duration = Duration::from_secs(1);
/// How long an idle connection is kept: less than servers do.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// The longest answer that is read. A catalogue of many regions is some hundred kilobytes.
const ANSWER_MAX: usize = 4 << 20;
/// Our own token is renewed so long before its end, in seconds.
const RENEW_BEFORE_S: i64 = 120;

/// Why Keystone gave no answer that counts: for the log. Several may wait for one answer, so it can be copied.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Away(Arc<str>);

impl Away {
    /// That it is away for this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into().into())
    }

    /// That it answers with a status which says nothing about what was asked.
    pub fn status(status: u16) -> Self {
        Self::because(if status == 401 { "it refuses our own token".to_owned() } else { format!("status {status}") })
    }
}

impl From<Away> for Error {
    fn from(away: Away) -> Self {
        let cause: Box<dyn std::error::Error + Send + Sync> = format!("Keystone gives no answer: {away}").into();
        Self::unavailable(cause).adding("The Keystone service is temporarily unavailable.")
    }
}

/// A session with Keystone: connections to it, and our own token there.
pub struct Session {
    http: reqwest::Client,
    access: Access,
    clock: Clock,
    own: tokio::sync::Mutex<Option<Arc<Own>>>,
    turns: Semaphore,
    /// Until when nothing is asked, and why.
    resting: Mutex<Option<(Instant, Away)>>,
}

/// Our own token, and where it lets us ask.
struct Own {
    token: SecretString,
    renew_at: Timestamp,
    /// Keystone's address, up to the version.
    endpoint: String,
}

/// Keystone's answer, read whole.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What it says.
    pub body: Vec<u8>,
    subject: Option<SecretString>,
}

impl Session {
    /// A session by `access`. Nothing is asked yet.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn open(access: Access, clock: Clock) -> Result<Self> {
        Ok(Self {
            http: http(&access)?,
            access,
            clock,
            own: tokio::sync::Mutex::default(),
            turns: Semaphore::new(OPEN_MAX),
            resting: Mutex::default(),
        })
    }

    /// Asks for what is at `path`, below the version of the Identity API, with `headers`, which nobody sees.
    ///
    /// # Errors
    /// When Keystone gives no answer, whatever its status.
    pub async fn ask(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Answer, Away> {
        let in_time = timeout(DEADLINE, async {
            let Ok(_turn) = self.turns.acquire().await else {
                return Err(Away::because("we are stopping"));
            };
            let own = self.own_token().await?;
            let answer = self.ask_as(&own, path, headers).await?;
            if answer.status != 401 {
                return Ok(answer);
            }
            // Our own token may have been revoked: once more with a new one.
            self.forget(&own).await;
            let own = self.own_token().await?;
            self.ask_as(&own, path, headers).await
        });
        in_time.await.unwrap_or_else(|_| Err(Away::because("it took too long in all")))
    }

    async fn ask_as(&self, own: &Own, path: &str, headers: &[(&'static str, &str)]) -> Result<Answer, Away> {
        let url = format!("{}{path}", own.endpoint);
        let mut sent = vec![("X-Auth-Token", sensitive(own.token.expose_secret())?)];
        for &(name, value) in headers {
            sent.push((name, sensitive(value)?));
        }
        let request = || sent.iter().fold(self.http.get(&url), |request, (name, value)| request.header(*name, value));
        self.send(request).await
    }

    /// A token of our own that is good for a while.
    async fn own_token(&self) -> Result<Arc<Own>, Away> {
        let mut kept = self.own.lock().await;
        if let Some(own) = kept.as_ref().filter(|own| self.clock.now() < own.renew_at) {
            return Ok(Arc::clone(own));
        }
        let own = Arc::new(self.log_in().await?);
        *kept = Some(Arc::clone(&own));
        Ok(own)
    }

    async fn forget(&self, refused: &Arc<Own>) {
        let mut kept = self.own.lock().await;
        if kept.as_ref().is_some_and(|own| Arc::ptr_eq(own, refused)) {
            *kept = None;
        }
    }

    async fn log_in(&self) -> Result<Own, Away> {
        let base = versioned(&self.access.auth_url);
        let body = login::body(&self.access.login).to_string();
        let request = || {
            let request = self.http.post(format!("{base}/auth/tokens"));
            request.header("Content-Type", "application/json").body(body.clone())
        };
        let answer = self.send(request).await?;
        let refused = |reason: String| self.rest(Away::because(format!("our own login: {reason}")));
        if answer.status != 201 {
            return Err(refused(format!("status {}", answer.status)));
        }
        let own = OwnToken::read(&answer.body).map_err(|error| refused(error.to_string()))?;
        let token = answer.subject.ok_or_else(|| refused("no token in the answer".into()))?;
        let (interfaces, region) = (&self.access.interfaces, self.access.region_name.as_deref());
        let listed = || own.identity_endpoint(interfaces, region);
        let endpoint = self.access.endpoint_override.as_deref().or_else(listed).ok_or_else(|| {
            let place = region.map_or_else(String::new, |region| format!(" in region {region}"));
            let interfaces = interfaces.join(" or ");
            refused(format!("the catalogue has no {interfaces} endpoint of the identity service{place}"))
        })?;
        tracing::debug!(endpoint, "logged in to Keystone");
        let renew_at = own.expires_at - TimeDelta::seconds(RENEW_BEFORE_S);
        Ok(Own { token, renew_at, endpoint: versioned(endpoint) })
    }

    /// Sends a request and reads the answer; connecting is tried again as often as the operator wants.
    async fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Answer, Away> {
        let mut pause = FIRST_PAUSE;
        let mut attempts_left = self.access.connect_retries;
        loop {
            self.is_resting()?;
            let error = match request().send().await {
                Ok(response) => return self.read(response).await,
                Err(error) => error,
            };
            if !error.is_connect() || error.is_timeout() || attempts_left == 0 {
                return Err(self.failed(&error));
            }
            attempts_left -= 1;
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn read(&self, mut response: Response) -> Result<Answer, Away> {
        let status = response.status().as_u16();
        let subject = response.headers().get("X-Subject-Token").and_then(|token| token.to_str().ok()).map(Into::into);
        let mut body = Vec::new();
        while let Some(block) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if body.len() + block.len() > ANSWER_MAX {
                return Err(Away::because("its answer is too long"));
            }
            body.extend_from_slice(&block);
        }
        Ok(Answer { status, body, subject })
    }

    /// A failure of the connection. Only one that is not the fault of a single question makes us rest.
    fn failed(&self, error: &reqwest::Error) -> Away {
        // There is no token in it: tokens are only in headers.
        let away = Away::because(with_causes(error));
        if error.is_connect() || error.is_timeout() { self.rest(away) } else { away }
    }

    fn is_resting(&self) -> Result<(), Away> {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        match &*resting {
            Some((until, away)) if Instant::now() < *until => Err(away.clone()),
            _ => Ok(()),
        }
    }

    fn rest(&self, away: Away) -> Away {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        *resting = Some((Instant::now() + REST, away.clone()));
        away
    }
}

/// `url` up to the version, which is always 3.
fn versioned(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let base = url.strip_suffix("/v3").or_else(|| url.strip_suffix("/v2.0")).unwrap_or(url);
    format!("{base}/v3")
}

fn sensitive(token: &str) -> Result<HeaderValue, Away> {
    let mut value = HeaderValue::from_str(token).map_err(|error| Away::because(error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn http(access: &Access) -> Result<reqwest::Client> {
    let mut builder = builder(access)?;
    if let Some(file) = &access.cafile {
        builder = builder.tls_certs_only(certificates::trusted(file).map_err(Error::internal)?);
    }
    let built = match builder.build() {
        // Where a system has no certificates to trust, a Keystone without TLS can still be asked.
        Err(_) if access.auth_url.starts_with("http:") => self::builder(access)?.tls_certs_only([]).build(),
        built => built,
    };
    built.map_err(Error::internal)
}

fn builder(access: &Access) -> Result<ClientBuilder> {
    let builder = reqwest::Client::builder()
        .timeout(access.timeout.unwrap_or(ANSWER_TIMEOUT))
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(OPEN_MAX)
        .redirect(Policy::none())
        .user_agent(concat!("glint/", env!("CARGO_PKG_VERSION")))
        .tls_danger_accept_invalid_certs(access.insecure);
    let Some(file) = &access.certfile else { return Ok(builder) };
    let shown = certificates::shown(file, access.keyfile.as_deref()).map_err(Error::internal)?;
    Ok(builder.identity(shown))
}

#[cfg(test)]
mod tests {
    use super::versioned;

    #[test]
    fn addresses_lead_to_version_3() {
        let cases = [
            ("http://k:5000", "http://k:5000/v3"),
            ("http://k:5000/", "http://k:5000/v3"),
            ("http://k:5000/v3", "http://k:5000/v3"),
            ("http://k:5000/v3/", "http://k:5000/v3"),
            ("http://k:5000/v2.0", "http://k:5000/v3"),
            ("https://k/identity", "https://k/identity/v3"),
        ];
        for (url, expected) in cases {
            assert_eq!(versioned(url), expected, "{url}");
        }
    }
}
