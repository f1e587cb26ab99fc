//! The database of one test: a file in its folder, or, with `GLINT_TEST_DATABASE=mysql://…` or `postgresql://…`, one on that
//! server, which the next test has after it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use glint::clock::new_uuid;
use glint::config::{Config, Database, DatabaseEngine};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};

/// Databases that no test uses any more, with what the last one left in them. Making one takes longer than emptying it.
static FREE: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// Where a test's database is.
pub enum TestDatabase {
    File(PathBuf),
    Server { engine: DatabaseEngine, server: String, name: String },
}

/// What keeps the database. Not everything is the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    MySql,
    PostgreSql,
}

/// What keeps the databases of this run.
pub fn engine() -> Engine {
    server_url().map_or(Engine::Sqlite, |url| Engine::of(&url))
}

impl Engine {
    /// What keeps the database at `url`.
    pub fn of(url: &str) -> Self {
        match url.split([':', '+']).next() {
            Some("mysql") => Self::MySql,
            Some("postgresql") => Self::PostgreSql,
            _ => Self::Sqlite,
        }
    }
}

/// The port of the server that keeps the databases of this run.
pub fn server_port() -> u16 {
    let Ok(Database::Server(server)) = Database::at(&server_url().unwrap()) else { panic!("it is no server") };
    server.port.unwrap()
}

fn server_url() -> Option<String> {
    std::env::var("GLINT_TEST_DATABASE").ok()
}

impl TestDatabase {
    /// An empty database for `config`.
    pub async fn new(config: &mut Config) -> Self {
        let Some(url) = server_url() else {
            let Database::Sqlite(file) = &config.database else { panic!("tests begin with a file") };
            return Self::File(file.clone());
        };
        let Ok(Database::Server(given)) = Database::at(&url) else { panic!("{url} is no server") };
        let (server, _) = url.rsplit_once('/').unwrap();
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let name = if let Some(name) = free {
            run(given.engine, &format!("{server}/{name}"), &emptying()).await;
            name
        } else {
            // Not after the process: the system gives its number to another one some day.
            let name = format!("glint_test_{}", new_uuid().simple());
            run(given.engine, &url, &making(given.engine, &name)).await;
            name
        };
        config.database = Database::at(&format!("{server}/{name}")).unwrap();
        Self::Server { engine: given.engine, server: server.to_owned(), name }
    }

    /// Runs `statement`, whoever else is at work on the database.
    pub async fn run(&self, statement: &str) {
        match self {
            Self::File(file) => {
                let (file, statement) = (file.clone(), statement.to_owned());
                let change = move || rusqlite::Connection::open(file).unwrap().execute(&statement, []).unwrap();
                tokio::task::spawn_blocking(change).await.unwrap();
            }
            Self::Server { engine, server, name } => run(*engine, &format!("{server}/{name}"), statement).await,
        }
    }

    /// Begins a transaction with `statement`; it stays open.
    pub async fn hold(&self, statement: &str) -> Held {
        match self {
            Self::File(file) => {
                let connection = rusqlite::Connection::open(file).unwrap();
                connection.execute_batch(&format!("BEGIN IMMEDIATE; {statement}")).unwrap();
                Held::File(connection)
            }
            Self::Server { engine, server, name } => {
                let url = plain(&format!("{server}/{name}"));
                let begin = sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; {statement}")));
                match engine {
                    DatabaseEngine::MySql => {
                        let mut connection = MySqlConnection::connect(&url).await.unwrap();
                        connection.execute(begin).await.unwrap();
                        Held::MySql(connection)
                    }
                    DatabaseEngine::PostgreSql => {
                        let mut connection = PgConnection::connect(&url).await.unwrap();
                        connection.execute(begin).await.unwrap();
                        Held::PostgreSql(connection)
                    }
                }
            }
        }
    }
}

/// A transaction that a test keeps open, and whoever needs what it has changed waits.
pub enum Held {
    File(rusqlite::Connection),
    MySql(MySqlConnection),
    PostgreSql(PgConnection),
}

impl Held {
    /// Ends it, without any change.
    pub async fn release(self) {
        match self {
            Self::File(connection) => connection.close().unwrap(),
            Self::MySql(mut connection) => {
                connection.execute("ROLLBACK").await.unwrap();
                connection.close().await.unwrap();
            }
            Self::PostgreSql(mut connection) => {
                connection.execute("ROLLBACK").await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Self::Server { name, .. } = self {
            FREE.lock().unwrap_or_else(PoisonError::into_inner).push_back(std::mem::take(name));
        }
    }
}

fn making(engine: DatabaseEngine, name: &str) -> String {
    match engine {
        // As the reference asks for it.
        DatabaseEngine::MySql => format!("CREATE DATABASE {name} CHARACTER SET utf8"),
        DatabaseEngine::PostgreSql => format!("CREATE DATABASE {name}"),
    }
}

/// Empties every table but those that say which schema it is.
fn emptying() -> String {
    const TABLES: [&str; 22] = [
        "glint_tokens",
        "glint_application_credentials",
        "glint_role_assignments",
        "glint_users",
        "glint_projects",
        "glint_leases",
        "glint_purged_images",
        "metadef_tags",
        "metadef_properties",
        "metadef_objects",
        "metadef_namespace_resource_types",
        "metadef_resource_types",
        "metadef_namespaces",
        "cached_images",
        "node_reference",
        "task_info",
        "tasks",
        "image_tags",
        "image_members",
        "image_locations",
        "image_properties",
        "images",
    ];
    TABLES.map(|table| format!("DELETE FROM {table}; ")).concat()
}

/// `url` without the names of Python's drivers.
fn plain(url: &str) -> String {
    url.replace("+pymysql", "").replace("+psycopg2", "")
}

async fn run(engine: DatabaseEngine, url: &str, statements: &str) {
    let url = plain(url);
    let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
    match engine {
        DatabaseEngine::MySql => {
            let mut connection = MySqlConnection::connect(&url).await.unwrap();
            connection.execute(statements).await.unwrap();
            connection.close().await.unwrap();
        }
        DatabaseEngine::PostgreSql => {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            connection.execute(statements).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}
