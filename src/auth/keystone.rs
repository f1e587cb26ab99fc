//! Keystone: whose a token is, asked of it and believed for a while, as Keystone's own `auth_token` does.
//!
//! A question is asked once however many requests wait for the answer, and it lives only as long as one of them waits.

mod access_rules;
mod cache;
mod client;
mod login;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Duration;
use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};

use crate::clock::Clock;
use crate::config::keystone::Keystone as Options;
use crate::error::{Error, Result};
use crate::model::identity::Identity;
use cache::{Cache, Question};
use client::{Away, Client};
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
    client: Arc<Client>,
    memory: Arc<Mutex<Memory>>,
}

/// What Keystone said, and what it is being asked.
struct Memory {
    known: Cache<Arc<Token>>,
    refused: Cache<()>,
    questions: HashMap<Question, WeakShared<Asking>>,
}

type Said = Result<Option<Arc<Token>>, Away>;
type Asking = BoxFuture<'static, Said>;

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
            questions: HashMap::new(),
        };
        let client = Arc::new(Client::open(options.clone(), clock.clone())?);
        Ok(Self { options, clock, client, memory: Arc::new(Mutex::new(memory)) })
    }

    /// Where clients are told to get a token.
    pub fn www_authenticate_uri(&self) -> &str {
        self.options.www_authenticate_uri.as_deref().unwrap_or(&self.options.auth_url)
    }

    /// Who sent what `shown` is of; none when no valid token says so.
    ///
    /// # Errors
    /// `Unavailable` when Keystone cannot say.
    pub async fn identify(&self, shown: &Shown<'_>) -> Result<Option<Identity>> {
        let Some(token) = shown.token else { return Ok(None) };
        let service = match shown.service_token {
            Some(token) => self.service(token).await?,
            None => None,
        };
        let by_service = service.as_ref().is_some_and(|service| service.has_role);
        let Some(token) = self.valid(token, by_service).await? else { return Ok(None) };
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
    async fn service(&self, token: &str) -> Result<Option<Service>> {
        let Some(token) = self.valid(token, false).await? else { return Ok(None) };
        let wanted = &self.options.service_token_roles;
        let has_role = token.bearer.roles.iter().any(|role| wanted.contains(role));
        Ok((has_role || !self.options.service_token_roles_required).then_some(Service { token, has_role }))
    }

    /// What `token` says, if it is good now; it may have ended if `allow_expired`.
    async fn valid(&self, token: &str, allow_expired: bool) -> Result<Option<Arc<Token>>> {
        let token = token.trim();
        if token.is_empty() || token.len() > TOKEN_LEN_MAX {
            return Ok(None);
        }
        let said = self.ask(token, allow_expired).await.map_err(|away| {
            let away: Box<dyn std::error::Error + Send + Sync> = format!("Keystone gives no answer: {away}").into();
            Error::unavailable(away).adding("The Keystone service is temporarily unavailable.")
        })?;
        Ok(said.filter(|token| allow_expired || !token.has_ended(self.clock.now())))
    }

    /// What Keystone says of `token`: from memory, or with others who ask the same, or by asking.
    async fn ask(&self, token: &str, allow_expired: bool) -> Said {
        let question = Question::about(token, allow_expired);
        let asking = {
            let mut memory = lock(&self.memory);
            let now = self.clock.now();
            if let Some(token) = memory.known.get(&question, now) {
                return Ok(Some(token));
            }
            if memory.refused.get(&question, now).is_some() {
                return Ok(None);
            }
            memory.join(question).unwrap_or_else(|| {
                let asking = self.question(question, token.to_owned()).boxed().shared();
                memory.begin(question, &asking);
                asking
            })
        };
        asking.await
    }

    /// Asks Keystone, and remembers what it says.
    fn question(&self, question: Question, token: String) -> impl Future<Output = Said> + use<> {
        let (client, memory, clock) = (Arc::clone(&self.client), Arc::clone(&self.memory), self.clock.clone());
        async move {
            let said = client.validate(&token, question.allow_expired).await.map(|token| token.map(Arc::new));
            let (mut memory, now) = (lock(&memory), clock.now());
            match &said {
                Ok(Some(token)) => memory.known.put(question, Arc::clone(token), now),
                Ok(None) => memory.refused.put(question, (), now),
                Err(_) => {}
            }
            memory.questions.remove(&question);
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

impl Memory {
    /// The asking of `question` that is under way, if there is one.
    fn join(&self, question: Question) -> Option<Shared<Asking>> {
        self.questions.get(&question)?.upgrade()
    }

    fn begin(&mut self, question: Question, asking: &Shared<Asking>) {
        // Those whose every asker has gone away are over. There are never more of the others than requests.
        self.questions.retain(|_, asking| asking.upgrade().is_some());
        if let Some(asking) = asking.downgrade() {
            self.questions.insert(question, asking);
        }
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    // Whoever panicked with the lock left at worst an answer out.
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
