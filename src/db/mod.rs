//! The database: one `Db` over the engine's connection pools. SQL exists only in this folder.

pub mod adoptions;
mod dialect;
mod engine;
pub mod identity;
pub mod images;
pub mod leases;
pub mod members;
pub mod metadefs;
pub mod migrate;
pub mod moves;
mod order;
pub mod purge;
mod row;
mod server;
mod sql;
mod sqlite;
pub mod storage;
pub mod tasks;
pub mod usage;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Database;
use crate::error::{Error, Kind};
use crate::model::metadef::Definition;

use engine::Engine;
pub(crate) use engine::Tx;
use images::Guides;
pub(crate) use row::Row;
use server::Server;
pub(crate) use sql::{Arg, Sql, sql};
use sqlite::Sqlite;

/// How long one statement may take before its caller gives up.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(30);

/// The database of a service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    engine: Arc<Engine>,
    guides: Arc<Guides>,
}

/// What a database did since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Statements that read or wrote, beside those that open and close transactions.
    pub statements: u64,
    /// Steps of the engine's machine in these: a measure of how many rows were looked at, that no clock disturbs.
    pub steps: u64,
    /// Transactions that were committed. Work that was done at the same time may share one.
    pub commits: u64,
}

impl Db {
    /// Opens the database that the operator named, making tables as needed.
    ///
    /// # Errors
    /// When it cannot be opened or its schema is not one that we know.
    pub async fn open(database: &Database) -> Result<Self, DbError> {
        let db = Self::connect(database).await?;
        migrate::up(&db).await?;
        Ok(db)
    }

    /// Opens the database that the operator named as it is.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn connect(database: &Database) -> Result<Self, DbError> {
        match database {
            Database::Sqlite(file) => Self::connect_sqlite(file).await,
            Database::Server(server) => Ok(Self::on(Engine::Server(Server::open(server).await?))),
        }
    }

    /// Opens the SQLite database in `file`, making it and its tables as needed.
    ///
    /// # Errors
    /// When the file cannot be opened or its schema is not one that we know.
    pub async fn open_sqlite(file: &Path) -> Result<Self, DbError> {
        let db = Self::connect_sqlite(file).await?;
        migrate::up(&db).await?;
        Ok(db)
    }

    /// Opens the database in `file` as it is. A new one is for its owner only: it holds hashes of passwords. What SQLite
    /// puts beside it gets the same mode.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub async fn connect_sqlite(file: &Path) -> Result<Self, DbError> {
        let made = OpenOptions::new().create(true).append(true).mode(0o600).open(file);
        made.map_err(|error| DbError::unavailable(format!("{}: {error}", file.display())))?;
        let file = file.to_owned();
        let opened = tokio::task::spawn_blocking(move || Sqlite::open(&file)).await.map_err(DbError::unavailable)??;
        Ok(Self::on(Engine::Sqlite(opened)))
    }

    fn on(engine: Engine) -> Self {
        Self { engine: Arc::new(engine), guides: Arc::default() }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.fetch_all(sql!("SELECT 1")).await.map(drop)
    }

    /// What it did since it was opened.
    pub fn counts(&self) -> Counts {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.counts(),
            Engine::Server(server) => server.counts(),
        }
    }

    /// Closes every connection after its present work.
    pub async fn close(&self) {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Server(server) => server.close().await,
        }
    }
}

/// What the engine, or the way to it, said. The text of an error has it, so it is nobody's `source`: it would be told twice.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A row with the same key exists.
    #[error("a row with the same key exists")]
    Duplicate,
    /// A definition of that kind and name exists.
    #[error("there is a {0:?} {1:?} already")]
    Defined(Definition, String),
    /// Another transaction was in the way; the same work may be tried again.
    #[error("another transaction was in the way: {0}")]
    Contended(Source),
    /// The database or a connection to it is away.
    #[error("the database is not available: {0}")]
    Unavailable(Source),
    /// The server has no room for what was to be written: nothing is kept.
    #[error("the database has no room: {0}")]
    Full(Source),
    /// A statement took longer than its deadline.
    #[error("a statement took longer than {} s", STATEMENT_DEADLINE.as_secs())]
    Deadline,
    /// A value is too long, too large, or has characters that the column cannot hold.
    #[error("a value does not fit: {0}")]
    Unfit(Source),
    /// A row holds what it cannot hold.
    #[error("unreadable row: {0}")]
    Unreadable(String),
    /// A table, a column or an index is there already.
    #[error("it is there already: {0}")]
    Exists(Source),
    /// The schema is not one that this can be done with.
    #[error("{0}")]
    Schema(String),
    /// Nobody waits for it any more, so it was not done.
    #[error("whoever asked for it has gone away")]
    GivenUp,
    /// Anything else: a defect of ours, or of the schema.
    #[error("{0}")]
    Other(Source),
}

impl DbError {
    /// Whether doing the same again cannot help.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Contended(_) | Self::Unavailable(_) | Self::Full(_) | Self::Deadline)
    }

    /// Whether what was to be written may be there all the same: the connection may have broken at the commit.
    pub fn may_be_kept(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Deadline)
    }

    fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// A statement after its transaction, which was undone meanwhile: it took too long, failed as a whole, or the
    /// database was closed.
    fn ended() -> Self {
        Self::Unavailable("the transaction has ended".into())
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        if matches!(error, DbError::Unfit(_)) {
            return Self::new(Kind::Invalid);
        }
        if error.is_permanent() { Self::internal(error) } else { Self::unavailable(error) }
    }
}
