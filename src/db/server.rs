//! A database server: MariaDB, MySQL or PostgreSQL. Whoever reads or writes has a connection of its own, from a pool, and a
//! transaction on it.

mod link;
mod mysql;
mod pool;
mod postgres;
mod prepared;
mod words;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use super::dialect::Dialect;
use super::row::Row;
use super::sql::{Sql, sql};
use super::{Counts, DbError};
use crate::config::{DatabaseEngine, DatabaseServer};
use link::{Ask, Told};
use pool::{Held, Pool};

/// How long the server lets a statement wait for another transaction's lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Statements that a connection keeps prepared. The server has a bound for those of all connections together.
const STATEMENTS_KEPT: usize = 64;
/// Turns are so many; two things that share one wait for each other, and no harm is done.
const TURNS: u64 = 1 << 10;

/// A database on a server.
#[derive(Debug)]
pub(super) struct Server {
    pool: Arc<Pool>,
    pub(super) dialect: Dialect,
    counts: Arc<Counters>,
}

/// What was done since the start.
#[derive(Debug, Default)]
struct Counters {
    statements: AtomicU64,
    commits: AtomicU64,
}

impl Counters {
    fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Server {
    /// Opens the database, which exists. A server that is not there yet is waited for.
    pub(super) async fn open(server: &DatabaseServer) -> Result<Self, DbError> {
        let dialect = match server.engine {
            DatabaseEngine::MySql => Dialect::MySql,
            DatabaseEngine::PostgreSql => Dialect::Postgres,
        };
        let pool = Pool::new(server.clone());
        let mut attempt = 0;
        while let Err(error) = pool.begin(Ask::Nothing).await.map(|(held, _)| held.keep()) {
            if server.attempts_max.is_some_and(|most| attempt >= most) {
                return Err(error);
            }
            attempt += 1;
            tracing::warn!(attempt, %error, "the database cannot be opened: tried again");
            tokio::time::sleep(server.retry_interval).await;
        }
        Ok(Self { pool, dialect, counts: Arc::default() })
    }

    /// The rows that one statement selects. It sees one moment by itself.
    pub(super) async fn fetch(&self, sql: &Sql) -> Result<Vec<Row>, DbError> {
        Counters::add(&self.counts.statements);
        // The statement stands in place of the begin of a transaction: on a connection that turns out broken, it is done again.
        let (held, told) = self.pool.begin(Ask::Fetch(sql)).await?;
        held.keep();
        Ok(told.rows)
    }

    /// Does `work`, whose statements see the database at these `moments`. The work never waits: it ends at a statement that has
    /// no answer yet, and begins anew when the answer is there. When the connection breaks meanwhile, all of it is done once
    /// more: nothing was written.
    pub(super) async fn read<T, W>(&self, moments: Moments, work: W) -> Result<T, DbError>
    where
        W: Fn(&Reader) -> Result<T, DbError>,
    {
        match self.read_once(moments, &work).await {
            Err(DbError::Unavailable(error)) => {
                tracing::debug!(%error, "read once more");
                self.read_once(moments, &work).await
            }
            done => done,
        }
    }

    async fn read_once<T, W>(&self, moments: Moments, work: &W) -> Result<T, DbError>
    where
        W: Fn(&Reader) -> Result<T, DbError>,
    {
        let mut held = match moments {
            Moments::One => Some(self.pool.begin(Ask::BeginReading).await?.0),
            // The first statement stands in place of a begin.
            Moments::Each => None,
        };
        let mut reader = Reader::new(self.dialect, moments);
        let done = loop {
            let done = work(&reader);
            let Some(sql) = reader.wanted.take() else { break done? };
            Counters::add(&self.counts.statements);
            let told = if let Some(held) = &mut held {
                held.link.ask(Ask::Fetch(&sql)).await?
            } else {
                let (begun, told) = self.pool.begin(Ask::Fetch(&sql)).await?;
                held = Some(begun);
                told
            };
            reader.answers.push(told.rows);
            reader.given.set(0);
        };
        // A connection whose work failed is closed: whatever state it is in, nobody else meets it.
        if let Some(mut held) = held {
            if moments == Moments::One {
                held.link.ask(Ask::Commit).await?;
            }
            held.keep();
        }
        Ok(done)
    }

    /// A piece of work that writes. Its transaction begins with its first statement.
    pub(super) fn writing(&self) -> Writing {
        Writing {
            stage: Mutex::new(Stage::Fresh),
            pool: Arc::clone(&self.pool),
            dialect: self.dialect,
            counts: Arc::clone(&self.counts),
        }
    }

    /// What was done since the start. How much a server looked at for it, it does not tell.
    pub(super) fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts { statements: read(&self.counts.statements), steps: 0, commits: read(&self.counts.commits) }
    }

    /// Closes every connection after its present work.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// What the statements of one piece of work see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moments {
    /// The database at one moment.
    One,
    /// Each a moment of its own, which is two trips less.
    Each,
}

/// What work sees of the database: the answers that work has had, and what it wants to know next.
pub(super) struct Reader {
    dialect: Dialect,
    answers: Vec<Vec<Row>>,
    /// How many of the answers the work has had since it began.
    given: Cell<usize>,
    wanted: RefCell<Option<Sql>>,
    moments: Moments,
}

impl Reader {
    fn new(dialect: Dialect, moments: Moments) -> Self {
        Self { dialect, answers: Vec::new(), given: Cell::default(), wanted: RefCell::default(), moments }
    }

    /// The rows that `sql` selects, which is only made while they are not there; that is an error for whoever does the work.
    pub(super) fn fetch(&self, sql: impl FnOnce() -> Sql) -> Result<&[Row], DbError> {
        let at = self.given.replace(self.given.get() + 1);
        self.answers.get(at).map(Vec::as_slice).ok_or_else(|| {
            self.wanted.replace(Some(sql()));
            DbError::unavailable("an answer is not there yet")
        })
    }

    /// What its statements see.
    pub(super) fn moments(&self) -> Moments {
        self.moments
    }

    /// The dialect of the server.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }
}

/// A piece of work that writes. Dropped without a commit, nothing is kept.
pub(super) struct Writing {
    stage: Mutex<Stage>,
    pool: Arc<Pool>,
    dialect: Dialect,
    counts: Arc<Counters>,
}

/// How far a piece of work that writes has come.
enum Stage {
    /// Nothing was asked yet.
    Fresh,
    Begun(Held),
    /// Also while a statement is under way.
    Ended,
}

impl Writing {
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) async fn fetch(&self, sql: &Sql) -> Result<Vec<Row>, DbError> {
        Ok(self.statement(Ask::Fetch(sql)).await?.rows)
    }

    /// Runs the statements in order; how many rows each touched.
    pub(super) async fn execute(&self, batch: &[Sql]) -> Result<Vec<u64>, DbError> {
        let mut touched = Vec::with_capacity(batch.len());
        for sql in batch {
            touched.extend(self.statement(Ask::Execute(sql)).await?.touched);
        }
        Ok(touched)
    }

    pub(super) async fn run(&self, script: &'static str) -> Result<(), DbError> {
        self.statement(Ask::Run(script)).await.map(drop)
    }

    /// Waits until nobody else has the turn at `what`, and has it until the end of the transaction.
    pub(super) async fn take_turn(&self, what: &str) -> Result<(), DbError> {
        self.statement(Ask::Execute(&self.turn(what))).await.map(drop)
    }

    /// The statement that does so.
    pub(super) fn turn(&self, what: &str) -> Sql {
        let words = if self.dialect == Dialect::MySql { &mysql::WORDS } else { &postgres::WORDS };
        sql!(words.take_turn, i64::try_from(fnv(what) % TURNS).unwrap_or_default())
    }

    /// Writes what is `last` and commits, in one trip mostly; how many rows each statement touched. Work of which this is all
    /// takes no other trip.
    pub(super) async fn finish(&self, last: &[Sql]) -> Result<Vec<u64>, DbError> {
        let stage = std::mem::replace(&mut *self.stage.lock().await, Stage::Ended);
        let (mut held, begun) = match stage {
            Stage::Fresh if last.is_empty() => return Ok(Vec::new()),
            Stage::Fresh => (self.pool.begin(Ask::Nothing).await?.0, false),
            Stage::Begun(held) => (held, true),
            Stage::Ended => return Err(DbError::ended()),
        };
        for _ in last {
            Counters::add(&self.counts.statements);
        }
        match held.link.ask(Ask::Finish { last, begun }).await {
            Ok(told) => {
                Counters::add(&self.counts.commits);
                held.keep();
                Ok(told.touched)
            }
            // When the connection breaks here, nobody knows whether it is kept: it is not done again.
            Err(error @ DbError::Unavailable(_)) => {
                held.broken();
                Err(error)
            }
            Err(DbError::Deadline) => Err(DbError::Deadline),
            Err(error) => {
                // Where this fails, the connection is closed, which undoes it as well.
                if !held.link.stays_open(last, begun) || held.link.ask(Ask::Abort).await.is_ok() {
                    held.keep();
                }
                Err(error)
            }
        }
    }

    pub(super) async fn abort(&self) -> Result<(), DbError> {
        if let Stage::Begun(mut held) = std::mem::replace(&mut *self.stage.lock().await, Stage::Ended) {
            held.link.ask(Ask::Abort).await?;
            held.keep();
        }
        Ok(())
    }

    async fn statement(&self, ask: Ask<'_>) -> Result<Told, DbError> {
        let mut stage = self.stage.lock().await;
        // Whoever gives up in the middle of a statement leaves nothing here: the connection is closed then.
        let mut held = match std::mem::replace(&mut *stage, Stage::Ended) {
            Stage::Fresh => self.pool.begin(Ask::BeginWriting).await?.0,
            Stage::Begun(held) => held,
            Stage::Ended => return Err(DbError::ended()),
        };
        held.spent |= matches!(ask, Ask::Run(_));
        Counters::add(&self.counts.statements);
        match held.link.ask(ask).await {
            // The connection broke before the commit: nothing was kept, so the work may be done again.
            Err(DbError::Unavailable(error)) => Err(DbError::Contended(error)),
            Err(DbError::Deadline) => Err(DbError::Deadline),
            done => {
                *stage = Stage::Begun(held);
                done
            }
        }
    }
}

/// A hash that is the same on every node (FNV-1a).
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
