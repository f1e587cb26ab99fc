//! A connection to a server, whichever it is. Each statement has its deadline; one that is slow is logged.

use std::future::ready;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlConnection, MySqlDatabaseError};
use sqlx::postgres::{PgConnection, PgDatabaseError};
use sqlx::{AssertSqlSafe, ColumnIndex, Connection, Database, Executor};
use tokio::time::timeout;

use super::words::Words;
use super::{mysql, postgres};
use crate::config::{DatabaseEngine, DatabaseServer};
use crate::db::dialect::Dialect;
use crate::db::row::{Answer, Row, Value};
use crate::db::sql::{Sql, sql};
use crate::db::{DbError, STATEMENT_DEADLINE};

/// How long a new connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection that lay idle may take to say that it lives.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// The server ends a statement at its deadline, and this much later we believe that there is no server any more.
const GRACE: Duration = Duration::from_secs(5);
/// From here on a statement is slow.
const SLOW: Duration = Duration::from_secs(1);

/// A connection. Whoever is not sure of its state drops it, which closes it.
#[derive(Debug)]
pub(super) enum Link {
    MySql(MySqlConnection),
    Postgres(PgConnection),
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
    /// To wait for the turn at this place, which lasts until the transaction ends.
    TakeTurn(i64),
}

/// What came of it.
#[derive(Default)]
pub(super) struct Told {
    pub(super) rows: Vec<Row>,
    /// How many rows were found, whether or not that changed them.
    pub(super) touched: u64,
}

impl Link {
    pub(super) async fn open(server: &DatabaseServer) -> Result<Self, DbError> {
        let opening = async {
            Ok(match server.engine {
                DatabaseEngine::MySql => Self::MySql(mysql::connect(server).await?),
                DatabaseEngine::PostgreSql => Self::Postgres(postgres::connect(server).await?),
            })
        };
        let opened = Box::pin(timeout(CONNECT_TIMEOUT, opening)).await;
        // Whatever it is, a wrong password included: there is no database until somebody has done something.
        opened.map_err(DbError::unavailable)?.map_err(|error: sqlx::Error| DbError::unavailable(error))
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::MySql(_) => Dialect::MySql,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    fn words(&self) -> &'static Words {
        match self {
            Self::MySql(_) => &mysql::WORDS,
            Self::Postgres(_) => &postgres::WORDS,
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
                    Self::Postgres(link) => link.execute(sqlx::raw_sql(script)).await.map(drop)?,
                }
                Ok(Told::default())
            }
            Ask::Fetch(sql) => self.fetch(sql).await,
            Ask::Execute(sql) => self.execute(sql).await,
            Ask::TakeTurn(place) => self.execute(&sql!(self.words().take_turn, place)).await,
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
            Self::Postgres(link) => {
                let query = sqlx::query_with(text, postgres::arguments(sql.args(), true)?);
                let rows = link.fetch(query).try_for_each(|row| ready(add(&mut answer, &row, postgres::value)));
                within_deadline(sql.text(), rows).await?;
            }
        }
        Ok(Told { rows: answer.rows(), touched: 0 })
    }

    async fn execute(&mut self, sql: &Sql) -> Result<Told, DbError> {
        let text = AssertSqlSafe(self.dialect().render(sql.text()));
        let touched = match self {
            Self::MySql(link) => {
                let query = sqlx::query_with(text, mysql::arguments(sql.args())?);
                within_deadline(sql.text(), link.execute(query)).await?.rows_affected()
            }
            Self::Postgres(link) => {
                let query = sqlx::query_with(text, postgres::arguments(sql.args(), false)?);
                within_deadline(sql.text(), link.execute(query)).await?.rows_affected()
            }
        };
        Ok(Told { rows: Vec::new(), touched })
    }

    async fn run(&mut self, script: &'static str) -> Result<Told, DbError> {
        match self {
            Self::MySql(link) => within_deadline(script, link.execute(sqlx::raw_sql(script))).await.map(drop)?,
            Self::Postgres(link) => within_deadline(script, link.execute(sqlx::raw_sql(script))).await.map(drop)?,
        }
        Ok(Told::default())
    }

    /// Whether it still leads to the server.
    pub(super) async fn lives(&mut self) -> bool {
        let answered = match self {
            Self::MySql(link) => timeout(PING_TIMEOUT, link.ping()).await,
            Self::Postgres(link) => timeout(PING_TIMEOUT, link.ping()).await,
        };
        matches!(answered, Ok(Ok(())))
    }

    /// Takes leave of the server.
    pub(super) async fn close(self) {
        let leaving = async {
            match self {
                Self::MySql(link) => link.close().await,
                Self::Postgres(link) => link.close().await,
            }
        };
        // Whether it hears us does not matter: it sees that the connection ends.
        let _ = timeout(PING_TIMEOUT, leaving).await;
    }
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
