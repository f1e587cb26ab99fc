//! Reading and writing on whichever engine there is: what engines do differently is chosen here and nowhere else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::dialect::Dialect;
use super::row::{Columns, Row, Value};
use super::server::{self, Moments, Server};
use super::sql::Sql;
use super::sqlite::{self, Sqlite, Step, Steps};
use super::{Db, DbError};

/// How often work is tried again that lost to another transaction.
const CONTENTION_ATTEMPTS: u32 = 10;
/// The wait before the first new attempt; it grows by itself each time.
const CONTENTION_PAUSE: Duration = Duration::from_millis(10);
/// No attempt begins later than this after the first: whoever asked waits.
const CONTENTION_MAX: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) enum Engine {
    Sqlite(Sqlite),
    Server(Server),
}

impl Db {
    /// Whose SQL is written.
    pub(super) fn dialect(&self) -> Dialect {
        match &*self.engine {
            Engine::Sqlite(_) => Dialect::Sqlite,
            Engine::Server(server) => server.dialect,
        }
    }

    /// The rows that `sql` selects.
    pub(crate) async fn fetch_all(&self, sql: Sql) -> Result<Vec<Row>, DbError> {
        if let Engine::Server(server) = &*self.engine {
            return server.fetch(&sql).await;
        }
        self.read(move |reading| reading.fetch(&sql)).await
    }

    /// The first row that `sql` selects.
    pub(crate) async fn fetch_optional(&self, sql: Sql) -> Result<Option<Row>, DbError> {
        Ok(self.fetch_all(sql).await?.into_iter().next())
    }

    /// What `see` makes of the rows that `sql` selects, each where its engine has it.
    pub(super) async fn gather<T, S>(&self, sql: Sql, see: S) -> Result<T, DbError>
    where
        T: Default + Send + 'static,
        S: Fn(&mut T, &Seen<'_>) -> Result<(), DbError> + Send + Sync + 'static,
    {
        let mut seen = T::default();
        if let Engine::Server(server) = &*self.engine {
            server.fetch(&sql).await?.iter().try_for_each(|row| see(&mut seen, &Seen::Server(row)))?;
            return Ok(seen);
        }
        self.read(move |reading| {
            let mut seen = T::default();
            reading.each(|| sql.clone(), &mut |row| see(&mut seen, row))?;
            Ok(seen)
        })
        .await
    }

    /// Does `work`, whose statements all see the database at one moment: one trip to it. It may be broken off and begin anew
    /// elsewhere, so it must do nothing that cannot be done twice.
    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, DbError>
    where
        T: Send + 'static,
        W: Fn(&Reading<'_>) -> Result<T, DbError> + Send + Sync + 'static,
    {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.read(move |reader| work(&Reading::Sqlite(reader))).await,
            Engine::Server(server) => server.read(Moments::One, move |reader| work(&Reading::Server(reader))).await,
        }
    }

    /// Does `work` where moments are dear and none is needed: on a server, each of its statements sees a moment of its own. None
    /// elsewhere.
    pub(super) async fn read_apart<T, W>(&self, work: W) -> Option<Result<T, DbError>>
    where
        W: Fn(&Reading<'_>) -> Result<T, DbError>,
    {
        match &*self.engine {
            Engine::Sqlite(_) => None,
            Engine::Server(server) => Some(server.read(Moments::Each, |reader| work(&Reading::Server(reader))).await),
        }
    }

    /// Runs one statement that writes; how many rows it touched.
    pub(crate) async fn execute(&self, sql: Sql) -> Result<u64, DbError> {
        Ok(self.execute_batch(vec![sql]).await?.pop().unwrap_or_default())
    }

    /// Runs the statements of `batch` in order, in a transaction of their own and in one trip; how many rows each touched.
    pub(super) async fn execute_batch(&self, batch: Vec<Sql>) -> Result<Vec<u64>, DbError> {
        let batch = &batch;
        let work = |tx: Tx| async move {
            tx.finally(batch.clone());
            Ok(())
        };
        Ok(self.write_and_count(work).await?.1)
    }

    /// The same, when nobody else has the turn at `what`.
    pub(super) async fn execute_in_turn(&self, what: &str, batch: Vec<Sql>) -> Result<Vec<u64>, DbError> {
        let (batch, count) = (&batch, batch.len());
        let work = |tx: Tx| async move {
            tx.finally_in_turn(what, batch.clone());
            Ok(())
        };
        let mut touched = self.write_and_count(work).await?.1;
        Ok(touched.split_off(touched.len().saturating_sub(count)))
    }

    /// Runs `work` in a transaction: all of it is kept, or nothing. When another transaction was in the way,
    /// `work` runs again from its start, so it must do nothing that cannot be done twice. Nor may it wait for anything
    /// but the statements of its transaction: everybody who writes waits meanwhile.
    pub(crate) async fn write<T, F, W>(&self, work: F) -> Result<T, DbError>
    where
        F: Fn(Tx) -> W,
        W: Future<Output = Result<T, DbError>>,
    {
        Ok(self.write_and_count(work).await?.0)
    }

    /// The same, with how many rows each of the last statements touched.
    async fn write_and_count<T, F, W>(&self, work: F) -> Result<(T, Vec<u64>), DbError>
    where
        F: Fn(Tx) -> W,
        W: Future<Output = Result<T, DbError>>,
    {
        let begun = Instant::now();
        let mut attempt = 1;
        loop {
            match self.write_once(&work).await {
                Err(DbError::Contended(error)) if attempt < CONTENTION_ATTEMPTS && begun.elapsed() < CONTENTION_MAX => {
                    tracing::debug!(attempt, %error, "transaction runs again");
                    tokio::time::sleep(CONTENTION_PAUSE * attempt).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn write_once<T, F, W>(&self, work: &F) -> Result<(T, Vec<u64>), DbError>
    where
        F: Fn(Tx) -> W,
        W: Future<Output = Result<T, DbError>>,
    {
        let open = match &*self.engine {
            Engine::Sqlite(sqlite) => Open::Sqlite(sqlite.begin().await?),
            Engine::Server(server) => Open::Server(server.writing()),
        };
        let tx = Tx { open: Arc::new(open), last: Arc::default() };
        match work(tx.clone()).await {
            Ok(value) => tx.commit().await.map(|touched| (value, touched)),
            Err(error) => {
                // What failed may have failed on what others wrote that is not committed yet: it is told after them.
                match tx.abort().await {
                    Err(again @ DbError::Contended(_)) => Err(again),
                    _ => Err(error),
                }
            }
        }
    }
}

/// A moment of the database, to be read.
pub(super) enum Reading<'a> {
    Sqlite(&'a sqlite::Reader<'a>),
    Server(&'a server::Reader),
}

impl Reading<'_> {
    /// The rows that `sql` selects.
    pub(super) fn fetch(&self, sql: &Sql) -> Result<Vec<Row>, DbError> {
        match self {
            Self::Sqlite(reader) => reader.fetch(sql),
            Self::Server(reader) => reader.fetch(|| sql.clone()).map(<[Row]>::to_vec),
        }
    }

    /// Hands each row that `sql` selects to `see` where it is, so that a long answer is not copied first.
    pub(super) fn each(
        &self,
        sql: impl FnOnce() -> Sql,
        see: &mut dyn FnMut(&Seen<'_>) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        match self {
            Self::Sqlite(reader) => reader.each(&sql(), &mut |row| see(&Seen::Sqlite(row))),
            Self::Server(reader) => reader.fetch(sql)?.iter().try_for_each(|row| see(&Seen::Server(row))),
        }
    }

    /// Whether what takes many steps is broken off, and done once more where it is not.
    pub(super) fn breaks_off(&self) -> bool {
        matches!(self, Self::Sqlite(reader) if reader.breaks_off())
    }

    /// Whether each statement sees a moment of its own.
    pub(super) fn is_apart(&self) -> bool {
        matches!(self, Self::Server(reader) if reader.moments() == Moments::Each)
    }

    /// Whose SQL is read.
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Server(reader) => reader.dialect(),
        }
    }
}

/// A row where its engine has it.
pub(super) enum Seen<'a> {
    Sqlite(&'a sqlite::Seen<'a>),
    Server(&'a Row),
}

impl Columns for Seen<'_> {
    fn value(&self, at: usize) -> Result<Value<'_>, DbError> {
        match self {
            Self::Sqlite(row) => row.value(at),
            Self::Server(row) => row.value(at),
        }
    }
}

/// An open transaction, to be shared by the statements of one piece of work. When the work fails, it leaves nothing.
#[derive(Clone)]
pub(crate) struct Tx {
    open: Arc<Open>,
    /// What goes with the commit.
    last: Arc<Mutex<Vec<Sql>>>,
}

enum Open {
    Sqlite(Steps),
    Server(server::Writing),
}

impl Tx {
    /// The rows that `sql` selects.
    pub(crate) async fn fetch_all(&self, sql: Sql) -> Result<Vec<Row>, DbError> {
        let [rows] = self.fetch_each([sql]).await?;
        Ok(rows)
    }

    /// The rows that each of `selects` selects, in one trip where there are trips to a thread.
    pub(super) async fn fetch_each<const N: usize>(&self, selects: [Sql; N]) -> Result<[Vec<Row>; N], DbError> {
        let found = match &*self.open {
            Open::Sqlite(steps) => steps.ask(|answer| Step::Fetch(selects.into(), answer)).await?,
            Open::Server(writing) => {
                let mut found = Vec::with_capacity(N);
                for sql in &selects {
                    found.push(writing.fetch(sql).await?);
                }
                found
            }
        };
        found.try_into().map_err(|_| DbError::Unreadable("other answers than questions".into()))
    }

    /// The first row that `sql` selects.
    pub(crate) async fn fetch_optional(&self, sql: Sql) -> Result<Option<Row>, DbError> {
        Ok(self.fetch_all(sql).await?.into_iter().next())
    }

    /// Runs one statement; how many rows it touched.
    pub(crate) async fn execute(&self, sql: Sql) -> Result<u64, DbError> {
        Ok(self.execute_batch(vec![sql]).await?.pop().unwrap_or_default())
    }

    /// Runs the statements of `batch` in order, in one trip; how many rows each touched.
    pub(crate) async fn execute_batch(&self, batch: Vec<Sql>) -> Result<Vec<u64>, DbError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        match &*self.open {
            Open::Sqlite(steps) => steps.ask(|answer| Step::Execute(batch, answer)).await,
            Open::Server(writing) => writing.execute(&batch).await,
        }
    }

    /// Runs the statements of `batch` at the end, after all others, in one trip with the commit. Not for those whose outcome
    /// decides anything.
    pub(crate) fn finally(&self, batch: Vec<Sql>) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
    }

    /// The same, when nobody else has the turn at `what` (see `take_turn`).
    pub(super) fn finally_in_turn(&self, what: &str, batch: Vec<Sql>) {
        if let Open::Server(writing) = &*self.open {
            self.finally(vec![writing.turn(what)]);
        }
        self.finally(batch);
    }

    /// Runs all the statements of `script`, which binds no values.
    pub(crate) async fn run_script(&self, script: &'static str) -> Result<(), DbError> {
        match &*self.open {
            Open::Sqlite(steps) => steps.ask(|answer| Step::Script(script, answer)).await,
            Open::Server(writing) => writing.run(script).await,
        }
    }

    /// Whose SQL is written.
    pub(super) fn dialect(&self) -> Dialect {
        match &*self.open {
            Open::Sqlite(_) => Dialect::Sqlite,
            Open::Server(writing) => writing.dialect(),
        }
    }

    /// Waits until nobody else has the turn at `what`, and has it until the end: for work that writes what it does by what it
    /// finds, where no single row would stop two of the same kind. Whoever writes to SQLite has its turn anyway.
    pub(super) async fn take_turn(&self, what: &str) -> Result<(), DbError> {
        match &*self.open {
            Open::Sqlite(_) => Ok(()),
            Open::Server(writing) => writing.take_turn(what).await,
        }
    }

    async fn commit(&self) -> Result<Vec<u64>, DbError> {
        let last = std::mem::take(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner));
        match &*self.open {
            Open::Sqlite(steps) => steps.ask(|answer| Step::Commit(last, answer)).await,
            Open::Server(writing) => writing.finish(&last).await,
        }
    }

    async fn abort(&self) -> Result<(), DbError> {
        match &*self.open {
            Open::Sqlite(steps) => steps.ask(Step::Abort).await.map(drop),
            Open::Server(writing) => writing.abort().await,
        }
    }
}
