//! The accounts of the built-in identity in the database: users, projects and role assignments here, what they log in
//! with and what they get for it in the files below.

pub mod credentials;
pub mod tokens;

use crate::clock::Timestamp;
use crate::db::{Arg, Db, DbError, Row, Sql, Tx, sql};
use crate::model::account::{Assignment, Named, Role, User};

/// Which user or project is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// The one with this id.
    Id(&'a str),
    /// The one with this name.
    Name(&'a str),
}

impl Which<'_> {
    fn condition(self, table: &str) -> Sql {
        let (column, value) = match self {
            Self::Id(id) => ("id", id),
            Self::Name(name) => ("name", name),
        };
        Sql::new(format!(" WHERE {table}.{column} = ?")).bind(value)
    }
}

/// A user to be, with the hash of a password.
#[derive(Clone)]
pub struct NewUser {
    /// The user.
    pub user: User,
    /// The hash, in the PHC string format.
    pub password_hash: String,
}

/// Whether there is any user.
///
/// # Errors
/// When the database fails.
pub async fn has_users(db: &Db) -> Result<bool, DbError> {
    Ok(db.fetch_optional(sql!("SELECT id FROM glint_users LIMIT 1")).await?.is_some())
}

/// A user, with the hash of the password.
///
/// # Errors
/// When the database fails.
pub async fn user(db: &Db, which: Which<'_>) -> Result<Option<(User, String)>, DbError> {
    let mut select = sql!("SELECT id, name, default_project_id, password_hash FROM glint_users");
    select.push(which.condition("glint_users"));
    let row = db.fetch_optional(select).await?;
    row.map(|row| Ok((read_user(&row)?, row.get(3)?))).transpose()
}

/// Every user, by name.
///
/// # Errors
/// When the database fails.
pub async fn users(db: &Db) -> Result<Vec<User>, DbError> {
    let select = sql!("SELECT id, name, default_project_id FROM glint_users ORDER BY name");
    db.fetch_all(select).await?.iter().map(read_user).collect()
}

/// Adds a user that has `role` in each of `assignments`, which are ids of projects.
///
/// # Errors
/// `Duplicate` when the name is taken.
pub async fn add_user(db: &Db, new: &NewUser, assignments: &[(String, Role)], now: Timestamp) -> Result<(), DbError> {
    db.write(|tx| async move {
        insert_user(&tx, new, now).await?;
        for (project_id, role) in assignments {
            assign(&tx, &new.user.id, project_id, *role).await?;
        }
        Ok(())
    })
    .await
}

/// Adds each of `users` with its role in its project, and the projects as far as they are missing. False, and nothing
/// written, when there is any user.
///
/// # Errors
/// When the database fails.
pub async fn add_first_users(db: &Db, users: &[(NewUser, Named, Role)], now: Timestamp) -> Result<bool, DbError> {
    db.write(|tx| async move {
        tx.take_turn("first users").await?;
        if tx.fetch_optional(sql!("SELECT id FROM glint_users LIMIT 1")).await?.is_some() {
            return Ok(false);
        }
        for (new, project, role) in users {
            let known = tx.fetch_optional(select_project(Which::Name(&project.name))).await?;
            let project_id = match known {
                Some(row) => row.get(0)?,
                None => insert_project(&tx, project, now).await?,
            };
            let mut new = new.clone();
            new.user.default_project_id = Some(project_id.clone());
            insert_user(&tx, &new, now).await?;
            assign(&tx, &new.user.id, &project_id, *role).await?;
        }
        Ok(true)
    })
    .await
}

/// Gives a user a new password and takes all tokens away, unless the password is not that of `known_hash` any more.
/// False, and nothing written, then or when the user is gone.
///
/// # Errors
/// When the database fails.
pub async fn set_password(db: &Db, user_id: &str, known_hash: Option<&str>, hash: &str) -> Result<bool, DbError> {
    db.write(|tx| async move {
        tx.take_turn(user_id).await?;
        let mut update = sql!("UPDATE glint_users SET password_hash = ? WHERE id = ?", hash, user_id);
        if let Some(known) = known_hash {
            update.push(sql!(" AND password_hash = ?", known));
        }
        if tx.execute(update).await? == 0 {
            return Ok(false);
        }
        tx.execute(sql!("DELETE FROM glint_tokens WHERE user_id = ?", user_id)).await?;
        Ok(true)
    })
    .await
}

/// Removes a user, and with it all that belongs to it. False when it is gone already.
///
/// # Errors
/// When the database fails.
pub async fn remove_user(db: &Db, user_id: &str) -> Result<bool, DbError> {
    let gone = sql!("DELETE FROM glint_users WHERE id = ?", user_id);
    Ok(db.execute(gone).await? == 1)
}

/// A project.
///
/// # Errors
/// When the database fails.
pub async fn project(db: &Db, which: Which<'_>) -> Result<Option<Named>, DbError> {
    let row = db.fetch_optional(select_project(which)).await?;
    row.as_ref().map(read_named).transpose()
}

/// Every project, by name.
///
/// # Errors
/// When the database fails.
pub async fn projects(db: &Db) -> Result<Vec<Named>, DbError> {
    let select = sql!("SELECT id, name FROM glint_projects ORDER BY name");
    db.fetch_all(select).await?.iter().map(read_named).collect()
}

/// The projects that a user has a role in, by name.
///
/// # Errors
/// When the database fails.
pub async fn projects_of(db: &Db, user_id: &str) -> Result<Vec<Named>, DbError> {
    let select = sql!(
        "SELECT id, name FROM glint_projects \
         WHERE id IN (SELECT project_id FROM glint_role_assignments WHERE user_id = ?) ORDER BY name",
        user_id
    );
    db.fetch_all(select).await?.iter().map(read_named).collect()
}

/// Adds a project.
///
/// # Errors
/// `Duplicate` when the name is taken.
pub async fn add_project(db: &Db, project: &Named, now: Timestamp) -> Result<(), DbError> {
    db.write(|tx| async move { insert_project(&tx, project, now).await.map(drop) }).await
}

/// The roles that were given to a user in a project.
///
/// # Errors
/// When the database fails.
pub async fn roles(db: &Db, user_id: &str, project_id: &str) -> Result<Vec<Role>, DbError> {
    read_roles(&db.fetch_all(select_roles(user_id, project_id)).await?)
}

/// Every role that was given to anybody, or to one user, or in one project.
///
/// # Errors
/// When the database fails.
pub async fn assignments(db: &Db, user_id: Option<&str>, project_id: Option<&str>) -> Result<Vec<Assignment>, DbError> {
    let mut select = sql!(
        "SELECT u.id, u.name, p.id, p.name, a.role FROM glint_role_assignments a \
         JOIN glint_users u ON u.id = a.user_id JOIN glint_projects p ON p.id = a.project_id WHERE 1 = 1"
    );
    if let Some(user_id) = user_id {
        select.push(sql!(" AND a.user_id = ?", user_id));
    }
    if let Some(project_id) = project_id {
        select.push(sql!(" AND a.project_id = ?", project_id));
    }
    select.push(" ORDER BY u.name, p.name, a.role");
    let rows = db.fetch_all(select).await?;
    let read = |row: &Row| {
        Ok(Assignment { user: named(row, 0)?, project: named(row, 2)?, role: read_role(&row.get::<String>(4)?)? })
    };
    rows.iter().map(read).collect()
}

/// Gives a user a role in a project, which becomes the default project of a user that has none.
///
/// # Errors
/// `Duplicate` when the user has the role there.
pub async fn grant(db: &Db, user_id: &str, project_id: &str, role: Role) -> Result<(), DbError> {
    db.write(|tx| async move {
        assign(&tx, user_id, project_id, role).await?;
        let first = sql!(
            "UPDATE glint_users SET default_project_id = ? WHERE id = ? AND default_project_id IS NULL",
            project_id,
            user_id
        );
        tx.execute(first).await.map(drop)
    })
    .await
}

/// Takes a role in a project from a user, and with it the tokens and application credentials that the user has there.
/// False when the user does not have it.
///
/// # Errors
/// When the database fails.
pub async fn revoke(db: &Db, user_id: &str, project_id: &str, role: Role) -> Result<bool, DbError> {
    db.write(|tx| async move {
        tx.take_turn(user_id).await?;
        let taken = sql!(
            "DELETE FROM glint_role_assignments WHERE user_id = ? AND project_id = ? AND role = ?",
            user_id,
            project_id,
            role.as_str()
        );
        if tx.execute(taken).await? == 0 {
            return Ok(false);
        }
        for table in ["glint_tokens", "glint_application_credentials"] {
            let theirs = format!("DELETE FROM {table} WHERE user_id = ? AND project_id = ?");
            tx.execute(Sql::new(theirs).bind(user_id).bind(project_id)).await?;
        }
        Ok(true)
    })
    .await
}

async fn insert_user(tx: &Tx, new: &NewUser, now: Timestamp) -> Result<(), DbError> {
    let insert = sql!(
        "INSERT INTO glint_users (id, name, password_hash, default_project_id, created_at) VALUES (?, ?, ?, ?, ?)",
        &new.user.id,
        &new.user.name,
        &new.password_hash,
        new.user.default_project_id.as_ref(),
        now
    );
    tx.execute(insert).await.map(drop)
}

/// Inserts a project; its id.
async fn insert_project(tx: &Tx, project: &Named, now: Timestamp) -> Result<String, DbError> {
    let insert =
        sql!("INSERT INTO glint_projects (id, name, created_at) VALUES (?, ?, ?)", &project.id, &project.name, now);
    tx.execute(insert).await?;
    Ok(project.id.clone())
}

async fn assign(tx: &Tx, user_id: &str, project_id: &str, role: Role) -> Result<(), DbError> {
    let insert = sql!(
        "INSERT INTO glint_role_assignments (user_id, project_id, role) VALUES (?, ?, ?)",
        user_id,
        project_id,
        role.as_str()
    );
    tx.execute(insert).await.map(drop)
}

fn select_project(which: Which<'_>) -> Sql {
    let mut select = sql!("SELECT id, name FROM glint_projects");
    select.push(which.condition("glint_projects"));
    select
}

fn select_roles(user_id: &str, project_id: &str) -> Sql {
    sql!("SELECT role FROM glint_role_assignments WHERE user_id = ? AND project_id = ?", user_id, project_id)
}

fn read_user(row: &Row) -> Result<User, DbError> {
    Ok(User { id: row.get(0)?, name: row.get(1)?, default_project_id: row.get(2)? })
}

fn read_named(row: &Row) -> Result<Named, DbError> {
    named(row, 0)
}

/// Id and name from column `at` on.
fn named(row: &Row, at: usize) -> Result<Named, DbError> {
    Ok(Named { id: row.get(at)?, name: row.get(at + 1)? })
}

fn read_roles(rows: &[Row]) -> Result<Vec<Role>, DbError> {
    rows.iter().map(|row| read_role(&row.get::<String>(0)?)).collect()
}

fn read_role(name: &str) -> Result<Role, DbError> {
    name.parse().map_err(|_| DbError::Unreadable(format!("role {name:?}")))
}

/// Names in one column, separated by commas.
fn joined<'a>(names: impl IntoIterator<Item = &'a str>) -> Arg {
    names.into_iter().collect::<Vec<_>>().join(",").into()
}

/// What stands in a column of `joined` names.
fn split(names: &str) -> impl Iterator<Item = &str> {
    names.split(',').filter(|name| !name.is_empty())
}
