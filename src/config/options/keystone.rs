//! The options of the groups `keystone_authtoken` and `oslo_limit`, and those of a login to Keystone, which may stand in a
//! group of their own.

use super::{Group, Opt, bare, opt};
use crate::config::value::{ANY, Kind};

/// Their groups.
pub(super) const GROUPS: &[Group] = &[
    Group { name: "keystone_authtoken", options: AUTHTOKEN },
    Group { name: "keystone_authtoken", options: LOGIN },
    Group { name: "oslo_limit", options: OSLO_LIMIT },
    Group { name: "oslo_limit", options: LOGIN },
];

const IN_MEMORY: &str = "tokens are remembered in the memory of the process alone";

const AUTHTOKEN: &[Opt] = &[
    bare("www_authenticate_uri", Kind::Text, "Where clients are told to get a token; auth_url if it is not given.")
        .once(&[("keystone_authtoken", "auth_uri")]),
    bare(
        "auth_section",
        Kind::Text,
        "The group of auth_type and of the options of the login, where it is another one.",
    ),
    opt("interface", Kind::Text, "internal", "Which of Keystone's endpoints in the catalogue we ask."),
    bare("region_name", Kind::Text, "In which region; any, if it is not given."),
    bare("cafile", Kind::Text, "Certificates to trust, where they are not the system's."),
    bare("certfile", Kind::Text, "Our own certificate, where Keystone wants one."),
    bare("keyfile", Kind::Text, "Its key, where it is not in the same file."),
    opt("insecure", Kind::Flag, "false", "Whether any certificate will do."),
    bare("http_connect_timeout", ANY, "Seconds that Keystone may take to answer; a limit of ours, if it is not given."),
    opt("http_request_max_retries", ANY, "3", "How often to try again to connect."),
    opt("token_cache_time", ANY, "300", "Seconds for which an answer is believed; less than one for not at all."),
    opt("service_token_roles", Kind::List, "service", "The roles that make a service of somebody: any of them."),
    opt(
        "service_token_roles_required",
        Kind::Flag,
        "true",
        "Whether a service token without such a role counts for nothing.",
    ),
    bare(
        "service_type",
        Kind::Text,
        "What we are in the catalogue: needed for application credentials with access rules.",
    ),
    bare("auth_version", Kind::Text, "The version of the Identity API.").idle("it is 3"),
    opt("delay_auth_decision", Kind::Flag, "false", "Whether requests without a token go on to the API.")
        .idle("they always do, and it refuses them"),
    opt("include_service_catalog", Kind::Flag, "true", "Whether the catalogue of the caller is asked for.")
        .idle("nothing here reads it"),
    opt("enforce_token_bind", Kind::Text, "permissive", "Whether tokens are bound to a Kerberos ticket.")
        .idle("Keystone has no such tokens any more"),
    bare("cache", Kind::Text, "The WSGI environment key of a cache.").idle(IN_MEMORY),
    bare("memcached_servers", Kind::List, "Servers that remember tokens.")
        .once(&[("keystone_authtoken", "memcache_servers")])
        .idle(IN_MEMORY),
    opt(
        "memcache_security_strategy",
        Kind::ChoiceInAnyCase(&["None", "MAC", "ENCRYPT"]),
        "None",
        "How what they keep is protected.",
    )
    .idle(IN_MEMORY),
    bare("memcache_secret_key", Kind::Text, "The key of that.").secret().idle(IN_MEMORY),
    opt("memcache_tls_enabled", Kind::Flag, "false", "Whether the way to them is encrypted.").idle(IN_MEMORY),
    bare("memcache_tls_cafile", Kind::Text, "What their certificate is checked with.").idle(IN_MEMORY),
    bare("memcache_tls_certfile", Kind::Text, "The certificate that we show them.").idle(IN_MEMORY),
    bare("memcache_tls_keyfile", Kind::Text, "The key of that.").idle(IN_MEMORY),
    bare("memcache_tls_allowed_ciphers", Kind::Text, "Ciphers for that.").idle(IN_MEMORY),
    opt("memcache_pool_dead_retry", ANY, "300", "Seconds before a dead server is tried again.").idle(IN_MEMORY),
    opt("memcache_pool_maxsize", ANY, "10", "Connections to each server.").idle(IN_MEMORY),
    opt("memcache_pool_socket_timeout", ANY, "3", "Seconds that a server may take.").idle(IN_MEMORY),
    opt("memcache_pool_unused_timeout", ANY, "60", "Seconds for which a connection stays.").idle(IN_MEMORY),
    opt("memcache_pool_conn_get_timeout", ANY, "10", "Seconds to wait for one.").idle(IN_MEMORY),
    opt("memcache_use_advanced_pool", Kind::Flag, "true", "Which pool of connections is used.").idle(IN_MEMORY),
    opt("memcache_sasl_enabled", Kind::Flag, "false", "Whether we log in there.").idle(IN_MEMORY),
    bare("memcache_username", Kind::Text, "As whom.").idle(IN_MEMORY),
    bare("memcache_password", Kind::Text, "With what.").secret().idle(IN_MEMORY),
];

const FIXED: &str = "Keystone is asked by version 3 of its API, and once";

const OSLO_LIMIT: &[Opt] = &[
    bare("endpoint_id", Kind::Text, "The endpoint whose service and region have the limits that hold."),
    bare("endpoint_service_name", Kind::Text, "Where endpoint_id is not given: the name of the endpoint's service."),
    bare("endpoint_service_type", Kind::Text, "Likewise: the type of its service."),
    bare("endpoint_region_name", Kind::Text, "Likewise: its region; any, if it is not given."),
    opt(
        "endpoint_interface",
        Kind::Choice(&["public", "publicURL", "internal", "internalURL", "admin", "adminURL"]),
        "public",
        "Likewise: its interface.",
    ),
    bare(
        "auth_section",
        Kind::Text,
        "The group of auth_type and of the options of the login, where it is another one.",
    ),
    bare(
        "valid_interfaces",
        Kind::List,
        "Which of Keystone's endpoints in the catalogue we ask; public if none is given.",
    ),
    bare("region_name", Kind::Text, "In which region; any, if it is not given."),
    bare("endpoint_override", Kind::Text, "The endpoint of Keystone, whatever the catalogue says."),
    bare("cafile", Kind::Text, "Certificates to trust, where they are not the system's."),
    bare("certfile", Kind::Text, "Our own certificate, where Keystone wants one."),
    bare("keyfile", Kind::Text, "Its key, where it is not in the same file."),
    opt("insecure", Kind::Flag, "false", "Whether any certificate will do."),
    bare("timeout", Kind::Real, "Seconds that Keystone may take to answer; a limit of ours, if it is not given."),
    bare("connect_retries", ANY, "How often to try again to connect."),
    bare("connect_retry_delay", Kind::Real, "Seconds before that.").idle("half a second, and twice as long each time"),
    bare("service_type", Kind::Text, "What Keystone is in the catalogue.").idle("it is identity"),
    bare("service_name", Kind::Text, "How it is called there.").idle("there is one identity service"),
    bare("version", Kind::Text, "The version of its API.").idle(FIXED),
    bare("min_version", Kind::Text, "The least version of its API.").idle(FIXED),
    bare("max_version", Kind::Text, "The highest version of its API.").idle(FIXED),
    bare("status_code_retries", ANY, "How often to ask again after an answer that is none.").idle(FIXED),
    bare("status_code_retry_delay", Kind::Real, "Seconds before that.").idle(FIXED),
    bare("retriable_status_codes", Kind::List, "Which answers are none.").idle(FIXED),
    opt("collect_timing", Kind::Flag, "false", "Whether times are collected.").idle("this is no Python"),
    opt("split_loggers", Kind::Flag, "false", "Whether there are several loggers.").idle("this is no Python"),
    bare("tls_ciphers", Kind::Text, "Ciphers for TLS.").idle("those of rustls"),
    bare("tls_min_version", Kind::Text, "The least version of TLS.").idle("it is 1.2"),
];

/// The options of a login.
pub(in crate::config) const LOGIN: &[Opt] = &[
    bare("auth_type", Kind::Text, "How we log in to Keystone: password, v3password or v3applicationcredential.")
        .once(&[("", "auth_plugin")]),
    bare("auth_url", Kind::Text, "Where we log in."),
    bare("username", Kind::Text, "As whom, by name.").once(&[("", "user_name")]),
    bare("user_id", Kind::Text, "As whom, by id."),
    bare("user_domain_id", Kind::Text, "The domain of the user, by id."),
    bare("user_domain_name", Kind::Text, "The domain of the user, by name."),
    bare("password", Kind::Text, "With which password.").secret(),
    bare("project_id", Kind::Text, "For which project, by id.").once(&[("", "tenant_id")]),
    bare("project_name", Kind::Text, "For which project, by name.").once(&[("", "tenant_name")]),
    bare("project_domain_id", Kind::Text, "The domain of the project, by id."),
    bare("project_domain_name", Kind::Text, "The domain of the project, by name."),
    bare("default_domain_id", Kind::Text, "The domain of both, by id, where it is not given."),
    bare("default_domain_name", Kind::Text, "The domain of both, by name, where it is not given."),
    bare("domain_id", Kind::Text, "For which domain, by id."),
    bare("domain_name", Kind::Text, "For which domain, by name."),
    bare("system_scope", Kind::Text, "For the whole system: all."),
    bare("application_credential_id", Kind::Text, "With which application credential, by id."),
    bare("application_credential_name", Kind::Text, "With which application credential of the user, by name."),
    bare("application_credential_secret", Kind::Text, "With which secret.").secret(),
    bare("trust_id", Kind::Text, "With which trust.").refused("logging in by a trust is not there"),
];
