//! PostgreSQL.

use std::borrow::Cow;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgArguments, PgConnectOptions, PgConnection, PgSslMode, PgTypeInfo, PgValueRef, Postgres,
};
use sqlx::types::chrono::NaiveDateTime;
use sqlx::{Arguments, ConnectOptions, Decode, Encode, Type, ValueRef};

use super::prepared::Prepared;
use super::words::Words;
use super::{LOCK_TIMEOUT, STATEMENTS_KEPT};
use crate::config::{DatabaseServer, TlsMode};
use crate::db::row::Value;
use crate::db::sql::{Arg, Sql};
use crate::db::{DbError, STATEMENT_DEADLINE};

/// The object ids of the types of columns that we have. All others are text, or written like it.
const BOOL: u32 = 16;
const INT8: u32 = 20;
const INT2: u32 = 21;
const INT4: u32 = 23;
const UNKNOWN: u32 = 705;
const TIMESTAMP: u32 = 1114;

pub(super) static WORDS: Words = Words {
    begin_reading: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    begin_writing: "BEGIN ISOLATION LEVEL READ COMMITTED",
    without_deadline: "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0",
    take_turn: "SELECT pg_advisory_xact_lock(?)",
};

/// What is off, so that a few rows of many are looked up one by one, in the order of an index.
const OFF: [&str; 6] =
    ["enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_bitmapscan", "enable_incremental_sort", "jit"];

pub(super) async fn connect(server: &DatabaseServer) -> Result<PgConnection, sqlx::Error> {
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&server.host)
        .username(&server.user)
        .database(&server.database)
        .application_name("glint")
        .statement_cache_capacity(STATEMENTS_KEPT)
        .options([
            ("statement_timeout", STATEMENT_DEADLINE.as_millis().to_string()),
            ("lock_timeout", LOCK_TIMEOUT.as_millis().to_string()),
            // What is written in one trip begins no transaction: it is one.
            ("default_transaction_isolation", "read committed".to_owned()),
            // In text that is sent with a statement nothing but the quote that ends it means anything.
            ("standard_conforming_strings", "on".to_owned()),
            // Work that waits for nobody but its own next statement, and is gone: its locks go, too.
            ("idle_in_transaction_session_timeout", STATEMENT_DEADLINE.as_millis().to_string()),
        ])
        .options(OFF.map(|setting| (setting, "off")))
        // What lists read is in memory, wherever in the table it stands: what costs is how many rows are looked at.
        .options([("seq_page_cost", "0"), ("random_page_cost", "0"), ("max_parallel_workers_per_gather", "0")])
        // Statements say themselves what finds their rows, whatever the values: making a plan for these each time costs several
        // times what the statement does.
        .options([("plan_cache_mode", "force_generic_plan")])
        .ssl_mode(match server.tls.mode {
            TlsMode::Never => PgSslMode::Disable,
            TlsMode::IfOffered => PgSslMode::Prefer,
            TlsMode::Always => PgSslMode::Require,
            TlsMode::KnownAuthority => PgSslMode::VerifyCa,
            TlsMode::KnownHost => PgSslMode::VerifyFull,
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
        options = options.ssl_root_cert(authority);
    }
    if let Some(own) = &server.tls.own {
        options = options.ssl_client_cert(&own.certificate).ssl_client_key(&own.key);
    }
    options.disable_statement_logging().connect().await
}

/// A value whose type is that of what it stands beside: some columns are of types of their own, that no text equals.
struct Untyped<'a>(Option<&'a str>);

impl Type<Postgres> for Untyped<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(UNKNOWN))
    }
}

impl Encode<'_, Postgres> for Untyped<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Some(text) = self.0 else { return Ok(IsNull::Yes) };
        buffer.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }
}

/// The values of a statement. One that only `looks` may ask for text with a NUL, which no column can hold: it asks for what
/// stands in place of characters that are none, and finds nothing.
pub(super) fn arguments(args: &[Arg], looks: bool) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for arg in args {
        let added = match arg {
            Arg::Null => arguments.add(Untyped(None)),
            Arg::Text(text) if looks && text.contains('\0') => {
                arguments.add(Untyped(Some(&text.replace('\0', "\u{fffd}"))))
            }
            Arg::Text(text) => arguments.add(Untyped(Some(text))),
            Arg::Int(int) => arguments.add(*int),
            Arg::Bool(bool) => arguments.add(*bool),
            Arg::Time(time) => arguments.add(time.naive_utc()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// The text that does `last`, all of it prepared, and where among its answers those to it begin. A text is a transaction of its
/// own; one that has `begun` is committed.
pub(super) fn finishing(prepared: &Prepared, last: &[Sql], begun: bool) -> Result<(String, usize), DbError> {
    let statements: Option<Vec<String>> = last.iter().map(|sql| prepared.doing(sql)).collect();
    let mut text = statements.ok_or_else(|| DbError::Other("a statement is not prepared".into()))?.join(";");
    if begun {
        text.push_str(";COMMIT");
    }
    Ok((text, 0))
}

/// A value of a row.
pub(super) fn value(raw: PgValueRef<'_>) -> Result<Value<'_>, BoxDynError> {
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = match raw.type_info() {
        Cow::Borrowed(kind) => kind.oid(),
        Cow::Owned(kind) => kind.oid(),
    };
    match kind.map(|kind| kind.0) {
        Some(BOOL) => <bool as Decode<Postgres>>::decode(raw).map(|bool| Value::Int(bool.into())),
        Some(INT2) => <i16 as Decode<Postgres>>::decode(raw).map(|int| Value::Int(int.into())),
        Some(INT4) => <i32 as Decode<Postgres>>::decode(raw).map(|int| Value::Int(int.into())),
        Some(INT8) => <i64 as Decode<Postgres>>::decode(raw).map(Value::Int),
        Some(TIMESTAMP) => <NaiveDateTime as Decode<Postgres>>::decode(raw).map(Value::Time),
        _ => raw.as_str().map(Value::Text),
    }
}

/// What an error of the server means, by its SQLSTATE.
pub(super) fn meaning(code: &str, source: sqlx::Error) -> DbError {
    match code {
        "23505" => DbError::Duplicate,
        // A failed serialisation, a deadlock, a lock that was waited for too long.
        "40001" | "40P01" | "55P03" => DbError::Contended(source.into()),
        "57014" => DbError::Deadline,
        // A value that is too long or too large, or that has a character which text cannot hold here.
        "22001" | "22003" | "22021" | "22P05" => DbError::Unfit(source.into()),
        "53100" => DbError::Full(source.into()),
        // A server that only reads, and one on which work came to rest for too long.
        "25006" | "25P03" => DbError::Unavailable(source.into()),
        // Broken connections, no room for more of them, a server that stops or starts.
        code if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => DbError::Unavailable(source.into()),
        _ => DbError::Other(source.into()),
    }
}
