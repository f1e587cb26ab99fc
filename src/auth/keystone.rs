//! Keystone: whose a token is, asked of it and believed for a while, as Keystone's own `auth_token` does.
//!
//! A question is asked once however many requests wait for the answer, and it lives only as long as one of them waits.

mod access_rules;
mod token;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::Duration;
use futures_util::future::FutureExt;

use crate::clock::Clock;
use crate::config::keystone::Keystone as Options;
use crate::error::{Error, Result};
use crate::keystone::memory::{Askings, Cache};
use crate::keystone::session::{Answer, Away, Session};
use crate::model::identity::Identity;
use token::Token;

/// Tokens that are remembered.
const KNOWN_MAX: usize = 10_000;
/// Tokens of which it is remembered that they are none. They have room of their own, so that guesses drive nobody out.
const REFUSED_MAX: usize = 10_000;
/// How long that is remembered, in seconds: long enough for a client that tries again and again.
const REFUSED_FOR_S: i64 = 10;
/// The longest token that is worth a question.
const TOKEN_LEN_MAX: usize = 8 << 10;

/// What a request shows of its sender.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The user's token.
    pub token: Option<&'a str>,
    /// The token of the service that passes the request on.
    pub service_token: Option<&'a str>,
    /// What is asked of us: some tokens are only good for some requests.
    pub method: &'a str,
    /// Likewise: the path with the version.
    pub path: &'a str,
}

/// Keystone, seen from here.
pub struct Keystone {
    options: Options,
    clock: Clock,
    session: Arc<Session>,
    memory: Arc<Mutex<Memory>>,
}

/// What Keystone said, and what it is being asked.
struct Memory {
    known: Cache<Question, Arc<Token>>,
    refused: Cache<Question, ()>,
    questions: Askings<Question, Said>,
}

type Said = Result<Option<Arc<Token>>, Away>;

/// What is asked: the hash of a token, and whether it may have ended already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Question {
    hash: [u8; 32],
    allow_expired: bool,
}

/// A valid token of a service that passes a request on.
struct Service {
    token: Arc<Token>,
    /// Whether it has one of the roles that make a service.
    has_role: bool,
}

impl Keystone {
    /// Keystone as `options` say. Nothing is asked of it yet.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn open(options: Options, clock: Clock) -> Result<Self> {
        let keep = options.token_cache_time.unwrap_or_default();
        let keep = Duration::from_std(keep).map_err(Error::internal)?;
        let memory = Memory {
            known: Cache::new(keep, KNOWN_MAX),
            refused: Cache::new(keep.min(Duration::seconds(REFUSED_FOR_S)), REFUSED_MAX),
            questions: Askings::default(),
        };
        let session = Arc::new(Session::open(options.access.clone(), clock.clone())?);
        Ok(Self { options, clock, session, memory: Arc::new(Mutex::new(memory)) })
    }

    /// Where clients are told to get a token.
    pub fn www_authenticate_uri(&self) -> &str {
        self.options.www_authenticate_uri.as_deref().unwrap_or(&self.options.access.auth_url)
    }

    /// Who sent what `shown` is of; none when no valid token says so.
    ///
    /// # Errors
    /// `Unavailable` when Keystone cannot say.
    pub async fn identify(&self, shown: &Shown<'_>) -> Result<Option<Identity>> {
        let Some(token) = shown.token else { return Ok(None) };
        let anew = self.options.revalidate_tokens && !["GET", "HEAD", "OPTIONS"].contains(&shown.method);
        let service = match shown.service_token {
            Some(token) => self.service(token, anew).await?,
            None => None,
        };
        let by_service = service.as_ref().is_some_and(|service| service.has_role);
        let Some(token) = self.valid(token, by_service, anew).await? else { return Ok(None) };
        if !self.may_be_used_for(&token, shown, by_service) {
            return Ok(None);
        }
        let mut identity = token.bearer.clone();
        if let Some(Service { token, .. }) = service {
            identity.service_user_id.clone_from(&token.bearer.user_id);
            identity.service_user_domain_id.clone_from(&token.bearer.user_domain_id);
            identity.service_project_id.clone_from(&token.bearer.project_id);
            identity.service_project_domain_id.clone_from(&token.bearer.project_domain_id);
            identity.service_roles.clone_from(&token.bearer.roles);
        }
        Ok(Some(identity))
    }

    /// The service whose `token` is; none when it counts for nothing.
    async fn service(&self, token: &str, anew: bool) -> Result<Option<Service>> {
        let Some(token) = self.valid(token, false, anew).await? else { return Ok(None) };
        let wanted = &self.options.service_token_roles;
        let has_role = token.bearer.roles.iter().any(|role| wanted.contains(role));
        Ok((has_role || !self.options.service_token_roles_required).then_some(Service { token, has_role }))
    }

    /// What `token` says, if it is good now; it may have ended if `allow_expired`. Asked `anew`, memory does not suffice.
    async fn valid(&self, token: &str, allow_expired: bool, anew: bool) -> Result<Option<Arc<Token>>> {
        let token = token.trim();
        if token.is_empty() || token.len() > TOKEN_LEN_MAX {
            return Ok(None);
        }
        let said = self.ask(token, allow_expired, anew).await?;
        Ok(said.filter(|token| allow_expired || !token.has_ended(self.clock.now())))
    }

    /// What Keystone says of `token`: from memory unless `anew`, or with others who ask the same, or by asking.
    async fn ask(&self, token: &str, allow_expired: bool, anew: bool) -> Said {
        let question = Question::about(token, allow_expired);
        let (asking, known) = {
            let mut memory = lock(&self.memory);
            let now = self.clock.now();
            let known = memory.known.get(&question, now);
            if known.is_some() && !anew {
                return Ok(known);
            }
            if memory.refused.get(&question, now).is_some() {
                return Ok(None);
            }
            (memory.questions.join(question, || self.question(question, token.to_owned()).boxed()), known)
        };
        // A Keystone that is away stops nobody whom it knew a moment ago.
        asking.await.or_else(|away| known.map(Some).ok_or(away))
    }

    /// Asks Keystone, and remembers what it says.
    fn question(&self, question: Question, token: String) -> impl Future<Output = Said> + use<> {
        let (session, memory, clock) = (Arc::clone(&self.session), Arc::clone(&self.memory), self.clock.clone());
        // The catalogue is only needed to know what an access rule speaks of.
        let flags = [(self.options.service_type.is_none(), "nocatalog"), (question.allow_expired, "allow_expired=1")];
        let flags: Vec<&str> = flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| *flag).collect();
        let path = if flags.is_empty() { "/auth/tokens".into() } else { format!("/auth/tokens?{}", flags.join("&")) };
        async move {
            // Keystone gives tokens with access rules only to those who say that they heed them.
            let headers = [("X-Subject-Token", &*token), ("OpenStack-Identity-Access-Rules", "1")];
            let answer = session.ask(&path, &headers).await;
            let said = answer.and_then(|answer| verdict(&answer)).map(|token| token.map(Arc::new));
            let (mut memory, now) = (lock(&memory), clock.now());
            match &said {
                Ok(Some(token)) => memory.known.put(question, Arc::clone(token), now),
                Ok(None) => {
                    memory.known.forget(&question);
                    memory.refused.put(question, (), now);
                }
                Err(_) => {}
            }
            memory.questions.end(&question);
            said
        }
    }

    /// Whether the access rules of `token` let it be used for what is asked. One service passing a request to another is
    /// not what they speak of.
    fn may_be_used_for(&self, token: &Token, shown: &Shown<'_>, by_service: bool) -> bool {
        let us = self.options.service_type.as_deref();
        token
            .access_rules
            .as_ref()
            .is_none_or(|rules| rules.speak_of(us) && (by_service || rules.allow(us, shown.method, shown.path)))
    }
}

impl Question {
    /// The question whether `token` is good.
    fn about(token: &str, allow_expired: bool) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self { hash, allow_expired }
    }
}

/// What Keystone's answer means.
fn verdict(answer: &Answer) -> Result<Option<Token>, Away> {
    match answer.status {
        200 => Token::read(&answer.body).map(Some).map_err(|error| Away::because(format!("its answer: {error}"))),
        // Not known, or of a form that cannot be known.
        400 | 404 | 413 | 414 | 431 => Ok(None),
        status => Err(Away::status(status)),
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    // Whoever panicked with the lock left at worst an answer out.
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
