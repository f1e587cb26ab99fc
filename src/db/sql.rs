//! Statements and rows in one form for every engine; what engines do differently is done here and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};
use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, Sqlite, Transaction};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{Db, DbError, Engine, STATEMENT_DEADLINE};
use crate::clock::Timestamp;

/// How often work is tried again that lost to another transaction.
const CONTENTION_ATTEMPTS: u32 = 10;
/// The wait before the first new attempt; it grows by itself each time.
const CONTENTION_PAUSE: Duration = Duration::from_millis(10);

/// A statement: its text with a `?` for each value, and the values. The text is ours, never a client's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    text: String,
    args: Vec<Arg>,
}

/// A value bound to a statement.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Null,
    Text(String),
    Int(i64),
    Bool(bool),
    Time(Timestamp),
}

/// `sql!("UPDATE images SET status = ? WHERE id = ?", status, id)`: a statement with its values.
macro_rules! sql {
    ($text:expr $(, $arg:expr)* $(,)?) => {
        $crate::db::Sql::new($text)$(.bind($arg))*
    };
}
pub(crate) use sql;

impl Sql {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), args: Vec::new() }
    }

    pub(crate) fn bind(mut self, arg: impl Into<Arg>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds `more` at the end.
    pub(crate) fn push(&mut self, more: impl Into<Self>) -> &mut Self {
        let more = more.into();
        self.text.push_str(&more.text);
        self.args.extend(more.args);
        self
    }

    /// Adds all of `parts` at the end, with `separator` between them.
    pub(crate) fn push_joined(&mut self, separator: &str, parts: impl IntoIterator<Item = Self>) -> &mut Self {
        for (at, part) in parts.into_iter().enumerate() {
            if at > 0 {
                self.text.push_str(separator);
            }
            self.push(part);
        }
        self
    }

    /// Adds `(?, ?, …)` with `values`.
    pub(crate) fn push_list(&mut self, values: impl IntoIterator<Item = impl Into<Arg>>) -> &mut Self {
        self.text.push('(');
        self.push_joined(", ", values.into_iter().map(|value| sql!("?", value)));
        self.text.push(')');
        self
    }

    /// The text and the values as SQLite wants them.
    fn for_sqlite(self) -> Result<(AssertSqlSafe<String>, SqliteArguments), DbError> {
        debug_assert_eq!(self.text.matches('?').count(), self.args.len(), "{}", self.text);
        let mut arguments = SqliteArguments::default();
        for arg in self.args {
            use sqlx::Arguments as _;
            let added = match arg {
                Arg::Null => arguments.add(None::<String>),
                Arg::Text(text) => arguments.add(text),
                Arg::Int(int) => arguments.add(int),
                Arg::Bool(bool) => arguments.add(bool),
                Arg::Time(time) => arguments.add(sqlite_time(time)),
            };
            added.map_err(|error| DbError::Unreadable(error.to_string()))?;
        }
        Ok((AssertSqlSafe(self.text), arguments))
    }
}

impl From<&str> for Sql {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// SQLAlchemy's form of a time in SQLite. Times are compared as text there, so the digits must be all there.
fn sqlite_time(time: Timestamp) -> String {
    time.naive_utc().format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Arg {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<bool> for Arg {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<Timestamp> for Arg {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl<T: Into<Arg>> From<Option<T>> for Arg {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Db {
    /// The rows that `sql` selects.
    pub(crate) async fn fetch_all(&self, sql: Sql) -> Result<Vec<Row>, DbError> {
        match &self.engine {
            Engine::Sqlite { read, .. } => {
                let (text, arguments) = sql.for_sqlite()?;
                let rows = sqlx::query_with(text, arguments).fetch(read).map_ok(Row::Sqlite).try_collect();
                timeout(STATEMENT_DEADLINE, rows).await.map_err(|_| DbError::Deadline)?.map_err(Into::into)
            }
        }
    }

    /// The first row that `sql` selects.
    pub(crate) async fn fetch_optional(&self, sql: Sql) -> Result<Option<Row>, DbError> {
        Ok(self.fetch_all(sql).await?.into_iter().next())
    }

    /// Runs one statement that writes; how many rows it touched.
    pub(crate) async fn execute(&self, sql: Sql) -> Result<u64, DbError> {
        let sql = &sql;
        self.write(|tx| async move { tx.execute(sql.clone()).await }).await
    }

    /// Runs `work` in a transaction: all of it is kept, or nothing. When another transaction was in the way,
    /// `work` runs again from its start, so it must do nothing that cannot be done twice.
    pub(crate) async fn write<T, F, W>(&self, work: F) -> Result<T, DbError>
    where
        F: Fn(Tx) -> W,
        W: Future<Output = Result<T, DbError>>,
    {
        let mut attempt = 1;
        loop {
            match self.write_once(&work).await {
                Err(DbError::Contended(error)) if attempt < CONTENTION_ATTEMPTS => {
                    tracing::debug!(attempt, %error, "transaction runs again");
                    tokio::time::sleep(CONTENTION_PAUSE * attempt).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn write_once<T, F, W>(&self, work: &F) -> Result<T, DbError>
    where
        F: Fn(Tx) -> W,
        W: Future<Output = Result<T, DbError>>,
    {
        let begun = match &self.engine {
            // The write lock is taken at once: a transaction that reads first and writes later could not go on
            // when another process wrote in between.
            Engine::Sqlite { write, .. } => Open::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
        };
        let tx = Tx(Arc::new(Mutex::new(Some(begun))));
        let value = work(tx.clone()).await?;
        match tx.0.lock().await.take() {
            Some(Open::Sqlite(open)) => open.commit().await?,
            None => return Err(ended()),
        }
        Ok(value)
    }
}

/// An open transaction, to be shared by the statements of one piece of work. When the work fails, it leaves nothing.
#[derive(Clone)]
pub(crate) struct Tx(Arc<Mutex<Option<Open>>>);

enum Open {
    Sqlite(Transaction<'static, Sqlite>),
}

impl Tx {
    /// The rows that `sql` selects.
    pub(crate) async fn fetch_all(&self, sql: Sql) -> Result<Vec<Row>, DbError> {
        match self.0.lock().await.as_mut().ok_or_else(ended)? {
            Open::Sqlite(tx) => {
                let (text, arguments) = sql.for_sqlite()?;
                let rows = sqlx::query_with(text, arguments).fetch(&mut **tx).map_ok(Row::Sqlite).try_collect();
                timeout(STATEMENT_DEADLINE, rows).await.map_err(|_| DbError::Deadline)?.map_err(Into::into)
            }
        }
    }

    /// The first row that `sql` selects.
    pub(crate) async fn fetch_optional(&self, sql: Sql) -> Result<Option<Row>, DbError> {
        Ok(self.fetch_all(sql).await?.into_iter().next())
    }

    /// Runs one statement; how many rows it touched.
    pub(crate) async fn execute(&self, sql: Sql) -> Result<u64, DbError> {
        match self.0.lock().await.as_mut().ok_or_else(ended)? {
            Open::Sqlite(tx) => {
                let (text, arguments) = sql.for_sqlite()?;
                let done = sqlx::query_with(text, arguments).execute(&mut **tx);
                Ok(timeout(STATEMENT_DEADLINE, done).await.map_err(|_| DbError::Deadline)??.rows_affected())
            }
        }
    }

    /// Runs all the statements of `script`, which binds no values.
    pub(crate) async fn run_script(&self, script: &'static str) -> Result<(), DbError> {
        match self.0.lock().await.as_mut().ok_or_else(ended)? {
            Open::Sqlite(tx) => sqlx::raw_sql(script).execute(&mut **tx).await.map(drop).map_err(Into::into),
        }
    }
}

/// A statement after its transaction, which only work that outlives its caller could run.
fn ended() -> DbError {
    DbError::Other(sqlx::Error::Protocol("the transaction has ended".into()))
}

/// A row of an answer.
pub(crate) enum Row {
    Sqlite(SqliteRow),
}

impl Row {
    /// The value in column `at`, counted from 0 in the order of the statement.
    pub(crate) fn get<T: Column>(&self, at: usize) -> Result<T, DbError> {
        T::read(self, at)
    }
}

/// A value that a column can hold.
pub(crate) trait Column: Sized {
    fn read(row: &Row, at: usize) -> Result<Self, DbError>;
}

macro_rules! columns {
    ($($type:ty),*) => {
        $(impl Column for $type {
            fn read(row: &Row, at: usize) -> Result<Self, DbError> {
                match row {
                    Row::Sqlite(row) => row.try_get::<Self, usize>(at),
                }
                .map_err(|error| DbError::Unreadable(error.to_string()))
            }
        })*
    };
}

columns!(String, Option<String>, i64, Option<i64>, bool, Option<NaiveDateTime>);

impl Column for Option<Timestamp> {
    fn read(row: &Row, at: usize) -> Result<Self, DbError> {
        let naive = <Option<NaiveDateTime> as Column>::read(row, at)?;
        Ok(naive.map(|naive| DateTime::from_naive_utc_and_offset(naive, chrono::Utc)))
    }
}

impl Column for Timestamp {
    fn read(row: &Row, at: usize) -> Result<Self, DbError> {
        row.get::<Option<Self>>(at)?.ok_or_else(|| DbError::Unreadable(format!("no time in column {at}")))
    }
}
