//! Application credentials in the database.

use crate::clock::Timestamp;
use crate::db::identity::{joined, read_role, read_roles, select_roles, split};
use crate::db::{Db, DbError, Row, Sql, sql};
use crate::model::account::{ApplicationCredential, Role};

const COLUMNS: &str = "id, name, user_id, project_id, roles, description, unrestricted, expires_at";

/// Which application credential is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// The one with this id.
    Id(&'a str),
    /// The one of this name among a user's.
    Name {
        /// The user.
        user_id: &'a str,
        /// The name.
        name: &'a str,
    },
}

/// What became of adding an application credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Yes,
    /// The user does not have all of its roles.
    RoleNotHeld,
    /// The user has as many as anyone may have.
    TooMany,
}

/// Adds an application credential to the up to `most` that a user may have.
///
/// # Errors
/// `Duplicate` when the user has one of that name.
pub async fn add(
    db: &Db,
    new: &ApplicationCredential,
    secret_hash: &str,
    most: i64,
    now: Timestamp,
) -> Result<Added, DbError> {
    db.write(|tx| async move {
        tx.take_turn(&new.user_id).await?;
        // Asked in here, so that a role that is being taken away cannot stay behind in a credential.
        let given = read_roles(&tx.fetch_all(select_roles(&new.user_id, &new.project_id)).await?)?;
        let held = Role::with_implied(&given);
        if !new.roles.iter().all(|role| held.contains(role)) {
            return Ok(Added::RoleNotHeld);
        }
        let count = sql!("SELECT COUNT(*) FROM glint_application_credentials WHERE user_id = ?", &new.user_id);
        if tx.fetch_optional(count).await?.map_or(Ok(0), |row| row.get::<i64>(0))? >= most {
            return Ok(Added::TooMany);
        }
        let insert = format!(
            "INSERT INTO glint_application_credentials ({COLUMNS}, secret_hash, created_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        );
        let insert = Sql::new(insert)
            .bind(&new.id)
            .bind(&new.name)
            .bind(&new.user_id)
            .bind(&new.project_id)
            .bind(joined(new.roles.iter().map(|role| role.as_str())))
            .bind(new.description.as_ref())
            .bind(new.unrestricted)
            .bind(new.expires_at)
            .bind(secret_hash)
            .bind(now);
        tx.execute(insert).await?;
        Ok(Added::Yes)
    })
    .await
}

/// An application credential, with the hash of its secret.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, wanted: Wanted<'_>) -> Result<Option<(ApplicationCredential, String)>, DbError> {
    let mut select = Sql::new(format!("SELECT {COLUMNS}, secret_hash FROM glint_application_credentials"));
    select.push(match wanted {
        Wanted::Id(id) => sql!(" WHERE id = ?", id),
        Wanted::Name { user_id, name } => sql!(" WHERE user_id = ? AND name = ?", user_id, name),
    });
    let row = db.fetch_optional(select).await?;
    row.map(|row| Ok((read(&row)?, row.get(8)?))).transpose()
}

/// The application credentials of a user, by name.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, user_id: &str) -> Result<Vec<ApplicationCredential>, DbError> {
    let select = format!("SELECT {COLUMNS} FROM glint_application_credentials WHERE user_id = ? ORDER BY name");
    let rows = db.fetch_all(Sql::new(select).bind(user_id)).await?;
    rows.iter().map(read).collect()
}

/// Removes an application credential of a user, and with it the tokens that were made with it. False when there is
/// none of that id.
///
/// # Errors
/// When the database fails.
pub async fn remove(db: &Db, user_id: &str, id: &str) -> Result<bool, DbError> {
    let gone = sql!("DELETE FROM glint_application_credentials WHERE user_id = ? AND id = ?", user_id, id);
    Ok(db.execute(gone).await? == 1)
}

fn read(row: &Row) -> Result<ApplicationCredential, DbError> {
    Ok(ApplicationCredential {
        id: row.get(0)?,
        name: row.get(1)?,
        user_id: row.get(2)?,
        project_id: row.get(3)?,
        roles: split(&row.get::<String>(4)?).map(read_role).collect::<Result<_, _>>()?,
        description: row.get(5)?,
        unrestricted: row.get(6)?,
        expires_at: row.get(7)?,
    })
}
