//! Where the database is: `[database]`, whose `connection` is a URL in SQLAlchemy's form.

use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};

use super::TlsFiles;
use super::options::SQL_MODE;
use super::settings::Settings;

/// The most connections that there may be, whatever the operator says.
const CONNECTIONS_MAX: usize = 1000;
/// How long SQLAlchemy waits for a connection unless told otherwise.
const POOL_TIMEOUT: Duration = Duration::from_secs(30);

/// The usual number of connections, and of those beside them.
const CONNECTIONS_KEPT: usize = 5;
const CONNECTIONS_BEYOND: usize = 50;

const GROUP: &str = "database";

/// Where the database is.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A server.
    Server(Box<DatabaseServer>),
}

impl Database {
    /// The database at `url`, which has SQLAlchemy's form, with the usual number of connections.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn at(url: &str) -> Result<Self, String> {
        read(url)
    }
}

/// A database on a server, and how connections to it are kept.
#[derive(Clone, Debug)]
pub struct DatabaseServer {
    /// What kind of server it is.
    pub engine: DatabaseEngine,
    /// Its name or address.
    pub host: String,
    /// Its port, if it is not the usual one.
    pub port: Option<u16>,
    /// Its socket, which goes before host and port; for PostgreSQL the folder of that.
    pub socket: Option<PathBuf>,
    /// Who we are there.
    pub user: String,
    password: Option<SecretString>,
    /// The name of the database.
    pub database: String,
    /// How the connection is protected.
    pub tls: DatabaseTls,
    /// The mode of MySQL.
    pub sql_mode: String,
    /// What statements wait for on Galera.
    pub wsrep_sync_wait: Option<i64>,
    /// How many connections there may be at once.
    pub connections_max: usize,
    /// How many connections stay open, whoever needs them.
    pub connections_kept: usize,
    /// How long one waits for a connection when there may be no more of them.
    pub pool_timeout: Duration,
    /// The age at which a connection is replaced; none for never.
    pub recycle_after: Option<Duration>,
    /// How often opening the database is tried again at the start; none for always.
    pub attempts_max: Option<u32>,
    /// How long is waited before that.
    pub retry_interval: Duration,
}

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseEngine {
    /// MariaDB and MySQL.
    MySql,
    /// PostgreSQL.
    PostgreSql,
}

/// TLS to the database.
#[derive(Clone, Debug, Default)]
pub struct DatabaseTls {
    /// Whether there is any, and what is asked of the server.
    pub mode: TlsMode,
    /// The file of the authority to believe.
    pub authority: Option<PathBuf>,
    /// What we prove ourselves with.
    pub own: Option<TlsFiles>,
}

/// What is asked of a server's TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// There is none.
    Never,
    /// It is used if the server has it, whoever it is.
    #[default]
    IfOffered,
    /// It has to be there, whoever the server is.
    Always,
    /// The certificate has to come from a known authority.
    KnownAuthority,
    /// And for the server's name.
    KnownHost,
}

impl DatabaseServer {
    /// The password, if there is one.
    pub fn password(&self) -> Option<&str> {
        self.password.as_ref().map(ExposeSecret::expose_secret)
    }
}

/// The database that the operator named.
pub(super) fn database(settings: &mut Settings) -> Database {
    let Some(mut url) = settings.text(GROUP, "connection") else {
        settings.fault(GROUP, "connection", "the database has to be named: sqlite:////folder/file");
        return nowhere();
    };
    if let Some(more) = settings.text(GROUP, "connection_parameters") {
        url = format!("{url}{}{more}", if url.contains('?') { '&' } else { '?' });
    }
    match read(&url) {
        Ok(Database::Server(server)) => Database::Server(Box::new(pool(settings, *server))),
        Ok(file) => file,
        Err(why) => {
            settings.fault(GROUP, "connection", why);
            nowhere()
        }
    }
}

/// What stands in for a database that was not named, which is a fault anyway.
fn nowhere() -> Database {
    Database::Sqlite(PathBuf::new())
}

/// What `url` says.
fn read(url: &str) -> Result<Database, String> {
    let (scheme, rest) =
        url.split_once("://").ok_or("it has to be a URL, as mysql+pymysql://user:password@host/name")?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let engine = match scheme.split('+').next().unwrap_or_default() {
        "sqlite" => {
            return match rest.strip_prefix('/') {
                None | Some("" | ":memory:") => Err("a database in memory is of no use: name a file".into()),
                Some(path) => Ok(Database::Sqlite(path.into())),
            };
        }
        "mysql" | "mariadb" => DatabaseEngine::MySql,
        "postgresql" | "postgres" => DatabaseEngine::PostgreSql,
        other => return Err(format!("there is no {other} here: only sqlite, mysql and postgresql")),
    };
    let (authority, name) = rest.split_once('/').unwrap_or((rest, ""));
    // The last @, for a password may have one.
    let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(SecretString::from(decoded(password)?))),
        None => (login, None),
    };
    let (host, port) = host_and_port(place)?;
    let mut server = DatabaseServer {
        engine,
        host: if host.is_empty() { "localhost".into() } else { decoded(host)? },
        port,
        socket: None,
        user: decoded(user)?,
        password,
        database: decoded(name)?,
        tls: DatabaseTls::default(),
        sql_mode: SQL_MODE.to_owned(),
        wsrep_sync_wait: None,
        connections_max: CONNECTIONS_KEPT + CONNECTIONS_BEYOND,
        connections_kept: CONNECTIONS_KEPT,
        pool_timeout: POOL_TIMEOUT,
        recycle_after: None,
        attempts_max: None,
        retry_interval: Duration::ZERO,
    };
    parameters(&mut server, query)?;
    if server.database.is_empty() {
        return Err("the URL names no database".into());
    }
    Ok(Database::Server(Box::new(server)))
}

/// `host:port`, `[address]:port`, or either without a port.
fn host_and_port(place: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = port.filter(|port| !port.is_empty()).map(str::parse).transpose();
    Ok((host, port.map_err(|_| "the port has to be a number")?))
}

/// What stands behind the question mark: parameters of the Python drivers, as far as they have a meaning here.
fn parameters(server: &mut DatabaseServer, query: &str) -> Result<(), String> {
    let (mut certificate, mut key, mut mode) = (None, None, None);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = decoded(value)?;
        match name {
            // A folder is that of a socket, as for libpq.
            "host" if value.starts_with('/') => server.socket = Some(value.into()),
            "host" => server.host = value,
            "port" => server.port = Some(value.parse().map_err(|_| "the port has to be a number")?),
            "unix_socket" => server.socket = Some(value.into()),
            "user" => server.user = value,
            "password" => server.password = Some(value.into()),
            "ssl_ca" | "sslrootcert" => server.tls.authority = Some(value.into()),
            "ssl_cert" | "sslcert" => certificate = Some(value),
            "ssl_key" | "sslkey" => key = Some(value),
            "sslmode" | "ssl_mode" => mode = Some(tls_mode(&value)?),
            "ssl_check_hostname" | "ssl_verify_identity" if is_off(&value) => {
                mode = mode.or(Some(TlsMode::KnownAuthority));
            }
            "ssl_verify_cert" if is_off(&value) => mode = mode.or(Some(TlsMode::Always)),
            // All text is UTF-8 here, and how long a connection may take is fixed. Certificates are looked at unless refused.
            "ssl_check_hostname"
            | "ssl_verify_identity"
            | "ssl_verify_cert"
            | "ssl"
            | "charset"
            | "client_encoding"
            | "use_unicode"
            | "binary_prefix"
            | "application_name"
            | "connect_timeout"
            | "read_timeout"
            | "write_timeout"
            | "gssencmode"
            | "local_infile" => {}
            other => return Err(format!("the parameter {other} of the URL is not known here")),
        }
    }
    server.tls.own = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate: certificate.into(), key: key.into() }),
        (None, None) => None,
        _ => return Err("a certificate for TLS and its key go together".into()),
    };
    server.tls.mode = mode.unwrap_or(match (&server.tls.authority, server.engine) {
        (Some(_), DatabaseEngine::MySql) => TlsMode::KnownHost,
        // As libpq: an authority in the file makes sslmode=prefer no stricter.
        _ => TlsMode::IfOffered,
    });
    Ok(())
}

/// The words of libpq, and those of MySQL.
fn tls_mode(word: &str) -> Result<TlsMode, String> {
    match word.to_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Ok(TlsMode::Never),
        "allow" | "prefer" | "preferred" => Ok(TlsMode::IfOffered),
        "require" | "required" => Ok(TlsMode::Always),
        "verify-ca" => Ok(TlsMode::KnownAuthority),
        "verify-full" | "verify-identity" => Ok(TlsMode::KnownHost),
        other => Err(format!("{other} is no mode of TLS")),
    }
}

fn is_off(value: &str) -> bool {
    ["0", "false", "no", "off"].contains(&value.to_lowercase().as_str())
}

fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "the URL has to be UTF-8")?;
    Ok(text.into_owned())
}

/// `server` with what the other options say about connections.
fn pool(settings: &mut Settings, server: DatabaseServer) -> DatabaseServer {
    let number = |settings: &mut Settings, name: &str| settings.number::<i64>(GROUP, name);
    // compat: none of these, and -1 of those beyond, are as many as it takes.
    let kept = match number(settings, "max_pool_size") {
        Some(0) => CONNECTIONS_MAX,
        Some(size) => usize::try_from(size).unwrap_or(1),
        None => CONNECTIONS_KEPT,
    };
    let beyond = number(settings, "max_overflow");
    let beyond = beyond.map_or(CONNECTIONS_BEYOND, |beyond| usize::try_from(beyond).unwrap_or(CONNECTIONS_MAX));
    let seconds = |number: i64| Duration::from_secs(number.unsigned_abs());
    let sql_mode = settings.text(GROUP, "mysql_sql_mode").unwrap_or_default();
    if !sql_mode.chars().all(|character| character.is_ascii_alphanumeric() || "_,".contains(character)) {
        settings.fault(GROUP, "mysql_sql_mode", "it has to be names of modes, with commas between them");
    }
    DatabaseServer {
        sql_mode,
        wsrep_sync_wait: settings.number(GROUP, "mysql_wsrep_sync_wait"),
        connections_max: kept.saturating_add(beyond).clamp(1, CONNECTIONS_MAX),
        connections_kept: kept,
        pool_timeout: number(settings, "pool_timeout").map_or(POOL_TIMEOUT, seconds),
        recycle_after: number(settings, "connection_recycle_time").filter(|age| *age >= 0).map(seconds),
        attempts_max: number(settings, "max_retries").and_then(|most| u32::try_from(most).ok()),
        retry_interval: number(settings, "retry_interval").map_or(Duration::ZERO, seconds),
        ..server
    }
}

#[cfg(test)]
mod tests;
