//! The database: one `Db` over the engine's connection pools. SQL exists only in this folder.

pub mod identity;
pub mod images;
pub mod leases;
pub mod members;
mod migrate;
mod sql;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use crate::error::Error;

pub(crate) use sql::{Arg, Row, Sql, Tx, sql};

/// How long one statement may take before its caller gives up.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(30);
/// How long SQLite waits for another process that holds the write lock.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a free connection.
const POOL_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that read at the same time.
const SQLITE_READERS: u32 = 8;

/// The database of a service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    engine: Engine,
}

/// One pool each for reading and for writing: SQLite has one writer at a time, so writers queue here, in order,
/// rather than inside SQLite, where they would sleep and retry.
#[derive(Clone, Debug)]
enum Engine {
    Sqlite { read: SqlitePool, write: SqlitePool },
}

impl Db {
    /// Opens the SQLite database in `file`, making it and its tables as needed. A new one is for its owner only: it holds
    /// hashes of passwords. What SQLite puts beside it gets the same mode.
    ///
    /// # Errors
    /// When the file cannot be opened or its schema is not one that we know.
    pub async fn open_sqlite(file: &Path) -> Result<Self, DbError> {
        let made = OpenOptions::new().create(true).append(true).mode(0o600).open(file);
        made.map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that was answered is on the disk, also after the machine lost its power.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(SQLITE_BUSY_TIMEOUT)
            .foreign_keys(true);
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(POOL_TIMEOUT);
        let write = pool(1).connect_with(options.clone()).await?;
        let read = pool(SQLITE_READERS).connect_lazy_with(options.read_only(true));
        let db = Self { engine: Engine::Sqlite { read, write } };
        migrate::up(&db).await?;
        Ok(db)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        match &self.engine {
            Engine::Sqlite { read, .. } => Ok(read.acquire().await?.ping().await?),
        }
    }

    /// Closes every connection after its present statement.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A row with the same key exists.
    #[error("a row with the same key exists")]
    Duplicate,
    /// Another transaction was in the way; the same work may be tried again.
    #[error("another transaction was in the way: {0}")]
    Contended(#[source] sqlx::Error),
    /// The database or a connection to it is away.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A statement took longer than its deadline.
    #[error("a statement took longer than {} s", STATEMENT_DEADLINE.as_secs())]
    Deadline,
    /// A row holds what it cannot hold.
    #[error("unreadable row: {0}")]
    Unreadable(String),
    /// Anything else: a defect of ours, or of the schema.
    #[error(transparent)]
    Other(sqlx::Error),
}

impl DbError {
    /// Whether doing the same again cannot help.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Contended(_) | Self::Unavailable(_) | Self::Deadline)
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(said) if said.is_unique_violation() => Self::Duplicate,
            // SQLITE_BUSY and SQLITE_LOCKED, also in their extended forms.
            sqlx::Error::Database(said)
                if said.code().and_then(|code| code.parse::<u32>().ok()).is_some_and(|c| matches!(c & 0xff, 5 | 6)) =>
            {
                Self::Contended(error)
            }
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => Self::Unavailable(error),
            _ => Self::Other(error),
        }
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        if error.is_permanent() { Self::internal(error) } else { Self::unavailable(error) }
    }
}
