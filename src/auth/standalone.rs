//! The built-in identity of a stand-alone service: its own users, projects and tokens.
//!
//! Users live in the one domain `default`. Whatever a token says is read from the database each time, so that a user,
//! a role or a token that goes is gone with the next request, also when another process took it away.

mod accounts;
mod credentials;
mod login;
mod passwords;
mod throttle;
mod tokens;

use std::path::Path;

use crate::clock::{Clock, new_uuid};
use crate::config::BuiltInIdentity;
use crate::db::Db;
use crate::error::Result;
use crate::model::account::{Role, Token};
use crate::model::identity::Identity;
use passwords::Passwords;
use throttle::Throttle;

pub use accounts::{Account, FirstAccounts, generated_password};
pub use credentials::NewCredential;
pub use login::{Domain, Login, Place, Proof, Scope, WhichCredential, Who};
pub use tokens::Issued;

/// The id of the one domain.
pub const DOMAIN_ID: &str = "default";
/// The name of the one domain.
pub const DOMAIN_NAME: &str = "Default";

/// The built-in identity.
pub struct Standalone {
    db: Db,
    clock: Clock,
    options: BuiltInIdentity,
    passwords: Passwords,
    throttle: Throttle,
}

impl Standalone {
    /// The identity kept in `db`.
    ///
    /// # Errors
    /// When the cost of passwords is none that the algorithm knows.
    pub fn new(db: Db, clock: Clock, options: BuiltInIdentity) -> Result<Self> {
        Ok(Self {
            db,
            clock,
            passwords: Passwords::new(options.password_cost)?,
            options,
            throttle: Throttle::default(),
        })
    }

    /// The identity of the service that has its database in `file`.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn open(file: &Path, clock: Clock, options: BuiltInIdentity) -> Result<Self> {
        Self::new(Db::open_sqlite(file).await?, clock, options)
    }

    /// Ends the work with the database in order.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// The bearer of `token`; none when it is not valid.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identify(&self, token: &str) -> Result<Option<Identity>> {
        Ok(self.token(token).await?.map(identity))
    }
}

fn identity(token: Token) -> Identity {
    Identity {
        user_id: Some(token.user.id),
        user_domain_id: Some(DOMAIN_ID.into()),
        project_domain_id: token.project.is_some().then(|| DOMAIN_ID.into()),
        project_id: token.project.map(|project| project.id),
        roles: token.roles.into_iter().map(Role::as_str).map(Into::into).collect(),
        ..Identity::default()
    }
}

/// An id in Keystone's form.
fn new_id() -> String {
    new_uuid().simple().to_string()
}
