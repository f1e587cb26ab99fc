//! SQLite: several connections that read, and one thread that writes for everybody. What is read in few steps is read on the
//! thread of the request; what takes longer runs on one that may block, and its rows come back all at once.

mod connection;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::row::Row;
use super::sql::Sql;
use super::{Counts, DbError, STATEMENT_DEADLINE};

pub(super) use connection::Seen;
use connection::{BUSY_TIMEOUT, Counters, connect, each, select, stop_when};
use writer::Writer;
pub(super) use writer::{Step, Steps};

/// How long a caller waits for a connection that reads.
const READER_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that read at the same time.
const READERS: usize = 8;
/// Pages in the log before they are moved into the database. Those that everybody changes are moved once then; more than 4,062
/// would take readers a second look-up for each page.
const PAGES_BETWEEN_CHECKPOINTS: u32 = 4_000;
/// How many steps of SQLite's machine a statement may take on a thread that serves requests. A page of 25 images takes a third
/// of it.
const STEPS_HERE: i32 = 10_000;

/// A database in a file.
#[derive(Debug)]
pub(super) struct Sqlite {
    file: PathBuf,
    idle: Arc<Idle>,
    room: Arc<Semaphore>,
    writer: Writer,
    counts: Arc<Counters>,
}

impl Sqlite {
    /// Opens `file`, which exists.
    pub(super) fn open(file: &Path) -> Result<Self, DbError> {
        let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Readers and the writer do not wait for each other in this mode only.
        let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        if mode != "wal" {
            return Err(DbError::unavailable("the file system cannot hold a write-ahead log"));
        }
        // A commit that was answered is on the disk, also after the machine lost its power.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", PAGES_BETWEEN_CHECKPOINTS)?;
        // What undoes a piece of work is small: in a file it costs more than the work.
        connection.pragma_update(None, "temp_store", "memory")?;
        let counts = Arc::<Counters>::default();
        Ok(Self {
            file: file.to_owned(),
            idle: Arc::default(),
            room: Arc::new(Semaphore::new(READERS)),
            writer: Writer::start(connection, file, Arc::clone(&counts))?,
            counts,
        })
    }

    /// Does `work`, whose statements all see the database at one moment: on this thread if it takes few steps, and otherwise,
    /// from its start, on one that may block. A caller that does not wait any longer, or not longer than the deadline, ends
    /// the work, too.
    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, DbError>
    where
        T: Send + 'static,
        W: Fn(&Reader<'_>) -> Result<T, DbError> + Send + 'static,
    {
        if let Some(done) = self.read_here(&work) {
            return done;
        }
        let room = timeout(READER_TIMEOUT, Arc::clone(&self.room).acquire_owned());
        let room =
            room.await.map_err(|_| DbError::unavailable("every connection is busy"))?.map_err(DbError::unavailable)?;
        let (file, idle, counts) = (self.file.clone(), Arc::clone(&self.idle), Arc::clone(&self.counts));
        let unwanted = Unwanted(Arc::new(AtomicBool::new(false)));
        let seen = Arc::clone(&unwanted.0);
        let reading = tokio::task::spawn_blocking(move || {
            let connection = match idle.take() {
                Some(connection) => connection,
                None => connect(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
            };
            connection.busy_timeout(BUSY_TIMEOUT)?;
            stop_when(&connection, Instant::now() + STATEMENT_DEADLINE, seen)?;
            let done = at_one_moment(&Reader { connection: &connection, counts: &counts, breaks_off: false }, work)?;
            // A connection whose work failed is closed: whatever state it is in, nobody else meets it.
            idle.put(connection);
            drop(room);
            Ok(done)
        });
        let done = reading.await.map_err(DbError::unavailable)?;
        drop(unwanted);
        done
    }

    /// Does `work` without a change of threads, which costs more than most reads. None when it would have to wait for a
    /// connection or for another process, or when a statement takes too many steps: other requests wait for this thread.
    fn read_here<T>(&self, work: impl Fn(&Reader<'_>) -> Result<T, DbError>) -> Option<Result<T, DbError>> {
        let _room = self.room.try_acquire().ok()?;
        let connection = self.idle.take()?;
        connection.busy_timeout(Duration::ZERO).ok()?;
        connection.progress_handler(STEPS_HERE, Some(|| true)).ok()?;
        let reader = Reader { connection: &connection, counts: &self.counts, breaks_off: true };
        match at_one_moment(&reader, work) {
            Err(DbError::Deadline | DbError::Contended(_)) => {
                if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
                    self.idle.put(connection);
                }
                None
            }
            Err(error) => Some(Err(error)),
            Ok(done) => {
                self.idle.put(connection);
                Some(Ok(done))
            }
        }
    }

    /// Begins a piece of work that writes.
    pub(super) async fn begin(&self) -> Result<Steps, DbError> {
        self.writer.begin().await
    }

    /// What was done since the start.
    pub(super) fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        Counts { statements: read(&counts.statements), steps: read(&counts.steps), commits: read(&counts.commits) }
    }

    /// Closes every connection after its present work.
    pub(super) async fn close(&self) {
        let all = u32::try_from(READERS).unwrap_or(u32::MAX);
        if let Ok(all) = self.room.acquire_many(all).await {
            self.idle.clear();
            all.forget();
        }
        self.room.close();
        self.writer.stop().await;
    }
}

/// Connections that read and have nothing to do.
#[derive(Debug, Default)]
struct Idle(Mutex<Vec<Connection>>);

impl Idle {
    fn take(&self) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, connection: Connection) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Says, once it is dropped, that nobody waits for the answer any more.
struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection that reads, and sees the database at one moment.
pub(super) struct Reader<'a> {
    connection: &'a Connection,
    counts: &'a Counters,
    breaks_off: bool,
}

impl Reader<'_> {
    /// Whether a statement that takes many steps is broken off: the work is done elsewhere then, from its start.
    pub(super) fn breaks_off(&self) -> bool {
        self.breaks_off
    }

    /// The rows that `sql` selects.
    pub(super) fn fetch(&self, sql: &Sql) -> Result<Vec<Row>, DbError> {
        select(self.connection, sql, self.counts)
    }

    /// Hands each row that `sql` selects to `see`.
    pub(super) fn each(&self, sql: &Sql, see: &mut dyn FnMut(&Seen<'_>) -> Result<(), DbError>) -> Result<(), DbError> {
        each(self.connection, sql, self.counts, see)
    }
}

/// Does `work` in one transaction, which stays open when it fails.
fn at_one_moment<T>(reader: &Reader<'_>, work: impl Fn(&Reader<'_>) -> Result<T, DbError>) -> Result<T, DbError> {
    reader.connection.prepare_cached("BEGIN")?.raw_execute()?;
    let done = work(reader)?;
    reader.connection.prepare_cached("COMMIT")?.raw_execute()?;
    Ok(done)
}
