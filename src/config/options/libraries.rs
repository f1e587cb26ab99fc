//! The options that the reference has from its libraries.

use super::{Group, Opt, at_least, bare, opt};
use crate::config::value::{ANY, Kind};

/// What oslo.db asks of MySQL and MariaDB: that nothing is cut to fit.
pub(in crate::config) const SQL_MODE: &str = "TRADITIONAL";

/// Their groups.
pub(super) const GROUPS: &[Group] = &[
    Group { name: "database", options: DATABASE },
    Group { name: "oslo_policy", options: OSLO_POLICY },
    Group { name: "cors", options: CORS },
    Group { name: "healthcheck", options: HEALTHCHECK },
    Group { name: "oslo_middleware", options: OSLO_MIDDLEWARE },
    Group { name: "oslo_concurrency", options: OSLO_CONCURRENCY },
];

const RECONNECTS: &str = "a connection that broke is always replaced at once";

const DATABASE: &[Opt] = &[
    bare(
        "connection",
        Kind::Text,
        "The database, as a URL of SQLAlchemy: mysql+pymysql://user:password@host/name, sqlite:////folder/file.",
    )
    .secret(),
    bare("slave_connection", Kind::Text, "A second database for reading.").secret().idle("the first one is read, too"),
    bare("asyncio_connection", Kind::Text, "The database for asynchronous Python.").secret().idle("this is no Python"),
    bare("asyncio_slave_connection", Kind::Text, "Its second one.").secret().idle("this is no Python"),
    opt("backend", Kind::Text, "sqlalchemy", "What drives the database.").idle("this is no Python"),
    opt("sqlite_synchronous", Kind::Flag, "true", "Whether SQLite waits for the disk.").idle("it always does"),
    opt("synchronous_reader", Kind::Flag, "true", "Whether readers see what writers have just written.")
        .idle("they always do"),
    opt("mysql_sql_mode", Kind::Text, SQL_MODE, "The mode of MySQL."),
    bare("mysql_wsrep_sync_wait", ANY, "What Galera waits for."),
    opt("connection_recycle_time", ANY, "3600", "Seconds after which a connection is replaced."),
    opt("max_pool_size", ANY, "5", "The most connections that stay open."),
    opt("max_overflow", ANY, "50", "The most connections beside these."),
    bare("pool_timeout", ANY, "Seconds to wait for a connection."),
    opt("max_retries", ANY, "10", "How often opening the database is tried again."),
    opt("retry_interval", ANY, "10", "Seconds between these attempts."),
    opt("connection_debug", Kind::Number(0, 100), "0", "The detail of SQLAlchemy's log.").idle("this is no Python"),
    opt("connection_trace", Kind::Flag, "false", "Whether statements carry a stack trace.").idle("this is no Python"),
    opt("use_db_reconnect", Kind::Flag, "false", "Whether lost connections are opened again.").idle(RECONNECTS),
    opt("db_retry_interval", ANY, "1", "Seconds before that.").idle(RECONNECTS),
    opt("db_inc_retry_interval", Kind::Flag, "true", "Whether that becomes longer each time.").idle(RECONNECTS),
    opt("db_max_retry_interval", ANY, "10", "The most it becomes.").idle(RECONNECTS),
    opt("db_max_retries", ANY, "20", "How often.").idle(RECONNECTS),
    opt("connection_parameters", Kind::Text, "", "What is added to the URL."),
];

const OSLO_POLICY: &[Opt] = &[
    opt("policy_file", Kind::Text, "policy.yaml", "The operator's changes to the policy."),
    opt("policy_dirs", Kind::Lines, "policy.d", "Folders of further such files."),
    opt("policy_default_rule", Kind::Text, "default", "The rule that stands in for rules that do not exist."),
    opt(
        "enforce_new_defaults",
        Kind::Flag,
        "true",
        "Whether rules whose defaults have changed obey the new ones alone.",
    ),
    bare("enforce_scope", Kind::Flag, "Whether a token's scope has to fit.")
        .idle("it always has to, as in the reference"),
    opt(
        "remote_content_type",
        Kind::Choice(&["application/x-www-form-urlencoded", "application/json"]),
        "application/x-www-form-urlencoded",
        "The form of questions to a policy server.",
    ),
    opt("remote_ssl_verify_server_crt", Kind::Flag, "false", "Whether its certificate is checked."),
    bare("remote_ssl_ca_crt_file", Kind::Text, "What it is checked with."),
    bare("remote_ssl_client_crt_file", Kind::Text, "The certificate that we show it."),
    bare("remote_ssl_client_key_file", Kind::Text, "The key of that."),
    opt("remote_timeout", Kind::Real, "60", "Seconds that it may take."),
];

const CORS: &[Opt] = &[
    bare("allowed_origin", Kind::List, "Origins of pages that may call, or *."),
    opt("allow_credentials", Kind::Flag, "true", "Whether such a page may send what its browser keeps for us."),
    opt(
        "expose_headers",
        Kind::List,
        "X-Image-Meta-Checksum,X-Auth-Token,X-Subject-Token,X-Service-Token,X-OpenStack-Request-ID",
        "Headers that such a page may read.",
    ),
    opt("max_age", ANY, "3600", "Seconds for which a browser may remember the answer."),
    opt("allow_methods", Kind::List, "GET,PUT,POST,DELETE,PATCH", "Methods that such a page may use."),
    opt(
        "allow_headers",
        Kind::List,
        "Content-MD5,X-Image-Meta-Checksum,X-Storage-Token,Accept-Encoding,X-Auth-Token,X-Identity-Status,X-Roles,X-Service-Catalog,X-User-Id,X-Tenant-Id,X-OpenStack-Request-ID",
        "Headers that such a page may send.",
    ),
];

const HEALTHCHECK: &[Opt] = &[
    opt("backends", Kind::List, "", "What the health check looks at: disable_by_file, enable_by_files."),
    bare("disable_by_file_path", Kind::Text, "A file that takes the service out of service."),
    opt("enable_by_file_paths", Kind::List, "", "Files without which the service is out of service."),
    opt("disable_by_file_paths", Kind::List, "", "Files by port that take the service out of service: port:path.")
        .awaited("the health check does not tell ports apart yet"),
    opt("detailed", Kind::Flag, "false", "Whether the answer says more.").awaited("the health check has one form yet"),
    opt("allowed_source_ranges", Kind::List, "", "Networks that may ask.").awaited("anybody may ask yet"),
    opt("ignore_proxied_requests", Kind::Flag, "false", "Whether to answer only those who ask directly.")
        .awaited("anybody may ask yet"),
];

const OSLO_MIDDLEWARE: &[Opt] = &[
    opt("enable_proxy_headers_parsing", Kind::Flag, "false", "Whether X-Forwarded-Proto and its like are believed."),
    bare("max_request_body_size", at_least(0), "The largest body.")
        .idle("the reference has no such filter in its pipelines"),
    bare("secure_proxy_ssl_header", Kind::Text, "The header that names the scheme.")
        .idle("the reference has no such filter in its pipelines"),
];

const OSLO_CONCURRENCY: &[Opt] = &[
    bare("lock_path", Kind::Text, "Where locks between processes are.").idle("one process needs none"),
    opt("disable_process_locking", Kind::Flag, "false", "Whether there are none.").idle("one process needs none"),
];
