//! A connection to a server, whichever it is. Each statement has its deadline; one that is slow is logged.

use std::future::ready;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlConnection, MySqlDatabaseError};
use sqlx::postgres::{PgConnection, PgDatabaseError};
use sqlx::{AssertSqlSafe, ColumnIndex, Connection, Database, Executor};
use tokio::time::timeout;

use super::prepared::Prepared;
use super::words::Words;
use super::{mysql, postgres};
use crate::config::{DatabaseEngine, DatabaseServer};
use crate::db::dialect::Dialect;
use crate::db::row::{Answer, Row, Value};
use crate::db::sql::{Arg, Sql};
use crate::db::{DbError, STATEMENT_DEADLINE};

/// How long a new connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection that lay idle may take to say that it lives.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// The server ends a statement at its deadline, and this much later we believe that there is no server any more.
const GRACE: Duration = Duration::from_secs(5);
/// Statements that go as one text, and the bytes of their values, at the most: fewer than are kept prepared, and far from what a
/// server takes at once.
const TOGETHER_MAX: usize = 16;
const TOGETHER_MAX_BYTES: usize = 1 << 16;
/// From here on a statement is slow.
const SLOW: Duration = Duration::from_secs(1);

/// A connection. Whoever is not sure of its state drops it, which closes it.
#[derive(Debug)]
pub(super) enum Link {
    MySql(MySqlConnection),
    Postgres(PgConnection, Prepared),
}

/// What a connection may be asked to do.
#[derive(Clone, Copy)]
pub(super) enum Ask<'a> {
    /// To be there.
    Nothing,
    BeginReading,
    BeginWriting,
    Commit,
    Abort,
    /// Several statements without values, which may take their time. The connection knows no deadline from then on.
    Run(&'static str),
    /// A statement that selects.
    Fetch(&'a Sql),
    /// A statement that writes.
    Execute(&'a Sql),
    /// To write this and commit: the rest of a transaction that has `begun`, or else one of its own.
    Finish {
        last: &'a [Sql],
        begun: bool,
    },
}

/// What came of it.
#[derive(Default)]
pub(super) struct Told {
    pub(super) rows: Vec<Row>,
    /// How many rows each statement that wrote has found, whether or not that changed them.
    pub(super) touched: Vec<u64>,
}

impl Link {
    pub(super) async fn open(server: &DatabaseServer) -> Result<Self, DbError> {
        let opening = async {
            Ok(match server.engine {
                DatabaseEngine::MySql => Self::MySql(mysql::connect(server).await?),
                DatabaseEngine::PostgreSql => Self::Postgres(postgres::connect(server).await?, Prepared::default()),
            })
        };
        let opened = Box::pin(timeout(CONNECT_TIMEOUT, opening)).await;
        // Whatever it is, a wrong password included: there is no database until somebody has done something.
        opened.map_err(DbError::unavailable)?.map_err(|error: sqlx::Error| DbError::unavailable(error))
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::MySql(_) => Dialect::MySql,
            Self::Postgres(..) => Dialect::Postgres,
        }
    }

    fn words(&self) -> &'static Words {
        match self {
            Self::MySql(_) => &mysql::WORDS,
            Self::Postgres(..) => &postgres::WORDS,
        }
    }

    /// Does what is asked.
    pub(super) async fn ask(&mut self, ask: Ask<'_>) -> Result<Told, DbError> {
        // What the drivers keep meanwhile is large, and would stand in every future that asks the database.
        Box::pin(self.answer(ask)).await
    }

    async fn answer(&mut self, ask: Ask<'_>) -> Result<Told, DbError> {
        match ask {
            Ask::Nothing => Ok(Told::default()),
            Ask::BeginReading => self.run(self.words().begin_reading).await,
            Ask::BeginWriting => self.run(self.words().begin_writing).await,
            Ask::Commit => self.run("COMMIT").await,
            Ask::Abort => self.run("ROLLBACK").await,
            Ask::Run(script) => {
                self.run(self.words().without_deadline).await?;
                match self {
                    Self::MySql(link) => link.execute(sqlx::raw_sql(script)).await.map(drop)?,
                    Self::Postgres(link, _) => link.execute(sqlx::raw_sql(script)).await.map(drop)?,
                }
                Ok(Told::default())
            }
            Ask::Fetch(sql) => self.fetch(sql).await,
            Ask::Execute(sql) => self.execute(sql).await,
            Ask::Finish { last, begun } => self.finish(last, begun).await,
        }
    }

    async fn fetch(&mut self, sql: &Sql) -> Result<Told, DbError> {
        let text = AssertSqlSafe(self.dialect().render(sql.text()));
        let mut answer = Answer::default();
        match self {
            Self::MySql(link) if sql.is_anew() => {
                let query = sqlx::raw_sql(AssertSqlSafe(mysql::spelled_out(&text.0, sql.args())));
                let rows = link.fetch(query).try_for_each(|row| ready(add(&mut answer, &row, mysql::value)));
                within_deadline(sql.text(), rows).await?;
            }
            Self::MySql(link) => {
                let query = sqlx::query_with(text, mysql::arguments(sql.args())?);
                let rows = link.fetch(query).try_for_each(|row| ready(add(&mut answer, &row, mysql::value)));
                within_deadline(sql.text(), rows).await?;
            }
            Self::Postgres(link, _) => {
                let query = sqlx::query_with(text, postgres::arguments(sql.args(), true)?);
                let rows = link.fetch(query).try_for_each(|row| ready(add(&mut answer, &row, postgres::value)));
                within_deadline(sql.text(), rows).await?;
            }
        }
        Ok(Told { rows: answer.rows(), touched: Vec::new() })
    }

    async fn execute(&mut self, sql: &Sql) -> Result<Told, DbError> {
        let text = AssertSqlSafe(self.dialect().render(sql.text()));
        let touched = match self {
            Self::MySql(link) => {
                let query = sqlx::query_with(text, mysql::arguments(sql.args())?);
                within_deadline(sql.text(), link.execute(query)).await?.rows_affected()
            }
            Self::Postgres(link, _) => {
                let query = sqlx::query_with(text, postgres::arguments(sql.args(), false)?);
                within_deadline(sql.text(), link.execute(query)).await?.rows_affected()
            }
        };
        Ok(Told { rows: Vec::new(), touched: vec![touched] })
    }

    /// One trip to the server, unless what is to be written is long.
    async fn finish(&mut self, last: &[Sql], begun: bool) -> Result<Told, DbError> {
        match last {
            [] if begun => self.run("COMMIT").await,
            [] => Ok(Told::default()),
            _ if fits_one_text(last) => self.finish_at_once(last, begun).await,
            // The server begins and commits by itself.
            [one] if !begun => self.execute(one).await,
            _ => {
                if !begun {
                    self.run(self.words().begin_writing).await?;
                }
                let mut told = Told::default();
                for sql in last {
                    told.touched.extend(self.execute(sql).await?.touched);
                }
                self.run("COMMIT").await.map(|_| told)
            }
        }
    }

    /// Whether a transaction is still open when `last` could not be finished.
    pub(super) fn stays_open(&self, last: &[Sql], begun: bool) -> bool {
        // PostgreSQL ends by itself what began with a text.
        begun || (last.len() > 1 && (matches!(self, Self::MySql(_)) || !fits_one_text(last)))
    }

    async fn finish_at_once(&mut self, last: &[Sql], begun: bool) -> Result<Told, DbError> {
        let told = last.iter().map(Sql::text).collect::<Vec<_>>().join("; ");
        let (mut touched, ours) = match self {
            Self::MySql(link) => {
                let (text, ours) = mysql::finishing(last, begun);
                let answers = link.execute_many(sqlx::raw_sql(AssertSqlSafe(text)));
                let touched = answers.map_ok(|answer| answer.rows_affected()).try_collect::<Vec<_>>();
                (within_deadline(&told, touched).await?, ours)
            }
            Self::Postgres(link, prepared) => {
                for sql in last {
                    if let Some(missing) = prepared.missing(sql) {
                        let preparing = link.execute(sqlx::raw_sql(AssertSqlSafe(missing.text.clone())));
                        within_deadline(sql.text(), preparing).await?;
                        prepared.note(missing);
                    }
                }
                let (text, ours) = postgres::finishing(prepared, last, begun)?;
                let answers = link.execute_many(sqlx::raw_sql(AssertSqlSafe(text)));
                let touched = answers.map_ok(|answer| answer.rows_affected()).try_collect::<Vec<_>>();
                (within_deadline(&told, touched).await?, ours)
            }
        };
        touched.truncate(ours + last.len());
        Ok(Told { rows: Vec::new(), touched: touched.split_off(ours.min(touched.len())) })
    }

    async fn run(&mut self, script: &'static str) -> Result<Told, DbError> {
        match self {
            Self::MySql(link) => within_deadline(script, link.execute(sqlx::raw_sql(script))).await.map(drop)?,
            Self::Postgres(link, _) => within_deadline(script, link.execute(sqlx::raw_sql(script))).await.map(drop)?,
        }
        Ok(Told::default())
    }

    /// Whether it still leads to the server.
    pub(super) async fn lives(&mut self) -> bool {
        let answered = match self {
            Self::MySql(link) => timeout(PING_TIMEOUT, link.ping()).await,
            Self::Postgres(link, _) => timeout(PING_TIMEOUT, link.ping()).await,
        };
        matches!(answered, Ok(Ok(())))
    }

    /// Takes leave of the server.
    pub(super) async fn close(self) {
        let leaving = async {
            match self {
                Self::MySql(link) => link.close().await,
                Self::Postgres(link, _) => link.close().await,
            }
        };
        // Whether it hears us does not matter: it sees that the connection ends.
        let _ = timeout(PING_TIMEOUT, leaving).await;
    }
}

/// Whether `statements` may go as one text: those are short, and none of their values ends a text.
fn fits_one_text(statements: &[Sql]) -> bool {
    let values = || statements.iter().flat_map(Sql::args).filter_map(Arg::as_text);
    statements.len() <= TOGETHER_MAX
        && values().map(str::len).sum::<usize>() <= TOGETHER_MAX_BYTES
        && !values().any(|value| value.contains('\0'))
}

/// Adds a row to an answer; `value` reads each of its values.
fn add<'r, R>(
    answer: &mut Answer,
    row: &'r R,
    value: impl Fn(<R::Database as Database>::ValueRef<'r>) -> Result<Value<'r>, BoxDynError>,
) -> Result<(), sqlx::Error>
where
    R: sqlx::Row,
    usize: ColumnIndex<R>,
{
    for at in 0..row.len() {
        answer.push(value(row.try_get_raw(at)?).map_err(sqlx::Error::Decode)?);
    }
    answer.end_row();
    Ok(())
}

async fn within_deadline<T>(statement: &str, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, DbError> {
    let begun = Instant::now();
    let done = timeout(STATEMENT_DEADLINE + GRACE, work).await;
    let took = begun.elapsed();
    if took >= SLOW {
        tracing::warn!(seconds = took.as_secs_f64(), statement, "slow statement");
    }
    Ok(done.map_err(|_| DbError::Deadline)??)
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let said = error.as_database_error();
        if let Some(number) = said.and_then(|said| Some(said.try_downcast_ref::<MySqlDatabaseError>()?.number())) {
            return mysql::meaning(number, error);
        }
        if let Some(code) = said.and_then(|said| Some(said.try_downcast_ref::<PgDatabaseError>()?.code().to_owned())) {
            return postgres::meaning(&code, error);
        }
        match &error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                Self::Unavailable(error.into())
            }
            sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => Self::Unreadable(error.to_string()),
            _ => Self::Other(error.into()),
        }
    }
}
