//! The accounts of the built-in identity: users, projects, the roles that tie them, and what proves them.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;

/// Something with an id and a name: a user or a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
}

/// Someone who can log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: String,
    /// The name, unique among users.
    pub name: String,
    /// The project of a token that names none.
    pub default_project_id: Option<String>,
}

/// A role that a user has in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Who.
    pub user: Named,
    /// Where.
    pub project: Named,
    /// What.
    pub role: Role,
}

/// What a user may be in a project. Names and meaning are those of Keystone's default roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May do everything, everywhere.
    Admin,
    /// May do in the project what its members may not.
    Manager,
    /// May use and change what the project has.
    Member,
    /// May look.
    Reader,
    /// A service that acts for others.
    Service,
}

impl Role {
    /// Every role, the mightier ones first.
    pub const ALL: [Self; 5] = [Self::Admin, Self::Manager, Self::Member, Self::Reader, Self::Service];

    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Member => "member",
            Self::Reader => "reader",
            Self::Service => "service",
        }
    }

    /// The role that comes along with this one.
    fn implied(self) -> Option<Self> {
        match self {
            Self::Admin => Some(Self::Manager),
            Self::Manager => Some(Self::Member),
            Self::Member => Some(Self::Reader),
            Self::Reader | Self::Service => None,
        }
    }

    /// `roles` and all that come along with them, each once.
    pub fn with_implied(roles: &[Self]) -> Vec<Self> {
        let implies = |given: Self, wanted: Self| {
            std::iter::successors(Some(given), |role| role.implied()).any(|role| role == wanted)
        };
        let held = |wanted: &Self| roles.iter().any(|&given| implies(given, *wanted));
        Self::ALL.into_iter().filter(held).collect()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no role's.
#[derive(Debug, thiserror::Error)]
#[error("there is no role {0:?}; the roles are admin, manager, member, reader and service")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

/// What a program logs in with instead of its user's password: for one project, with these roles only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationCredential {
    /// The id.
    pub id: String,
    /// The name, unique among the user's.
    pub name: String,
    /// Whose it is.
    pub user_id: String,
    /// Where it is good.
    pub project_id: String,
    /// The roles it was given; others may come along with them.
    pub roles: Vec<Role>,
    /// What it is for, in the user's words.
    pub description: Option<String>,
    /// Whether a token of it may make and delete application credentials.
    pub unrestricted: bool,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
}

/// What a token says: who its bearer is, where, with which roles, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The bearer.
    pub user: Named,
    /// Where it is good; none for an unscoped token.
    pub project: Option<Named>,
    /// The bearer's roles there, with all that come along.
    pub roles: Vec<Role>,
    /// How the bearer proved who it is.
    pub methods: Vec<Method>,
    /// The application credential that it was made with.
    pub credential: Option<TokenCredential>,
    /// Names it in records, where the token itself must not stand.
    pub audit_id: String,
    /// The `audit_id` of the first token of its chain, if it was made with another token.
    pub chain_id: Option<String>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// An application credential, as far as its tokens show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCredential {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Whether its tokens may make and delete application credentials.
    pub unrestricted: bool,
}

/// A way to prove who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The user's password.
    Password,
    /// Another token.
    Token,
    /// An application credential.
    ApplicationCredential,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 3] = [Self::Password, Self::Token, Self::ApplicationCredential];

    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "token",
            Self::ApplicationCredential => "application_credential",
        }
    }
}

impl Token {
    /// Whether the bearer has `role` where the token is good.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

#[cfg(test)]
mod tests {
    use super::Role::{self, Admin, Manager, Member, Reader, Service};

    #[test]
    fn roles_bring_others_along() {
        for (given, held) in [
            (&[][..], &[][..]),
            (&[Reader], &[Reader]),
            (&[Member], &[Member, Reader]),
            (&[Manager], &[Manager, Member, Reader]),
            (&[Admin], &[Admin, Manager, Member, Reader]),
            (&[Service], &[Service]),
            (&[Reader, Service, Member], &[Member, Reader, Service]),
            (&[Member, Member], &[Member, Reader]),
        ] {
            assert_eq!(Role::with_implied(given), held, "{given:?}");
        }
    }

    #[test]
    fn roles_have_names() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
        }
        assert!("Admin".parse::<Role>().is_err());
    }
}
