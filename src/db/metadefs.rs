//! The catalogue of metadata definitions in the database: namespaces, what is in them, and the types of resources that
//! they are for.

pub mod contents;
pub mod definitions;
pub mod loading;
pub mod namespaces;
pub mod resource_types;

use serde_json::{Map, Value};

use crate::db::row::Columns;
use crate::db::{DbError, Row, Sql, Tx};
use crate::model::metadef::Definition;

/// Writes a row that says `kind` is called `name`.
///
/// # Errors
/// `Defined` when there is one already.
async fn insert(tx: &Tx, row: Sql, kind: Definition, name: &str) -> Result<(), DbError> {
    tx.execute(row).await.map(drop).map_err(|error| defined(error, kind, name))
}

/// Says what exists already, where only that is known.
fn defined(error: DbError, kind: Definition, name: &str) -> DbError {
    match error {
        DbError::Duplicate => DbError::Defined(kind, name.to_owned()),
        other => other,
    }
}

/// The object in column `at`.
fn object(row: &Row, at: usize) -> Result<Map<String, Value>, DbError> {
    serde_json::from_str(row.text(at)?).map_err(|error| DbError::Unreadable(error.to_string()))
}
