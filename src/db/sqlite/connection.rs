//! One connection to SQLite: opening it, what it is asked, and what its errors mean.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, Rows, StatementStatus};

use crate::clock::digits;
use crate::db::DbError;
use crate::db::row::{self, Answer, Columns, Row};
use crate::db::sql::{Arg, Sql};

/// How long SQLite waits for another process that holds the write lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Statements that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 128;
/// What a connection keeps of the file in memory, in KiB.
const CACHE_KIB: u32 = 8 << 10;
/// How many steps of SQLite's machine are made between two looks at the deadline: some hundred microseconds' worth.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// What was done since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) statements: AtomicU64,
    pub(super) steps: AtomicU64,
    pub(super) commits: AtomicU64,
}

pub(super) fn connect(file: &Path, access: OpenFlags) -> Result<Connection, DbError> {
    // No mutex: a connection is used by one thread at a time.
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "cache_size", -i64::from(CACHE_KIB))?;
    // What a statement is bound to does not change its plan. Otherwise SQLite would prepare it anew each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(connection)
}

/// Breaks off what `connection` does from now on at `deadline`, or when `unwanted` says so.
pub(super) fn stop_when(connection: &Connection, deadline: Instant, unwanted: Arc<AtomicBool>) -> Result<(), DbError> {
    let stop = move || unwanted.load(Ordering::Relaxed) || Instant::now() > deadline;
    Ok(connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(stop))?)
}

/// A row where SQLite has it.
pub(in crate::db) struct Seen<'a>(&'a rusqlite::Row<'a>);

impl Columns for Seen<'_> {
    fn value(&self, at: usize) -> Result<row::Value<'_>, DbError> {
        match self.0.get_ref(at)? {
            ValueRef::Null => Ok(row::Value::Null),
            ValueRef::Integer(int) => Ok(row::Value::Int(int)),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(row::Value::Text(text)),
                Err(error) => Err(DbError::Unreadable(error.to_string())),
            },
            ValueRef::Real(_) | ValueRef::Blob(_) => Err(DbError::Unreadable("neither text nor a whole number".into())),
        }
    }
}

pub(super) fn select(connection: &Connection, sql: &Sql, counts: &Counters) -> Result<Vec<Row>, DbError> {
    let mut answer = Answer::default();
    each(connection, sql, counts, &mut |row| {
        for at in 0..row.0.as_ref().column_count() {
            answer.push(row.value(at)?);
        }
        answer.end_row();
        Ok(())
    })?;
    Ok(answer.rows())
}

pub(super) fn each(
    connection: &Connection,
    sql: &Sql,
    counts: &Counters,
    see: &mut dyn FnMut(&Seen<'_>) -> Result<(), DbError>,
) -> Result<(), DbError> {
    let mut statement = prepared(connection, sql)?;
    let done = see_all(statement.raw_query(), see);
    // Also when it was broken off: the next who has the statement begins at no steps.
    count(&statement, counts);
    done
}

fn see_all(mut rows: Rows<'_>, see: &mut dyn FnMut(&Seen<'_>) -> Result<(), DbError>) -> Result<(), DbError> {
    while let Some(row) = rows.next()? {
        see(&Seen(row))?;
    }
    Ok(())
}

pub(super) fn execute(connection: &Connection, sql: &Sql, counts: &Counters) -> Result<u64, DbError> {
    let mut statement = prepared(connection, sql)?;
    let touched = statement.raw_execute()?;
    count(&statement, counts);
    Ok(touched as u64)
}

fn count(statement: &CachedStatement<'_>, counts: &Counters) {
    counts.statements.fetch_add(1, Ordering::Relaxed);
    let steps = statement.reset_status(StatementStatus::VmStep);
    counts.steps.fetch_add(steps.unsigned_abs().into(), Ordering::Relaxed);
}

/// The statement with its values.
fn prepared<'a>(connection: &'a Connection, sql: &Sql) -> Result<CachedStatement<'a>, DbError> {
    let mut statement = connection.prepare_cached(sql.text())?;
    if statement.parameter_count() != sql.args().len() {
        return Err(DbError::Unreadable(format!("{} values for: {}", sql.args().len(), sql.text())));
    }
    for (at, arg) in sql.args().iter().enumerate() {
        match arg {
            Arg::Null => statement.raw_bind_parameter(at + 1, Value::Null)?,
            Arg::Text(text) => statement.raw_bind_parameter(at + 1, text.as_str())?,
            Arg::Int(int) => statement.raw_bind_parameter(at + 1, int)?,
            Arg::Bool(bool) => statement.raw_bind_parameter(at + 1, bool)?,
            // SQLAlchemy's form. Times are compared as text in SQLite, so the digits must be all there.
            Arg::Time(time) => {
                statement.raw_bind_parameter(at + 1, digits(*time))?;
            }
        }
    }
    Ok(statement)
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        /// `SQLITE_CONSTRAINT_PRIMARYKEY` and `SQLITE_CONSTRAINT_UNIQUE`.
        const DUPLICATE: [i32; 2] = [1555, 2067];
        match error.sqlite_error() {
            Some(said) if DUPLICATE.contains(&said.extended_code) => Self::Duplicate,
            Some(said) => match said.code {
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Contended(error.into()),
                ErrorCode::OperationInterrupted => Self::Deadline,
                ErrorCode::SystemIoFailure | ErrorCode::DiskFull | ErrorCode::CannotOpen => {
                    Self::Unavailable(error.into())
                }
                _ => Self::Other(error.into()),
            },
            None => Self::Other(error.into()),
        }
    }
}
