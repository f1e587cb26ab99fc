//! Users, projects and roles: the first ones of a new service, and what an administrator or a user changes later.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use crate::auth::standalone::{Standalone, Who, new_id};
use crate::clock::random_bytes;
use crate::db::DbError;
use crate::db::identity::{self, NewUser, Which};
use crate::error::{Error, Kind, Result};
use crate::model::account::{Assignment, Named, Role, User};

/// The longest name of a user, in characters, as in Keystone.
const USER_NAME_MAX: usize = 255;
/// The longest name of a project, in characters, as in Keystone.
const PROJECT_NAME_MAX: usize = 64;
/// The longest password, in bytes.
const PASSWORD_MAX: usize = 4096;

/// The accounts that a new service begins with.
#[derive(Debug)]
pub struct FirstAccounts {
    /// The administrator.
    pub admin: Account,
    /// The first user.
    pub demo: Account,
}

/// A user who can log in.
#[derive(Debug)]
pub struct Account {
    /// The user's name.
    pub user: &'static str,
    /// The password.
    pub password: SecretString,
    /// The project that the user works in.
    pub project: &'static str,
}

/// A password that nobody can guess.
pub fn generated_password() -> SecretString {
    URL_SAFE_NO_PAD.encode(random_bytes::<24>()).into()
}

impl Standalone {
    /// Whether this service has no user yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_new(&self) -> Result<bool> {
        Ok(!identity::has_users(&self.db).await?)
    }

    /// Chooses the first accounts of a service that has no user yet; none when it has. They are not made before the
    /// caller says so, with `make_first_accounts`: by then, the passwords have to be where a person finds them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_accounts(&self) -> Result<Option<FirstAccounts>> {
        if !self.is_new().await? {
            return Ok(None);
        }
        let account = |name| Account { user: name, password: generated_password(), project: name };
        Ok(Some(FirstAccounts { admin: account("admin"), demo: account("demo") }))
    }

    /// Makes the first accounts, and their projects as far as they are missing.
    ///
    /// # Errors
    /// `Conflict`, and nothing made, when somebody made a user meanwhile.
    pub async fn make_first_accounts(&self, accounts: &FirstAccounts) -> Result<()> {
        let mut users = Vec::new();
        for (account, role) in [(&accounts.admin, Role::Admin), (&accounts.demo, Role::Member)] {
            let user = self.new_user(account.user, &account.password).await?;
            let project = Named { id: new_id(), name: account.project.to_owned() };
            users.push((user, project, role));
        }
        if identity::add_first_users(&self.db, &users, self.clock.now()).await? {
            Ok(())
        } else {
            Err(Error::conflict("another process added a user at the same time"))
        }
    }

    /// Adds a user with roles in projects, which are given by name. The first project is the user's default.
    ///
    /// # Errors
    /// `Invalid` for a name or a password that cannot be one; `NotFound` for a project that is not there; `Conflict`
    /// when the name is taken.
    pub async fn add_user(&self, name: &str, password: &SecretString, roles: &[(String, Role)]) -> Result<User> {
        checked_name("user", name, USER_NAME_MAX)?;
        checked_password(password)?;
        let mut assignments: Vec<(String, Role)> = Vec::new();
        for (project, role) in roles {
            let assignment = (self.project_named(project).await?.id, *role);
            if !assignments.contains(&assignment) {
                assignments.push(assignment);
            }
        }
        let mut new = self.new_user(name, password).await?;
        new.user.default_project_id = assignments.first().map(|(project_id, _)| project_id.clone());
        match identity::add_user(&self.db, &new, &assignments, self.clock.now()).await {
            Ok(()) => Ok(new.user),
            Err(DbError::Duplicate) => Err(Error::conflict(format!("there is a user {name:?} already"))),
            Err(error) => Err(error.into()),
        }
    }

    /// Every user, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users(&self) -> Result<Vec<User>> {
        Ok(identity::users(&self.db).await?)
    }

    /// The user with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_by_id(&self, id: &str) -> Result<Option<User>> {
        Ok(identity::user(&self.db, Which::Id(id)).await?.map(|(user, _)| user))
    }

    /// The user with this name.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn user_named(&self, name: &str) -> Result<User> {
        let found = identity::user(&self.db, Which::Name(name)).await?;
        found.map(|(user, _)| user).ok_or_else(|| no_user(name))
    }

    /// Gives a user a new password. All tokens of the user end.
    ///
    /// # Errors
    /// `Invalid` for a password that cannot be one; `NotFound` when there is no such user.
    pub async fn set_password(&self, name: &str, password: &SecretString) -> Result<()> {
        checked_password(password)?;
        let user = self.user_named(name).await?;
        let hash = self.passwords.hash(password).await?;
        if identity::set_password(&self.db, &user.id, None, &hash).await? { Ok(()) } else { Err(no_user(name)) }
    }

    /// Gives the user who knows its password `original` a new one. All tokens of the user end.
    ///
    /// # Errors
    /// `Unauthenticated` when `original` is wrong, or the user is not there; `Invalid` for a password that cannot be
    /// one.
    pub async fn change_password(&self, user_id: &str, original: &SecretString, new: &SecretString) -> Result<()> {
        checked_password(new)?;
        let found = self.user(&Who::Id(user_id.to_owned())).await?;
        let (user, known_hash) = self.checked(found, |user| &user.id, original).await?;
        let hash = self.passwords.hash(new).await?;
        if identity::set_password(&self.db, &user.id, Some(&known_hash), &hash).await? {
            Ok(())
        } else {
            Err(Error::new(Kind::Unauthenticated))
        }
    }

    /// Removes a user, with all that it has here: roles, tokens, application credentials.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    pub async fn remove_user(&self, name: &str) -> Result<()> {
        let user = self.user_named(name).await?;
        if identity::remove_user(&self.db, &user.id).await? { Ok(()) } else { Err(no_user(name)) }
    }

    /// Gives a user a role in a project, both by name.
    ///
    /// # Errors
    /// `NotFound` for a user or project that is not there; `Conflict` when the user has the role.
    pub async fn grant(&self, user: &str, project: &str, role: Role) -> Result<()> {
        let (user_id, project_id) = (self.user_named(user).await?.id, self.project_named(project).await?.id);
        match identity::grant(&self.db, &user_id, &project_id, role).await {
            Err(DbError::Duplicate) => {
                Err(Error::conflict(format!("user {user:?} has role {role} in project {project:?} already")))
            }
            other => Ok(other?),
        }
    }

    /// Takes a role in a project from a user, both by name, and with it the user's tokens and application credentials
    /// for that project.
    ///
    /// # Errors
    /// `NotFound` for a user or project that is not there, or a role that the user was not given.
    pub async fn withdraw(&self, user: &str, project: &str, role: Role) -> Result<()> {
        let (user_id, project_id) = (self.user_named(user).await?.id, self.project_named(project).await?.id);
        if identity::revoke(&self.db, &user_id, &project_id, role).await? {
            Ok(())
        } else {
            Err(Error::not_found(format!("user {user:?} was not given role {role} in project {project:?}")))
        }
    }

    /// The roles that were given to anybody, or to one user, or in one project, both by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn assignments(&self, user_id: Option<&str>, project_id: Option<&str>) -> Result<Vec<Assignment>> {
        Ok(identity::assignments(&self.db, user_id, project_id).await?)
    }

    /// Adds a project.
    ///
    /// # Errors
    /// `Invalid` for a name that cannot be one; `Conflict` when it is taken.
    pub async fn add_project(&self, name: &str) -> Result<Named> {
        checked_name("project", name, PROJECT_NAME_MAX)?;
        let project = Named { id: new_id(), name: name.to_owned() };
        match identity::add_project(&self.db, &project, self.clock.now()).await {
            Ok(()) => Ok(project),
            Err(DbError::Duplicate) => Err(Error::conflict(format!("there is a project {name:?} already"))),
            Err(error) => Err(error.into()),
        }
    }

    /// Every project, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn projects(&self) -> Result<Vec<Named>> {
        Ok(identity::projects(&self.db).await?)
    }

    /// The projects that the user with this id has a role in, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn projects_of(&self, user_id: &str) -> Result<Vec<Named>> {
        Ok(identity::projects_of(&self.db, user_id).await?)
    }

    /// The project with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn project_by_id(&self, id: &str) -> Result<Option<Named>> {
        Ok(identity::project(&self.db, Which::Id(id)).await?)
    }

    async fn project_named(&self, name: &str) -> Result<Named> {
        let found = identity::project(&self.db, Which::Name(name)).await?;
        found.ok_or_else(|| Error::not_found(format!("there is no project {name:?}")))
    }

    async fn new_user(&self, name: &str, password: &SecretString) -> Result<NewUser> {
        Ok(NewUser {
            user: User { id: new_id(), name: name.to_owned(), default_project_id: None },
            password_hash: self.passwords.hash(password).await?,
        })
    }
}

fn checked_name(of: &str, name: &str, longest: usize) -> Result<()> {
    let wrong = if name.is_empty() {
        "is empty".to_owned()
    } else if name.chars().count() > longest {
        format!("has more than {longest} characters")
    } else if name.chars().any(char::is_control) {
        "has control characters in it".to_owned()
    } else if name.trim() != name {
        "begins or ends with white space".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!("this cannot be the name of a {of}: it {wrong}")))
}

fn checked_password(password: &SecretString) -> Result<()> {
    match password.expose_secret().len() {
        0 => Err(Error::invalid("a password cannot be empty")),
        1..=PASSWORD_MAX => Ok(()),
        _ => Err(Error::invalid(format!("a password has {PASSWORD_MAX} bytes at the most"))),
    }
}

fn no_user(name: &str) -> Error {
    Error::not_found(format!("there is no user {name:?}"))
}

#[cfg(test)]
mod tests;
