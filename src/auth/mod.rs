//! Who is calling: a token becomes an identity.

pub mod standalone;

use crate::auth::standalone::FirstAccounts;
use crate::error::Result;
use standalone::Standalone;

/// Where tokens come from.
pub enum Authority {
    /// The built-in identity of a stand-alone service.
    Standalone(Standalone),
    /// A proxy in front, which has checked the token and says in headers whose it is.
    TrustedHeaders,
}

impl Authority {
    /// Makes the first accounts of a service that has none yet; none when it has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_accounts(&self) -> Result<Option<FirstAccounts>> {
        match self {
            Self::Standalone(standalone) => standalone.first_accounts().await,
            Self::TrustedHeaders => Ok(None),
        }
    }
}
