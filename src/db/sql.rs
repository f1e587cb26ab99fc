//! Statements and rows in one form for every engine; what engines do differently is done here and nowhere else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::dialect::Dialect;
use super::server;
use super::sqlite::{self, Step, Steps};
use super::{Db, DbError, Engine};
use crate::clock::Timestamp;

/// How often work is tried again that lost to another transaction.
const CONTENTION_ATTEMPTS: u32 = 10;
/// The wait before the first new attempt; it grows by itself each time.
const CONTENTION_PAUSE: Duration = Duration::from_millis(10);
/// No attempt begins later than this after the first: whoever asked waits.
const CONTENTION_MAX: Duration = Duration::from_secs(30);

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
        for (at, value) in values.into_iter().enumerate() {
            self.text.push_str(if at > 0 { ", ?" } else { "?" });
            self.args.push(value.into());
        }
        self.text.push(')');
        self
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The values.
    pub(super) fn args(&self) -> &[Arg] {
        &self.args
    }
}

/// `column` is one of `values`. There are not many forms of this, however many values there are, for every form of a
/// statement is prepared anew: the last value fills the list up.
pub(super) fn any_of<V: Into<Arg> + Clone>(column: &str, values: impl IntoIterator<Item = V>) -> Sql {
    let mut values: Vec<V> = values.into_iter().collect();
    match values.as_slice() {
        // An empty list is none in the servers' SQL.
        [] => return sql!("1 = 0"),
        [one] => return sql!(format!("{column} = ?"), one.clone()),
        _ => {}
    }
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    let mut any = Sql::new(format!("{column} IN "));
    any.push_list(values);
    any
}

impl From<&str> for Sql {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
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
        if let Engine::Server(server) = &*self.engine {
            return server.fetch(&sql).await;
        }
        self.read(move |reading| reading.fetch(&sql)).await
    }

    /// The first row that `sql` selects.
    pub(crate) async fn fetch_optional(&self, sql: Sql) -> Result<Option<Row>, DbError> {
        Ok(self.fetch_all(sql).await?.into_iter().next())
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
            Engine::Server(server) => server.read(move |reader| work(&Reading::Server(reader))).await,
        }
    }

    /// Runs one statement that writes; how many rows it touched.
    pub(crate) async fn execute(&self, sql: Sql) -> Result<u64, DbError> {
        let sql = &sql;
        self.write(|tx| async move { tx.execute(sql.clone()).await }).await
    }

    /// Runs `work` in a transaction: all of it is kept, or nothing. When another transaction was in the way,
    /// `work` runs again from its start, so it must do nothing that cannot be done twice. Nor may it wait for anything
    /// but the statements of its transaction: everybody who writes waits meanwhile.
    pub(crate) async fn write<T, F, W>(&self, work: F) -> Result<T, DbError>
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

    async fn write_once<T, F, W>(&self, work: &F) -> Result<T, DbError>
    where
        F: Fn(Tx) -> W,
        W: Future<Output = Result<T, DbError>>,
    {
        let tx = match &*self.engine {
            Engine::Sqlite(sqlite) => Tx(Arc::new(Open::Sqlite(sqlite.begin().await?))),
            Engine::Server(server) => Tx(Arc::new(Open::Server(server.begin().await?))),
        };
        match work(tx.clone()).await {
            Ok(value) => tx.commit().await.map(|()| value),
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
            Self::Server(reader) => reader.fetch(sql),
        }
    }

    /// Hands each row that `sql` selects to `see` where it is, so that a long answer is not copied first.
    pub(super) fn each(&self, sql: &Sql, see: &mut dyn FnMut(&Seen<'_>) -> Result<(), DbError>) -> Result<(), DbError> {
        match self {
            Self::Sqlite(reader) => reader.each(sql, &mut |row| see(&Seen::Sqlite(row))),
            Self::Server(reader) => reader.fetch(sql)?.iter().try_for_each(|row| see(&Seen::Server(row))),
        }
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
pub(crate) struct Tx(Arc<Open>);

enum Open {
    Sqlite(Steps),
    Server(server::Writing),
}

impl Tx {
    /// The rows that `sql` selects.
    pub(crate) async fn fetch_all(&self, sql: Sql) -> Result<Vec<Row>, DbError> {
        match &*self.0 {
            Open::Sqlite(steps) => steps.ask(|answer| Step::Fetch(sql, answer)).await,
            Open::Server(writing) => writing.fetch(&sql).await,
        }
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
        match &*self.0 {
            Open::Sqlite(steps) => steps.ask(|answer| Step::Execute(batch, answer)).await,
            Open::Server(writing) => writing.execute(&batch).await,
        }
    }

    /// Runs all the statements of `script`, which binds no values.
    pub(crate) async fn run_script(&self, script: &'static str) -> Result<(), DbError> {
        match &*self.0 {
            Open::Sqlite(steps) => steps.ask(|answer| Step::Script(script, answer)).await,
            Open::Server(writing) => writing.run(script).await,
        }
    }

    /// Whose SQL is written.
    pub(super) fn dialect(&self) -> Dialect {
        match &*self.0 {
            Open::Sqlite(_) => Dialect::Sqlite,
            Open::Server(writing) => writing.dialect(),
        }
    }

    /// Waits until nobody else has the turn at `what`, and has it until the end: for work that writes what it does by what it
    /// finds, where no single row would stop two of the same kind. Whoever writes to SQLite has its turn anyway.
    pub(super) async fn take_turn(&self, what: &str) -> Result<(), DbError> {
        match &*self.0 {
            Open::Sqlite(_) => Ok(()),
            Open::Server(writing) => writing.take_turn(what).await,
        }
    }

    async fn commit(&self) -> Result<(), DbError> {
        match &*self.0 {
            Open::Sqlite(steps) => steps.ask(Step::Commit).await,
            Open::Server(writing) => writing.commit().await,
        }
    }

    async fn abort(&self) -> Result<(), DbError> {
        match &*self.0 {
            Open::Sqlite(steps) => steps.ask(Step::Abort).await,
            Open::Server(writing) => writing.abort().await,
        }
    }
}

/// A row of an answer, in one form for every engine.
#[derive(Debug)]
pub(crate) struct Row(Vec<Cell>);

/// A value in a row, and its own.
#[derive(Debug)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Time(NaiveDateTime),
}

/// A value in a row that is being read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    /// In UTC. SQLite has text instead.
    Time(NaiveDateTime),
}

impl From<Value<'_>> for Cell {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(int) => Self::Int(int),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Time(time) => Self::Time(time),
        }
    }
}

/// The columns of a row, whoever holds it; counted from 0 in the order of the statement.
pub(crate) trait Columns {
    /// The value in column `at`, if there is one.
    fn value(&self, at: usize) -> Result<Value<'_>, DbError>;

    /// The value in column `at` in the form that the caller wants.
    fn get<T: Column>(&self, at: usize) -> Result<T, DbError> {
        let value = self.value(at)?;
        T::read(value).ok_or_else(|| unreadable(at, value))
    }

    /// The text in column `at`.
    fn text(&self, at: usize) -> Result<&str, DbError> {
        match self.value(at)? {
            Value::Text(text) => Ok(text),
            other => Err(unreadable(at, other)),
        }
    }
}

fn unreadable(at: usize, value: Value<'_>) -> DbError {
    let what = match value {
        Value::Null => "nothing",
        Value::Int(_) => "a number",
        Value::Text(_) => "a text of another form",
        Value::Time(_) => "a time",
    };
    DbError::Unreadable(format!("{what} in column {at}"))
}

impl Row {
    pub(super) fn new(cells: Vec<Cell>) -> Self {
        Self(cells)
    }

    /// The value in column `at`.
    pub(crate) fn get<T: Column>(&self, at: usize) -> Result<T, DbError> {
        Columns::get(self, at)
    }
}

impl Columns for Row {
    fn value(&self, at: usize) -> Result<Value<'_>, DbError> {
        match self.0.get(at) {
            Some(Cell::Null) => Ok(Value::Null),
            Some(Cell::Int(int)) => Ok(Value::Int(*int)),
            Some(Cell::Text(text)) => Ok(Value::Text(text)),
            Some(Cell::Time(time)) => Ok(Value::Time(*time)),
            None => Err(DbError::Unreadable(format!("no column {at}"))),
        }
    }
}

/// A value that a column can hold; none when it holds another.
pub(crate) trait Column: Sized {
    fn read(value: Value<'_>) -> Option<Self>;
}

impl Column for String {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.to_owned()),
            Value::Null | Value::Int(_) | Value::Time(_) => None,
        }
    }
}

impl Column for i64 {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Int(int) => Some(int),
            Value::Null | Value::Text(_) | Value::Time(_) => None,
        }
    }
}

impl Column for bool {
    fn read(value: Value<'_>) -> Option<Self> {
        i64::read(value).map(|int| int != 0)
    }
}

impl Column for Timestamp {
    fn read(value: Value<'_>) -> Option<Self> {
        let text = match value {
            Value::Text(text) => text,
            Value::Time(time) => return Some(time.and_utc()),
            Value::Null | Value::Int(_) => return None,
        };
        let text = text.strip_suffix('Z').unwrap_or(text);
        let naive = plain_time(text).or_else(|| {
            ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
                .into_iter()
                .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        })?;
        Some(DateTime::from_naive_utc_and_offset(naive, chrono::Utc))
    }
}

/// A time in the form in which nearly all are written, `2024-01-31 12:00:00.000000`. A list reads thousands.
fn plain_time(text: &str) -> Option<NaiveDateTime> {
    let bytes = text.as_bytes();
    let plain = bytes.len() == 26
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b' ',
            13 | 16 => *byte == b':',
            19 => *byte == b'.',
            _ => byte.is_ascii_digit(),
        });
    if !plain {
        return None;
    }
    let number = |from: usize, to: usize| bytes[from..to].iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)).ok()?, number(5, 7), number(8, 10))?;
    date.and_hms_micro_opt(number(11, 13), number(14, 16), number(17, 19), number(20, 26))
}

impl<T: Column> Column for Option<T> {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            held => T::read(held).map(Some),
        }
    }
}

#[cfg(test)]
mod tests;
