//! Who is calling: a token becomes an identity.

pub mod keystone;
pub mod standalone;

use keystone::Keystone;
use standalone::Standalone;

/// Where tokens come from.
pub enum Authority {
    /// The built-in identity of a stand-alone service.
    Standalone(Box<Standalone>),
    /// Keystone.
    Keystone(Box<Keystone>),
    /// A proxy in front, which has checked the token and says in headers whose it is.
    TrustedHeaders,
    /// Nowhere: the token itself says `user:project:roles`. For tests only.
    FakeTokens,
    /// Nowhere: nobody is asked, and every caller is an administrator without roles.
    Nobody,
}

impl Authority {
    /// The built-in identity, if that is where tokens come from.
    pub fn built_in(&self) -> Option<&Standalone> {
        match self {
            Self::Standalone(standalone) => Some(standalone),
            Self::Keystone(_) | Self::TrustedHeaders | Self::FakeTokens | Self::Nobody => None,
        }
    }
}
