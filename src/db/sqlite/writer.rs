//! The thread that writes. SQLite has one writer at a time, so whoever writes queues here, in order. Those who queue
//! while the disk syncs share the next sync: each piece of work is a savepoint of one transaction, and nobody is
//! answered before it is committed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::connection::{BUSY_TIMEOUT, Counters, execute, select, stop_when};
use crate::db::row::Row;
use crate::db::sql::Sql;
use crate::db::{DbError, STATEMENT_DEADLINE};

/// The most pieces of work that share one commit.
const GROUP_MAX: usize = 64;
/// How long a commit may be put off for others to join it. It never is put off when nobody else waits.
const GROUP_TIME: Duration = Duration::from_millis(50);
/// Pieces of work that wait their turn; more wait outside, in order.
const QUEUE: usize = 256;
/// How long a piece of work waits for its turn. The disk, or another process, is in the way then.
const QUEUE_TIME: Duration = Duration::from_secs(30);
/// The write-ahead log is emptied by force when its file is larger: readers that are never all at rest would let it
/// grow without end.
const LOG_BYTES_MAX: u64 = 64 << 20;
/// How long readers are waited for then, and how long they are left alone afterwards.
const LOG_PATIENCE: Duration = Duration::from_millis(500);
const LOG_PAUSE: Duration = Duration::from_secs(10);
/// Steps under way in one piece of work: the next is sent when the one before is answered.
const STEPS: usize = 4;

/// What a piece of work asks of the thread, and where the answer goes.
pub(in crate::db) enum Step {
    /// The rows of each statement.
    Fetch(Vec<Sql>, Answer<Vec<Vec<Row>>>),
    Execute(Vec<Sql>, Answer<Vec<u64>>),
    Script(&'static str, Answer<()>),
    /// Do these and keep it all. Answered when it is on the disk.
    Commit(Vec<Sql>, Answer<Vec<u64>>),
    /// Forget it all. Answered when what it saw of others is on the disk.
    Abort(Answer<Vec<u64>>),
}

type Answer<T> = oneshot::Sender<Result<T, DbError>>;

/// The caller's end of a piece of work. Dropped without a commit, nothing is kept.
pub(in crate::db) struct Steps(SyncSender<Step>);

impl Steps {
    /// Has the thread do one step.
    pub(in crate::db) async fn ask<T>(&self, step: impl FnOnce(Answer<T>) -> Step) -> Result<T, DbError> {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(step(answer)).map_err(|_| DbError::ended())?;
        answered.await.map_err(|_| DbError::ended())?
    }
}

/// The thread, seen from outside.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Work>,
}

enum Work {
    /// What to do, and since when it waits.
    Steps(Receiver<Step>, Instant),
    Stop(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread for the database in `file`, which `connection` is for.
    pub(super) fn start(connection: Connection, file: &Path, counts: Arc<Counters>) -> Result<Self, DbError> {
        let (queue, work) = mpsc::channel(QUEUE);
        let log = Log { file: with_suffix(file, "-wal"), next_look: Instant::now() };
        let group = Group { connection, counts, log, members: Vec::new(), begun: None };
        let thread = std::thread::Builder::new().name("sqlite-writer".into());
        thread.spawn(move || group.run(work)).map_err(DbError::unavailable)?;
        Ok(Self { queue })
    }

    /// Queues a piece of work, whose steps the thread does when it is its turn.
    pub(super) async fn begin(&self) -> Result<Steps, DbError> {
        let (steps, receiver) = sync_channel(STEPS);
        let queued = timeout(QUEUE_TIME, self.queue.send(Work::Steps(receiver, Instant::now()))).await;
        queued
            .map_err(|_| DbError::unavailable("too many wait to write"))?
            .map_err(|_| DbError::unavailable("the database is closed"))?;
        Ok(Steps(steps))
    }

    /// Ends the thread after the work that is queued.
    pub(super) async fn stop(&self) {
        let (stop, stopped) = oneshot::channel();
        if self.queue.send(Work::Stop(stop)).await.is_ok() {
            // An error says that it is gone, which is what was wanted.
            let _ = stopped.await;
        }
    }
}

/// The pieces of work that share the open transaction.
struct Group {
    connection: Connection,
    counts: Arc<Counters>,
    log: Log,
    /// Who waits for its commit.
    members: Vec<Member>,
    /// When the transaction was begun, if one is open.
    begun: Option<Instant>,
}

/// Who waits for a commit, and what it is told then.
struct Member {
    to: Answer<Vec<u64>>,
    done: Result<Vec<u64>, DbError>,
}

impl Group {
    fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        while let Some(first) = queue.blocking_recv() {
            let mut next = Some(first);
            while let Some(work) = next {
                match work {
                    // Dropped, its steps fail.
                    Work::Steps(_, since) if since.elapsed() > QUEUE_TIME => {
                        tracing::warn!("work waited too long for its turn to write");
                    }
                    Work::Steps(steps, _) => self.serve(&steps),
                    Work::Stop(stopped) => {
                        self.commit();
                        drop(self.connection);
                        answer(stopped, ());
                        return;
                    }
                }
                let full = self.members.len() >= GROUP_MAX || self.begun.is_some_and(|at| at.elapsed() > GROUP_TIME);
                next = if full { None } else { queue.try_recv().ok() };
            }
            self.commit();
            self.log.bound(&self.connection);
        }
    }

    /// Does one piece of work. Its savepoint is closed when this returns, whatever came of it.
    fn serve(&mut self, steps: &Receiver<Step>) {
        let opened = self.open();
        let undone = match (next_step(steps), opened) {
            (Some(step), Err(error)) => return step.fail(error),
            (None, Err(_)) => return,
            (Some(first), Ok(())) => match self.follow(first, steps) {
                Ended::Kept => return,
                Ended::Undone(member) => member,
            },
            (None, Ok(())) => None,
        };
        self.members.extend(undone);
        self.undo();
    }

    /// Does step after step until the work ends.
    fn follow(&mut self, first: Step, steps: &Receiver<Step>) -> Ended {
        let mut next = Some(first);
        while let Some(step) = next {
            // Some errors end the whole transaction; what follows must not run outside of any.
            if self.begun.is_none() {
                step.fail(DbError::ended());
                return Ended::Undone(None);
            }
            match step {
                Step::Fetch(selects, to) => {
                    answer(to, self.within_deadline(|group| selects.iter().map(|sql| group.select(sql)).collect()));
                }
                Step::Execute(batch, to) => answer(to, self.execute_all(&batch)),
                Step::Script(script, to) => answer(to, self.connection.execute_batch(script).map_err(Into::into)),
                Step::Abort(to) => return Ended::Undone(Some(Member { to, done: Ok(Vec::new()) })),
                Step::Commit(last, to) => {
                    let done = self.execute_all(&last);
                    return match done.and_then(|touched| self.plain("RELEASE work").map(|()| touched)) {
                        Ok(touched) => {
                            self.members.push(Member { to, done: Ok(touched) });
                            Ended::Kept
                        }
                        Err(error) => Ended::Undone(Some(Member { to, done: Err(error) })),
                    };
                }
            }
            if self.begun.is_some() && self.connection.is_autocommit() {
                self.lost();
            }
            next = next_step(steps);
        }
        Ended::Undone(None)
    }

    /// Opens a savepoint, in a new transaction if none is open. That takes the write lock at once: a transaction that
    /// reads first and writes later could not go on when another process wrote in between.
    fn open(&mut self) -> Result<(), DbError> {
        if self.begun.is_none() {
            self.plain("BEGIN IMMEDIATE")?;
            self.begun = Some(Instant::now());
        }
        self.plain("SAVEPOINT work")
    }

    fn undo(&mut self) {
        if self.begun.is_none() {
            return self.lost();
        }
        if let Err(error) = self.plain("ROLLBACK TO work").and_then(|()| self.plain("RELEASE work")) {
            tracing::warn!(%error, "work could not be undone by itself: the whole transaction is");
            self.roll_back();
        }
    }

    /// Makes all that was done last, and says so to whoever waits. When that fails, each may try again, by itself
    /// perhaps; who was alone is told why.
    fn commit(&mut self) {
        if self.begun.is_none() {
            return;
        }
        match self.plain("COMMIT") {
            Ok(()) => {
                self.begun = None;
                if !self.members.is_empty() {
                    self.counts.commits.fetch_add(1, Ordering::Relaxed);
                }
                self.members.drain(..).for_each(|member| answer(member.to, member.done));
            }
            Err(error) => {
                tracing::warn!(%error, members = self.members.len(), "commit failed");
                if self.members.len() == 1
                    && let Some(alone) = self.members.pop()
                {
                    answer(alone.to, Err(DbError::unavailable(error)));
                }
                self.roll_back();
            }
        }
    }

    fn roll_back(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.plain("ROLLBACK")
        {
            tracing::error!(%error, "transaction not rolled back");
        }
        self.lost();
    }

    /// The transaction is gone; its members do their work again.
    fn lost(&mut self) {
        self.begun = None;
        for member in self.members.drain(..) {
            answer(member.to, Err(DbError::Contended("the shared transaction was rolled back".into())));
        }
    }

    fn within_deadline<T>(&mut self, work: impl FnOnce(&Self) -> Result<T, DbError>) -> Result<T, DbError> {
        stop_when(&self.connection, Instant::now() + STATEMENT_DEADLINE, Arc::default())?;
        let done = work(self);
        self.connection.progress_handler(0, None::<fn() -> bool>)?;
        done
    }

    /// Runs the statements of `batch` in order; how many rows each touched.
    fn execute_all(&mut self, batch: &[Sql]) -> Result<Vec<u64>, DbError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.within_deadline(|group| batch.iter().map(|sql| group.execute(sql)).collect())
    }

    fn select(&self, sql: &Sql) -> Result<Vec<Row>, DbError> {
        select(&self.connection, sql, &self.counts)
    }

    fn execute(&self, sql: &Sql) -> Result<u64, DbError> {
        execute(&self.connection, sql, &self.counts)
    }

    fn plain(&self, sql: &str) -> Result<(), DbError> {
        Ok(self.connection.prepare_cached(sql)?.raw_execute().map(drop)?)
    }
}

/// The file beside the database that takes what is committed, until a checkpoint moves it into the database. SQLite
/// makes one every few thousand pages, but begins the file anew only when no reader is at work.
struct Log {
    file: PathBuf,
    next_look: Instant,
}

impl Log {
    /// Begins the log anew when it has become too large, though readers have to be waited for.
    fn bound(&mut self, connection: &Connection) {
        if self.next_look > Instant::now() || self.file.metadata().is_ok_and(|log| log.len() <= LOG_BYTES_MAX) {
            return;
        }
        self.next_look = Instant::now() + LOG_PAUSE;
        let emptied = connection
            .busy_timeout(LOG_PATIENCE)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)))
            .and_then(|busy: bool| connection.busy_timeout(BUSY_TIMEOUT).map(|()| !busy));
        tracing::debug!(?emptied, "the write-ahead log was large");
    }
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn next_step(steps: &Receiver<Step>) -> Option<Step> {
    let step = steps.recv_timeout(STATEMENT_DEADLINE);
    if matches!(step, Err(RecvTimeoutError::Timeout)) {
        tracing::error!("work in a transaction did nothing for too long: undone");
    }
    step.ok()
}

/// How a piece of work ended.
enum Ended {
    Kept,
    /// Not kept; with who waits to be told, if anybody does.
    Undone(Option<Member>),
}

impl Step {
    fn fail(self, error: DbError) {
        match self {
            Self::Fetch(_, to) => answer(to, Err(error)),
            Self::Execute(_, to) | Self::Commit(_, to) | Self::Abort(to) => answer(to, Err(error)),
            Self::Script(_, to) => answer(to, Err(error)),
        }
    }
}

/// Answers whoever asked. Who does not wait any more has dropped its end, which undoes the work if it is not kept yet.
fn answer<T>(to: oneshot::Sender<T>, value: T) {
    drop(to.send(value));
}
