//! Logging in: what a client brings is proved, the place that it asks for is looked up, and it gets a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;
use secrecy::{ExposeSecret, SecretString};

use crate::auth::standalone::tokens::{fresh, hash};
use crate::auth::standalone::{DOMAIN_ID, DOMAIN_NAME, Issued, Standalone};
use crate::clock::{Timestamp, random_bytes};
use crate::db::identity::credentials::{self, Wanted};
use crate::db::identity::tokens::{self, Ground};
use crate::db::identity::{self, Which};
use crate::error::{Error, Kind, Result};
use crate::model::account::{ApplicationCredential, Method, Named, Role, Token, TokenCredential, User};

/// How many tokens a user has at the most; the oldest make room for new ones.
const TOKENS_PER_USER_MAX: u32 = 10_000;

/// What a client brings, and what it wants.
#[derive(Debug)]
pub struct Login {
    /// The proofs of who it is. All have to hold, and for the same user.
    pub proofs: Vec<Proof>,
    /// Where the token is to be good.
    pub scope: Scope,
}

/// A proof of who a client is.
#[derive(Debug)]
pub enum Proof {
    /// A user's password.
    Password {
        /// The user.
        who: Who,
        /// The password.
        password: SecretString,
    },
    /// A token.
    Token(SecretString),
    /// An application credential.
    ApplicationCredential {
        /// Which one.
        which: WhichCredential,
        /// Its secret.
        secret: SecretString,
    },
}

/// The domain that a client names. There is one.
#[derive(Debug, PartialEq, Eq)]
pub enum Domain {
    /// The one that there is.
    Default,
    /// Any other.
    Unknown,
}

impl Domain {
    /// The domain with this id or, if one is given, this name.
    pub fn named(id: Option<&str>, name: Option<&str>) -> Self {
        let known = match name.filter(|name| !name.is_empty()) {
            // Keystone's database compares names like this.
            Some(name) => name.eq_ignore_ascii_case(DOMAIN_NAME),
            None => id == Some(DOMAIN_ID),
        };
        if known { Self::Default } else { Self::Unknown }
    }
}

/// Which user a client says it is.
#[derive(Debug)]
pub enum Who {
    /// The one with this id.
    Id(String),
    /// The one with this name.
    Name(String, Domain),
}

/// Which application credential a client has.
#[derive(Debug)]
pub enum WhichCredential {
    /// The one with this id.
    Id(String),
    /// The one with this name among a user's.
    Name(String, Who),
}

/// Where a token is to be good.
#[derive(Debug)]
pub enum Scope {
    /// In the user's default project, if it has one and a role there.
    Unsaid,
    /// Nowhere.
    Unscoped,
    /// In a project.
    Project(Place),
    /// In something else that Keystone knows: a domain, the whole system, what a trust is for. Nobody has a role there.
    Elsewhere,
}

/// Which project is meant.
#[derive(Debug)]
pub enum Place {
    /// The one with this id.
    Id(String),
    /// The one with this name.
    Name(String, Domain),
}

/// What the proofs of a login say together.
struct Proven {
    user: User,
    methods: Vec<Method>,
    grounds: Vec<Ground>,
    expires_at: Timestamp,
    chain_id: Option<String>,
    credential: Option<ApplicationCredential>,
}

impl Standalone {
    /// A token for who can prove who it is.
    ///
    /// # Errors
    /// `Unauthenticated` when a proof does not hold, or the user has no role where the token is to be good; `Forbidden`
    /// or `NotFound` for tokens that no other token is made of; `Unavailable` when too many log in.
    pub async fn log_in(&self, login: &Login) -> Result<Issued> {
        let now = self.clock.now();
        let proven = self.prove(&login.proofs, now).await?;
        let project = self.place(&proven, &login.scope).await?;
        let (project, roles) = project.unzip();
        let (secret, hash) = fresh();
        let token = Token {
            user: Named { id: proven.user.id, name: proven.user.name },
            project,
            roles: roles.unwrap_or_default(),
            methods: proven.methods,
            credential: proven.credential.map(|credential| TokenCredential {
                id: credential.id,
                name: credential.name,
                unrestricted: credential.unrestricted,
            }),
            audit_id: URL_SAFE_NO_PAD.encode(random_bytes::<16>()),
            chain_id: proven.chain_id,
            issued_at: now,
            expires_at: proven.expires_at,
        };
        if !tokens::add(&self.db, &hash, &token, &proven.grounds, TOKENS_PER_USER_MAX.into()).await? {
            // What was right a moment ago was changed meanwhile.
            return Err(Error::new(Kind::Unauthenticated));
        }
        Ok(Issued { secret, token })
    }

    async fn prove(&self, proofs: &[Proof], now: Timestamp) -> Result<Proven> {
        let mut together: Option<Proven> = None;
        for proof in proofs {
            let one = match proof {
                Proof::Password { who, password } => self.prove_password(who, password, now).await?,
                Proof::Token(token) => self.prove_token(token).await?,
                Proof::ApplicationCredential { which, secret } => self.prove_credential(which, secret, now).await?,
            };
            together = Some(match together {
                None => one,
                Some(others) => others.and(one)?,
            });
        }
        together.ok_or_else(|| Error::new(Kind::Unauthenticated))
    }

    async fn prove_password(&self, who: &Who, password: &SecretString, now: Timestamp) -> Result<Proven> {
        let (user, hash) = self.checked(self.user(who).await?, |user| &user.id, password).await?;
        Ok(Proven {
            user,
            methods: vec![Method::Password],
            grounds: vec![Ground::Password(hash)],
            expires_at: self.usual_end(now),
            chain_id: None,
            credential: None,
        })
    }

    async fn prove_token(&self, given: &SecretString) -> Result<Proven> {
        let gone = || Error::not_found("Failed to validate token");
        let token = self.token(given.expose_secret()).await?.ok_or_else(gone)?;
        if token.credential.is_some() {
            return Err(Error::forbidden(
                "You are not authorized to perform the requested action: Using a delegated token to create another \
                 token is not allowed.",
            ));
        }
        let user = identity::user(&self.db, Which::Id(&token.user.id)).await?;
        let (user, _) = user.ok_or_else(gone)?;
        let mut methods = token.methods;
        if !methods.contains(&Method::Token) {
            methods.push(Method::Token);
        }
        Ok(Proven {
            user,
            methods,
            grounds: vec![Ground::Token(hash(given.expose_secret()))],
            // Else a token could be made to last for ever.
            expires_at: token.expires_at,
            chain_id: Some(token.chain_id.unwrap_or(token.audit_id)),
            credential: None,
        })
    }

    async fn prove_credential(&self, which: &WhichCredential, secret: &SecretString, now: Timestamp) -> Result<Proven> {
        let found = self.credential(which, now).await?;
        let (credential, _) = self.checked(found, |credential| &credential.id, secret).await?;
        let user = identity::user(&self.db, Which::Id(&credential.user_id)).await?;
        let (user, _) = user.ok_or_else(|| Error::new(Kind::Unauthenticated))?;
        let usual = self.usual_end(now);
        Ok(Proven {
            user,
            methods: vec![Method::ApplicationCredential],
            grounds: vec![Ground::Credential(credential.id.clone())],
            expires_at: credential.expires_at.map_or(usual, |end| end.min(usual)),
            chain_id: None,
            credential: Some(credential),
        })
    }

    /// `found`, if `given` is what its hash is of. Who finds nobody, and who guesses too often, waits as long for the
    /// same answer as who is wrong.
    pub(super) async fn checked<T>(
        &self,
        found: Option<(T, String)>,
        id: impl Fn(&T) -> &str,
        given: &SecretString,
    ) -> Result<(T, String)> {
        let now = self.clock.now();
        let looked_at = found.as_ref().filter(|(known, _)| self.throttle.allows(id(known), now));
        let right = self.passwords.matches(given, looked_at.map(|(_, hash)| hash.as_str())).await?;
        if let Some((known, _)) = looked_at {
            if right {
                self.throttle.succeeded(id(known));
            } else {
                self.throttle.failed(id(known), now);
                tracing::info!(id = id(known), "login refused: wrong password or secret");
            }
        } else if let Some((known, _)) = &found {
            tracing::warn!(id = id(known), "login refused unseen: too many wrong passwords or secrets before it");
        }
        found.filter(|_| right).ok_or_else(|| Error::new(Kind::Unauthenticated))
    }

    pub(super) async fn user(&self, who: &Who) -> Result<Option<(User, String)>> {
        let which = match who {
            Who::Id(id) => Which::Id(id),
            Who::Name(name, Domain::Default) => Which::Name(name),
            Who::Name(_, Domain::Unknown) => return Ok(None),
        };
        Ok(identity::user(&self.db, which).await?)
    }

    /// The application credential that is meant, if it has not ended.
    async fn credential(
        &self,
        which: &WhichCredential,
        now: Timestamp,
    ) -> Result<Option<(ApplicationCredential, String)>> {
        let found = match which {
            WhichCredential::Id(id) => credentials::find(&self.db, Wanted::Id(id)).await?,
            WhichCredential::Name(name, who) => match self.user(who).await? {
                Some((user, _)) => {
                    let user_id = &user.id;
                    credentials::find(&self.db, Wanted::Name { user_id, name }).await?
                }
                None => None,
            },
        };
        Ok(found.filter(|(credential, _)| credential.expires_at.is_none_or(|end| end > now)))
    }

    /// The project that the token is for, with the user's roles in it; none when it is for none.
    async fn place(&self, proven: &Proven, scope: &Scope) -> Result<Option<(Named, Vec<Role>)>> {
        let nowhere = || Error::new(Kind::Unauthenticated);
        if let Some(credential) = &proven.credential {
            let project = identity::project(&self.db, Which::Id(&credential.project_id)).await?;
            return Ok(Some((project.ok_or_else(nowhere)?, Role::with_implied(&credential.roles))));
        }
        let which = match scope {
            Scope::Unscoped => return Ok(None),
            Scope::Unsaid => {
                let Some(id) = &proven.user.default_project_id else {
                    return Ok(None);
                };
                return self.roles_in(&proven.user, Which::Id(id)).await;
            }
            Scope::Project(Place::Id(id)) => Which::Id(id),
            Scope::Project(Place::Name(name, Domain::Default)) => Which::Name(name),
            Scope::Project(Place::Name(_, Domain::Unknown)) | Scope::Elsewhere => return Err(nowhere()),
        };
        let found = self.roles_in(&proven.user, which).await?;
        found.map(Some).ok_or_else(nowhere)
    }

    /// A project with the user's roles in it; none when there are none.
    async fn roles_in(&self, user: &User, which: Which<'_>) -> Result<Option<(Named, Vec<Role>)>> {
        let Some(project) = identity::project(&self.db, which).await? else {
            return Ok(None);
        };
        let given = identity::roles(&self.db, &user.id, &project.id).await?;
        Ok((!given.is_empty()).then(|| (project, Role::with_implied(&given))))
    }

    fn usual_end(&self, now: Timestamp) -> Timestamp {
        let lifetime = Duration::from_std(self.options.token_lifetime).ok();
        lifetime.and_then(|lifetime| now.checked_add_signed(lifetime)).unwrap_or(Timestamp::MAX_UTC)
    }
}

impl Proven {
    /// Both together; they have to be of the same user.
    fn and(mut self, other: Self) -> Result<Self> {
        if self.user.id != other.user.id {
            return Err(Error::new(Kind::Unauthenticated));
        }
        for method in other.methods {
            if !self.methods.contains(&method) {
                self.methods.push(method);
            }
        }
        self.grounds.extend(other.grounds);
        self.expires_at = self.expires_at.min(other.expires_at);
        self.chain_id = self.chain_id.or(other.chain_id);
        self.credential = self.credential.or(other.credential);
        Ok(self)
    }
}
