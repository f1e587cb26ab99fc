//! The schema of a new database, as a golden file: every table, column and index. What does not begin with `glint_` is the
//! reference's, and `tests/real` holds it against the reference's own migrations.

use std::fmt::Write;
use std::path::Path;

use glint::db::Db;
use rusqlite::Connection;

use crate::harness::golden;

#[tokio::test]
async fn a_new_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.sqlite");
    Db::open_sqlite(&file).await.unwrap().close().await;
    golden::matches("schema-sqlite.txt", &described(&file));
    Db::open_sqlite(&file).await.unwrap().close().await;
    golden::matches("schema-sqlite.txt", &described(&file));
}

/// A database that a newer release has changed is left alone.
#[tokio::test]
async fn a_database_of_a_newer_release() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.sqlite");
    Db::open_sqlite(&file).await.unwrap().close().await;
    ask(&file, "INSERT INTO glint_schema (step) VALUES (9999)");
    let error = Db::open_sqlite(&file).await.unwrap_err().to_string();
    assert!(error.contains("schema step 9999 is from a newer release"), "{error}");
}

fn described(file: &Path) -> String {
    let mut text = String::new();
    for table in ask(file, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") {
        writeln!(text, "{table}").unwrap();
        for (pragma, columns) in [
            (
                "table_info",
                "name || ' | ' || type || ' | ' || \"notnull\" || ' | ' || COALESCE(dflt_value, '') || ' | ' || pk",
            ),
            ("foreign_key_list", "\"from\" || ' | ' || \"table\" || ' | ' || \"to\" || ' | ' || on_delete"),
            ("index_list", "name || ' | ' || \"unique\""),
        ] {
            let rows = ask(file, &format!("SELECT {columns} FROM pragma_{pragma}('{table}') ORDER BY 1"));
            for row in rows.iter().filter(|row| !row.starts_with("sqlite_autoindex")) {
                writeln!(text, "  {pragma:<16} {row}").unwrap();
            }
        }
    }
    text
}

/// The first column of what `sql` answers.
fn ask(file: &Path, sql: &str) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}
