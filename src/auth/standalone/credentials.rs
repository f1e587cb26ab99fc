//! Application credentials: made by a user for its programs, shown with their secret once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::auth::standalone::{Standalone, new_id};
use crate::clock::{Timestamp, random_bytes};
use crate::db::DbError;
use crate::db::identity::credentials::{self, Added, Wanted};
use crate::error::{Error, Result};
use crate::model::account::{ApplicationCredential, Role, Token};

/// How many a user may have.
const CREDENTIALS_PER_USER_MAX: u32 = 256;

/// What a user wants for an application credential.
#[derive(Debug)]
pub struct NewCredential {
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The secret, if the user chose one.
    pub secret: Option<SecretString>,
    /// The roles, or those of the token that it is made with.
    pub roles: Option<Vec<Role>>,
    /// Whether it may make others.
    pub unrestricted: bool,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

impl Standalone {
    /// Makes an application credential for the bearer of `token`, good where the token is; it and its secret.
    ///
    /// # Errors
    /// `Forbidden` for the token of a restricted one; `Invalid` for roles that the bearer does not have, or a time that
    /// is over; `Conflict` when the name is taken.
    pub async fn add_credential(
        &self,
        token: &Token,
        wanted: NewCredential,
    ) -> Result<(ApplicationCredential, SecretString)> {
        may_manage(token)?;
        let now = self.clock.now();
        let Some(project) = &token.project else {
            return Err(Error::invalid(
                "An application credential is good in one project: make it with a token that is for that project.",
            ));
        };
        let roles = wanted.roles.unwrap_or_else(|| token.roles.clone());
        if !roles.iter().all(|role| token.roles.contains(role)) {
            return Err(role_not_held());
        }
        if wanted.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::invalid("The 'expires_at' must not be before now."));
        }
        let chosen = wanted.secret;
        let secret = chosen.unwrap_or_else(|| URL_SAFE_NO_PAD.encode(random_bytes::<32>()).into());
        let credential = ApplicationCredential {
            id: new_id(),
            name: wanted.name,
            user_id: token.user.id.clone(),
            project_id: project.id.clone(),
            roles,
            description: wanted.description,
            unrestricted: wanted.unrestricted,
            expires_at: wanted.expires_at,
        };
        let hash = self.passwords.hash(&secret).await?;
        match credentials::add(&self.db, &credential, &hash, CREDENTIALS_PER_USER_MAX.into(), now).await {
            Ok(Added::Yes) => Ok((credential, secret)),
            Ok(Added::RoleNotHeld) => Err(role_not_held()),
            Ok(Added::TooMany) => Err(Error::forbidden(format!(
                "Unable to create additional application credentials, maximum of {CREDENTIALS_PER_USER_MAX} already \
                 exceeded for user."
            ))),
            Err(DbError::Duplicate) => Err(Error::conflict(format!(
                "Conflict occurred attempting to store application_credential - Duplicate entry found with name {}.",
                credential.name
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// The application credentials of a user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn credentials(&self, user_id: &str) -> Result<Vec<ApplicationCredential>> {
        Ok(credentials::list(&self.db, user_id).await?)
    }

    /// An application credential of a user.
    ///
    /// # Errors
    /// `NotFound` when the user has none with this id.
    pub async fn credential_of(&self, user_id: &str, id: &str) -> Result<ApplicationCredential> {
        let found = credentials::find(&self.db, Wanted::Id(id)).await?;
        let theirs = found.map(|(credential, _)| credential).filter(|credential| credential.user_id == user_id);
        theirs.ok_or_else(|| not_found(id))
    }

    /// Removes an application credential of a user, at the wish of the bearer of `token`.
    ///
    /// # Errors
    /// `Forbidden` for the token of a restricted one; `NotFound` when the user has none with this id.
    pub async fn remove_credential(&self, token: &Token, user_id: &str, id: &str) -> Result<()> {
        may_manage(token)?;
        if credentials::remove(&self.db, user_id, id).await? { Ok(()) } else { Err(not_found(id)) }
    }
}

/// What a program was given must not become more than that.
fn may_manage(token: &Token) -> Result<()> {
    match &token.credential {
        Some(credential) if !credential.unrestricted => Err(Error::forbidden(
            "You are not authorized to perform the requested action: Using method 'application_credential' is not \
             allowed for managing additional application credentials.",
        )),
        _ => Ok(()),
    }
}

fn role_not_held() -> Error {
    Error::invalid("Invalid application credential: Cannot create an application credential with unassigned role")
}

fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find Application Credential: {id}."))
}
