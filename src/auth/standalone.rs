//! The built-in identity of a stand-alone service: its own users, projects and tokens.

use crate::clock::Clock;
use crate::config::BuiltInIdentity;
use crate::db::Db;
use crate::error::Result;
use crate::model::identity::Identity;

/// The built-in identity.
pub struct Standalone {
    db: Db,
    clock: Clock,
    options: BuiltInIdentity,
}

/// The accounts that a new service begins with.
pub struct FirstAccounts {
    /// The administrator.
    pub admin: Account,
    /// The first user.
    pub demo: Account,
}

/// A user who can log in.
pub struct Account {
    /// The user's name.
    pub user: String,
    /// The password, as chosen.
    pub password: String,
    /// The project that the user works in.
    pub project: String,
}

impl Standalone {
    /// The identity kept in `db`.
    pub fn new(db: Db, clock: Clock, options: BuiltInIdentity) -> Self {
        Self { db, clock, options }
    }

    /// Makes the first accounts of a service that has none yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_accounts(&self) -> Result<Option<FirstAccounts>> {
        Ok(None)
    }

    /// The bearer of `token`; none when it is not valid.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identify(&self, _token: &str) -> Result<Option<Identity>> {
        Ok(None)
    }
}
