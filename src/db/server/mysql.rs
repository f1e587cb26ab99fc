//! MariaDB and MySQL.

use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlSslMode, MySqlValueRef};
use sqlx::types::chrono::NaiveDateTime;
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Decode, MySql, TypeInfo, ValueRef};

use super::words::Words;
use super::{LOCK_TIMEOUT, STATEMENTS_KEPT};
use crate::config::{DatabaseServer, TlsMode};
use crate::db::dialect::Dialect;
use crate::db::row::Value;
use crate::db::sql::{Arg, Sql};
use crate::db::{DbError, STATEMENT_DEADLINE};

const BEGIN_WRITING: &str = "START TRANSACTION";

pub(super) static WORDS: Words = Words {
    begin_reading: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
                    START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    begin_writing: BEGIN_WRITING,
    // The comment is for MariaDB only; MySQL has no deadline but for reading.
    without_deadline: "SET SESSION lock_wait_timeout = 3600 /*M! , SESSION max_statement_time = 0 */",
    // A row that whoever takes the same turn changes, too: the nodes of Galera do not know each other's locks, but of those who
    // changed one row at the same time, one commits.
    take_turn: "INSERT INTO glint_turns (place, turn) VALUES (?, 1) ON DUPLICATE KEY UPDATE turn = turn + 1",
};

/// The digits of text in statements.
const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub(super) async fn connect(server: &DatabaseServer) -> Result<MySqlConnection, sqlx::Error> {
    let mut options = MySqlConnectOptions::new()
        .host(&server.host)
        .username(&server.user)
        .database(&server.database)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .charset("utf8mb4")
        .timezone(Some("+00:00".into()))
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .ssl_mode(match server.tls.mode {
            TlsMode::Never => MySqlSslMode::Disabled,
            TlsMode::IfOffered => MySqlSslMode::Preferred,
            TlsMode::Always => MySqlSslMode::Required,
            TlsMode::KnownAuthority => MySqlSslMode::VerifyCa,
            TlsMode::KnownHost => MySqlSslMode::VerifyIdentity,
        });
    if let Some(port) = server.port {
        options = options.port(port);
    }
    if let Some(socket) = &server.socket {
        options = options.socket(socket);
    }
    if let Some(password) = server.password() {
        options = options.password(password);
    }
    if let Some(authority) = &server.tls.authority {
        options = options.ssl_ca(authority);
    }
    if let Some(own) = &server.tls.own {
        options = options.ssl_client_cert(&own.certificate).ssl_client_key(&own.key);
    }
    let mut connection = options.disable_statement_logging().connect().await?;
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut connection).await?;
    sqlx::raw_sql(AssertSqlSafe(session(server, version.contains("MariaDB")))).execute(&mut connection).await?;
    Ok(connection)
}

/// What holds for every statement of a connection.
fn session(server: &DatabaseServer, is_mariadb: bool) -> String {
    // A list that has an index in its order would be put together from several others, and sorted. What is asked of each image
    // would be asked of all first. In MySQL conditions would be made into joins, and hundreds of these tried in every order.
    let switches = if is_mariadb { "index_merge=off,exists_to_in=off" } else { "index_merge=off,semijoin=off" };
    let mut settings = vec![
        "tx_isolation = 'READ-COMMITTED'".to_owned(),
        format!("innodb_lock_wait_timeout = {}", LOCK_TIMEOUT.as_secs()),
        format!("optimizer_switch = '{switches}'"),
        // A statement alone is a transaction.
        "autocommit = 1".to_owned(),
        // Every index that could be used would be looked into for every statement, to count what it has of the values.
        "eq_range_index_dive_limit = 1".to_owned(),
    ];
    let mut modes = vec![server.sql_mode.as_str()];
    if is_mariadb {
        settings.push(format!("max_statement_time = {}", STATEMENT_DEADLINE.as_secs()));
    } else {
        settings[0] = "transaction_isolation = 'READ-COMMITTED'".into();
        settings.push(format!("max_execution_time = {}", STATEMENT_DEADLINE.as_millis()));
        // Columns have whole seconds. MariaDB cuts the rest off by itself; a time in the future would be shown otherwise.
        modes.push("TIME_TRUNCATE_FRACTIONAL");
    }
    modes.retain(|mode| !mode.is_empty());
    settings.push(format!("sql_mode = '{}'", modes.join(",")));
    if let Some(wait) = server.wsrep_sync_wait {
        settings.push(format!("wsrep_sync_wait = {wait}"));
    }
    format!("SET SESSION {}", settings.join(", SESSION "))
}

/// The values of a statement.
pub(super) fn arguments(args: &[Arg]) -> Result<MySqlArguments, sqlx::Error> {
    let mut arguments = MySqlArguments::default();
    for arg in args {
        let added = match arg {
            Arg::Null => arguments.add(None::<&str>),
            Arg::Text(text) => arguments.add(text.as_str()),
            Arg::Int(int) => arguments.add(*int),
            Arg::Bool(bool) => arguments.add(*bool),
            Arg::Time(time) => arguments.add(time.naive_utc()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// The text that does `last` and commits, and where among its answers those to it begin. One statement alone is a transaction of
/// its own; several begin one, unless it has `begun`.
pub(super) fn finishing(last: &[Sql], begun: bool) -> (String, usize) {
    let spelled = last.iter().map(|sql| spelled_out(&Dialect::MySql.render(sql.text()), sql.args()));
    let text = spelled.collect::<Vec<_>>().join(";");
    match last {
        _ if begun => (format!("{text};COMMIT"), 0),
        [_] => (text, 0),
        _ => (format!("{BEGIN_WRITING};{text};COMMIT"), 1),
    }
}

/// A statement with its values in its text. Text is written as digits, so that none of it can be taken for anything else.
pub(super) fn spelled_out(text: &str, args: &[Arg]) -> String {
    let mut spelled = String::with_capacity(text.len() * 2);
    let mut pieces = text.split('?');
    spelled.push_str(pieces.next().unwrap_or_default());
    for (arg, piece) in args.iter().zip(pieces) {
        match arg {
            Arg::Null => spelled.push_str("NULL"),
            Arg::Text(text) => {
                spelled.push_str("_utf8mb4 X'");
                for byte in text.bytes() {
                    spelled.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
                }
                spelled.push('\'');
            }
            Arg::Int(int) => spelled.push_str(&int.to_string()),
            Arg::Bool(bool) => spelled.push_str(if *bool { "TRUE" } else { "FALSE" }),
            Arg::Time(time) => {
                spelled.push_str(&time.naive_utc().format("TIMESTAMP'%Y-%m-%d %H:%M:%S%.6f'").to_string());
            }
        }
        spelled.push_str(piece);
    }
    spelled
}

/// A value of a row.
pub(super) fn value(raw: MySqlValueRef<'_>) -> Result<Value<'_>, BoxDynError> {
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let read: fn(MySqlValueRef<'_>) -> Result<Value<'_>, BoxDynError> = match raw.type_info().name() {
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" | "BIGINT UNSIGNED" => {
            |raw| <i64 as Decode<MySql>>::decode(raw).map(Value::Int)
        }
        "DATETIME" | "TIMESTAMP" => |raw| <NaiveDateTime as Decode<MySql>>::decode(raw).map(Value::Time),
        _ => |raw| <&str as Decode<MySql>>::decode(raw).map(Value::Text),
    };
    read(raw)
}

/// What an error of the server means.
pub(super) fn meaning(number: u16, source: sqlx::Error) -> DbError {
    match number {
        1062 => DbError::Duplicate,
        // A table, a column, an index.
        1050 | 1060 | 1061 => DbError::Exists(source.into()),
        // Deadlock, which on Galera also comes at the commit; a wait for a lock that was too long; a row that changed.
        1205 | 1213 | 1020 => DbError::Contended(source.into()),
        // A statement that took too long, as MariaDB and as MySQL say it.
        1969 | 3024 => DbError::Deadline,
        // A value that is too long or too large, or that has characters which the column cannot hold.
        1264 | 1265 | 1267 | 1366 | 1406 | 3988 | 4078 => DbError::Unfit(source.into()),
        // A full disk, a file that cannot be written, a table that cannot grow.
        1021 | 1026 | 1114 => DbError::Full(source.into()),
        // Too many connections or statements; a node that is not ready; a server that stops or only reads; a broken connection.
        1040
        | 1047
        | 1053
        | 1077
        | 1079
        | 1158..=1161
        | 1180
        | 1184
        | 1203
        | 1226
        | 1290
        | 1317
        | 1461
        | 1836
        | 1927
        | 2006
        | 2013 => DbError::Unavailable(source.into()),
        _ => DbError::Other(source.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Arg, spelled_out};
    use crate::clock::Clock;

    #[test]
    fn values_stay_values() {
        let args =
            [Arg::Int(-1), Arg::Text("a' OR ? \\".into()), Arg::Text(String::new()), Arg::Bool(false), Arg::Null];
        let spelled = spelled_out("SELECT ?, ?, ?, ?, ? LIMIT 1", &args);
        assert_eq!(spelled, "SELECT -1, _utf8mb4 X'6127204f52203f205c', _utf8mb4 X'', FALSE, NULL LIMIT 1");
        let now = spelled_out("?", &[Arg::Time(Clock::default().now())]);
        assert!(now.starts_with("TIMESTAMP'20") && now.len() == "TIMESTAMP'2024-01-01 00:00:00.000000'".len(), "{now}");
    }
}
