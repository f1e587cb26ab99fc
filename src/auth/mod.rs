//! Who is calling: a token becomes an identity.

pub mod standalone;

use crate::auth::standalone::FirstAccounts;
use crate::error::Result;
use crate::model::identity::Identity;
use standalone::Standalone;

/// Where tokens come from.
pub enum Authority {
    /// The built-in identity of a stand-alone service.
    Standalone(Standalone),
}

impl Authority {
    /// Makes the first accounts of a service that has none yet; none when it has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_accounts(&self) -> Result<Option<FirstAccounts>> {
        match self {
            Self::Standalone(standalone) => standalone.first_accounts().await,
        }
    }

    /// The bearer of `token`; none when it is not valid.
    ///
    /// # Errors
    /// When it cannot be found out.
    pub async fn identify(&self, token: &str) -> Result<Option<Identity>> {
        match self {
            Self::Standalone(standalone) => standalone.identify(token).await,
        }
    }
}
