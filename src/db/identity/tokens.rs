//! Tokens in the database, known by their hashes.

use crate::clock::Timestamp;
use crate::db::identity::{joined, named, read_role, split};
use crate::db::{Db, DbError, Row, Tx, sql};
use crate::model::account::{Method, Role, Token, TokenCredential};

/// What a token was proved with, which has to hold still at the moment when it is written.
#[derive(Clone)]
pub enum Ground {
    /// The user's password has this hash.
    Password(String),
    /// The token with this hash is there.
    Token(String),
    /// The application credential with this id is there.
    Credential(String),
}

/// Writes a token, if all its grounds hold, and removes the user's oldest ones as far as there are more than `most`.
/// False, and nothing written, when a ground does not hold.
///
/// # Errors
/// When the database fails.
pub async fn add(db: &Db, hash: &str, new: &Token, grounds: &[Ground], most: i64) -> Result<bool, DbError> {
    db.write(|tx| async move {
        // A ground that is being taken away, with all tokens that stand on it, is gone first or has this one taken with it.
        tx.take_turn(&new.user.id).await?;
        for ground in grounds {
            if !holds(&tx, &new.user.id, ground).await? {
                return Ok(false);
            }
        }
        let insert = sql!(
            "INSERT INTO glint_tokens (hash, user_id, project_id, application_credential_id, methods, audit_id, \
             chain_id, issued_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            hash,
            &new.user.id,
            new.project.as_ref().map(|project| &project.id),
            new.credential.as_ref().map(|credential| &credential.id),
            joined(new.methods.iter().map(|method| method.as_str())),
            &new.audit_id,
            new.chain_id.as_ref(),
            new.issued_at,
            new.expires_at
        );
        tx.execute(insert).await?;
        let surplus = sql!(
            "DELETE FROM glint_tokens WHERE user_id = ? AND issued_at < \
             (SELECT issued_at FROM (SELECT issued_at FROM glint_tokens WHERE user_id = ? \
             ORDER BY issued_at DESC LIMIT 1 OFFSET ?) AS oldest)",
            &new.user.id,
            &new.user.id,
            most - 1
        );
        tx.execute(surplus).await?;
        Ok(true)
    })
    .await
}

/// The token with this hash, unless it has ended, or its user has no role left where it is good.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, hash: &str, now: Timestamp) -> Result<Option<Token>, DbError> {
    // One row for each role of the user in the token's project; a single one without a role when there are none.
    let select = sql!(
        "SELECT u.id, u.name, p.id, p.name, t.methods, t.audit_id, t.chain_id, t.issued_at, t.expires_at, \
         c.id, c.name, c.unrestricted, c.roles, a.role \
         FROM glint_tokens t JOIN glint_users u ON u.id = t.user_id \
         LEFT JOIN glint_projects p ON p.id = t.project_id \
         LEFT JOIN glint_application_credentials c ON c.id = t.application_credential_id \
         LEFT JOIN glint_role_assignments a ON a.user_id = t.user_id AND a.project_id = t.project_id \
         WHERE t.hash = ? AND t.expires_at > ?",
        hash,
        now
    );
    let rows = db.fetch_all(select).await?;
    let token = rows.first().map(|first| read(first, &rows)).transpose()?;
    Ok(token.filter(|token| token.project.is_none() || !token.roles.is_empty()))
}

/// Removes the token with this hash, and those whose chain begins with its `audit_id`.
///
/// # Errors
/// When the database fails.
pub async fn remove(db: &Db, hash: &str, audit_id: &str) -> Result<(), DbError> {
    let gone = sql!("DELETE FROM glint_tokens WHERE hash = ? OR chain_id = ?", hash, audit_id);
    db.execute(gone).await.map(drop)
}

/// Removes up to `limit` tokens that have ended; how many there were.
///
/// # Errors
/// When the database fails.
pub async fn purge(db: &Db, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    let gone = sql!(
        "DELETE FROM glint_tokens WHERE hash IN \
         (SELECT hash FROM (SELECT hash FROM glint_tokens WHERE expires_at <= ? ORDER BY expires_at LIMIT ?) AS ended)",
        now,
        limit
    );
    db.execute(gone).await
}

async fn holds(tx: &Tx, user_id: &str, ground: &Ground) -> Result<bool, DbError> {
    let select = match ground {
        Ground::Password(hash) => sql!("SELECT 1 FROM glint_users WHERE id = ? AND password_hash = ?", user_id, hash),
        Ground::Token(hash) => sql!("SELECT 1 FROM glint_tokens WHERE user_id = ? AND hash = ?", user_id, hash),
        Ground::Credential(id) => {
            sql!("SELECT 1 FROM glint_application_credentials WHERE user_id = ? AND id = ?", user_id, id)
        }
    };
    Ok(tx.fetch_optional(select).await?.is_some())
}

fn read(row: &Row, rows: &[Row]) -> Result<Token, DbError> {
    let has_project = row.get::<Option<String>>(2)?.is_some();
    let has_credential = row.get::<Option<String>>(9)?.is_some();
    let credential = if has_credential {
        Some(TokenCredential { id: row.get(9)?, name: row.get(10)?, unrestricted: row.get(11)? })
    } else {
        None
    };
    Ok(Token {
        user: named(row, 0)?,
        project: if has_project { Some(named(row, 2)?) } else { None },
        roles: Role::with_implied(&if has_credential {
            split(&row.get::<String>(12)?).map(read_role).collect::<Result<Vec<_>, _>>()?
        } else {
            roles(rows)?
        }),
        methods: split(&row.get::<String>(4)?).map(read_method).collect::<Result<_, _>>()?,
        credential,
        audit_id: row.get(5)?,
        chain_id: row.get(6)?,
        issued_at: row.get(7)?,
        expires_at: row.get(8)?,
    })
}

fn roles(rows: &[Row]) -> Result<Vec<Role>, DbError> {
    let names = rows.iter().filter_map(|row| row.get::<Option<String>>(13).transpose());
    names.map(|name| read_role(&name?)).collect()
}

fn read_method(name: &str) -> Result<Method, DbError> {
    Method::ALL
        .into_iter()
        .find(|method| method.as_str() == name)
        .ok_or_else(|| DbError::Unreadable(format!("method {name:?}")))
}
