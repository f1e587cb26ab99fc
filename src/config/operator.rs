//! The configuration that the operator's files describe: options and paste file become the typed `Config`.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::authtoken;
use super::database::database;
use super::image_schema::image_schema;
use super::oslo_limit;
use super::paste::{self, Filter, Pipeline};
use super::remark::{Place, Remark};
use super::review::review;
use super::settings::{Settings, Sources};
use super::stores;
use super::{
    Api, BuiltInIdentity, Callers, Config, Cors, Formats, Healthcheck, Listener, PolicyFiles, PropertyProtection,
    PropertyProtectionFormat, Quotas, Records, RemoteChecks, Tasks, TlsFiles, UriFilter, Validation,
};

/// What the operator's files say.
pub struct Operator {
    /// The configuration of the service.
    pub config: Config,
    /// How the log is wanted.
    pub log: Log,
    /// Whether to listen without TLS where others can reach it.
    pub insecure_listen: bool,
    /// Whether to believe callers there.
    pub trust_callers: bool,
    /// What decides nothing, or should be written otherwise.
    pub remarks: Vec<Remark>,
    /// The values of all options.
    pub settings: Settings,
}

/// How the log is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// In detail.
    pub debug: bool,
    /// As JSON.
    pub json: bool,
}

/// Reads the operator's files.
///
/// # Errors
/// Everything that is wrong with them.
pub fn read(sources: Sources) -> Result<Operator, Vec<Remark>> {
    let mut settings = Settings::read(sources);
    if !settings.faults.is_empty() {
        return Err(settings.faults);
    }
    let pipeline = pipeline(&mut settings);
    let stores = stores::stores(&mut settings);
    // Without a pipeline there is a fault, and nobody is served.
    let callers = pipeline.as_ref().map_or(Callers::Nobody, |pipeline| callers(&mut settings, pipeline));
    let pipeline = pipeline.unwrap_or_default();
    let mut remarks = review(&mut settings);
    remarks.extend(without_effect(&pipeline));
    let (image_properties, required_image_properties) = image_schema(&mut settings);
    let listener = listener(&mut settings);
    let limits = oslo_limit::limits(&mut settings, &mut remarks);
    let config = Config {
        node: listener.node_name(),
        listener,
        api: api(&mut settings, &pipeline),
        quotas: quotas(&mut settings),
        limits,
        formats: Formats {
            container_formats: settings.list("image_format", "container_formats"),
            disk_formats: settings.list("image_format", "disk_formats"),
            require_match: settings.flag("image_format", "require_image_format_match"),
            gpt_checks_nonfatal: settings.list("image_format", "gpt_safety_checks_nonfatal"),
        },
        stores,
        identity: BuiltInIdentity::default(),
        database: database(&mut settings),
        callers,
        policy: policy(&mut settings),
        remote_checks: remote_checks(&mut settings),
        property_protection: property_protection(&mut settings),
        uri_filter: uri_filter(&mut settings),
        tasks: Tasks { time_to_live: Duration::from_hours(settings.number("task", "task_time_to_live").unwrap_or(0)) },
        cors: if pipeline.has(Filter::Cors) { cors(&mut settings) } else { Cors::default() },
        healthcheck: healthcheck(&mut settings),
        image_properties,
        required_image_properties,
        validate_image_properties: validate_image_properties(&mut settings),
    };
    let log = Log { debug: settings.flag("DEFAULT", "debug"), json: settings.flag("DEFAULT", "use_json") };
    let (insecure_listen, trust_callers) =
        (settings.flag("glint", "insecure_listen"), settings.flag("glint", "trust_callers"));
    if !settings.faults.is_empty() {
        return Err(settings.faults);
    }
    Ok(Operator { config, log, insecure_listen, trust_callers, remarks, settings })
}

/// Reads where the database is, and what may be loaded into it, by the operator's files, whatever else is in them.
///
/// # Errors
/// What is wrong with that.
pub fn read_records(sources: Sources) -> Result<Records, Vec<Remark>> {
    let mut settings = Settings::read(sources);
    let records = Records { database: database(&mut settings), definitions: metadata_source_path(&mut settings) };
    if settings.faults.is_empty() { Ok(records) } else { Err(settings.faults) }
}

/// What stands before the API, by the paste file; none, with a fault, where that does not say. What it says about options
/// goes to the settings.
fn pipeline(settings: &mut Settings) -> Option<Pipeline> {
    let file = paste_file(settings)?;
    let flavor = settings.text("paste_deploy", "flavor");
    let pipeline = match paste::read(&file, flavor.as_deref()) {
        Ok(pipeline) => pipeline,
        Err(faults) => {
            settings.faults.extend(faults);
            return None;
        }
    };
    for (filter, group) in
        [(Filter::Authtoken, "keystone_authtoken"), (Filter::Cors, "cors"), (Filter::Healthcheck, "healthcheck")]
    {
        let options = pipeline.find(filter).map_or(&[][..], |used| &used.options);
        for (name, text, place) in options {
            if settings.option(group, name).is_some() {
                settings.set(group, name, text, place.clone());
            }
        }
    }
    Some(pipeline)
}

/// The paste file: the one that is named, or that of the last configuration file's name.
fn paste_file(settings: &mut Settings) -> Option<PathBuf> {
    if let Some(named) = settings.text("paste_deploy", "config_file") {
        return Some(named.into());
    }
    let last = settings.last_file().unwrap_or(Path::new("glance-api.conf"));
    let name = last.file_name().unwrap_or_default().to_string_lossy().replace(".conf", "-paste.ini");
    let found = settings.find_file(&name);
    if found.is_none() {
        let text = format!("there is no {name} beside the configuration file: name the paste file");
        settings.fault("paste_deploy", "config_file", text);
    }
    found
}

/// Who says who is calling, by the filters before the API.
fn callers(settings: &mut Settings, pipeline: &Pipeline) -> Callers {
    if pipeline.has(Filter::Context) {
        if pipeline.has(Filter::Authtoken) {
            return authtoken::keystone(settings)
                .map_or(Callers::Nobody, |keystone| Callers::Keystone(Box::new(keystone)));
        }
        return if pipeline.has(Filter::FakeAuth) { Callers::FakeTokens } else { Callers::TrustedHeaders };
    }
    if !pipeline.has(Filter::UnauthenticatedContext) {
        settings.fault("paste_deploy", "flavor", "the pipeline has neither context nor unauthenticated-context");
    }
    Callers::Nobody
}

/// Filters that change nothing here, though they do there.
fn without_effect(pipeline: &Pipeline) -> Vec<Remark> {
    let known = [
        (Filter::Cache, "the image cache is not there yet"),
        (Filter::CacheManage, "the image cache is not there yet"),
    ];
    let used = known.iter().filter(|(filter, _)| pipeline.has(*filter));
    used.map(|(filter, why)| Remark::new(Place::Nowhere, format!("paste filter {filter:?} changes nothing: {why}")))
        .collect()
}

fn listener(settings: &mut Settings) -> Listener {
    let defaults = Listener::default();
    let host = settings.text("DEFAULT", "bind_host").unwrap_or_default();
    let ip = host.parse::<IpAddr>().unwrap_or_else(|_| {
        settings.fault("DEFAULT", "bind_host", "it has to be an address");
        defaults.address.ip()
    });
    let port = settings.number("DEFAULT", "bind_port").unwrap_or(defaults.address.port());
    let tls = match (settings.text("glint", "tls_certificate"), settings.text("glint", "tls_key")) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate: certificate.into(), key: key.into() }),
        (None, None) => None,
        _ => {
            settings.fault("glint", "tls_certificate", "tls_certificate and tls_key go together");
            None
        }
    };
    Listener { address: SocketAddr::new(ip, port), tls, ..defaults }
}

fn api(settings: &mut Settings, pipeline: &Pipeline) -> Api {
    let defaults = Api::default();
    Api {
        public_endpoint: settings.text("DEFAULT", "public_endpoint"),
        enable_proxy_headers_parsing: pipeline.has(Filter::HttpProxyToWsgi)
            && settings.flag("oslo_middleware", "enable_proxy_headers_parsing"),
        limit_param_default: settings.number("DEFAULT", "limit_param_default").unwrap_or(defaults.limit_param_default),
        api_limit_max: settings.number("DEFAULT", "api_limit_max").unwrap_or(defaults.api_limit_max),
        max_request_id_length: settings
            .number("DEFAULT", "max_request_id_length")
            .unwrap_or(defaults.max_request_id_length),
        show_image_direct_url: settings.flag("DEFAULT", "show_image_direct_url"),
        show_multiple_locations: settings.flag("DEFAULT", "show_multiple_locations"),
        hashing_algorithm: settings.text("DEFAULT", "hashing_algorithm").unwrap_or(defaults.hashing_algorithm),
        enabled_import_methods: settings.list("DEFAULT", "enabled_import_methods"),
        image_cache: false,
        do_secure_hash: settings.flag("DEFAULT", "do_secure_hash"),
        http_retries: settings.number("DEFAULT", "http_retries").unwrap_or(0),
        allow_anonymous_access: settings.flag("DEFAULT", "allow_anonymous_access"),
        worker_self_reference_url: settings.text("DEFAULT", "worker_self_reference_url"),
        gzip: pipeline.has(Filter::Gzip),
    }
}

fn quotas(settings: &mut Settings) -> Quotas {
    Quotas {
        image_size_cap: settings.number("DEFAULT", "image_size_cap").unwrap_or(u64::MAX),
        image_member_quota: settings.number::<i64>("DEFAULT", "image_member_quota").filter(|most| *most >= 0),
        image_property_quota: unless_negative(settings, "image_property_quota"),
        image_tag_quota: unless_negative(settings, "image_tag_quota"),
        image_location_quota: unless_negative(settings, "image_location_quota"),
        user_storage_quota: storage_quota(settings),
    }
}

fn unless_negative(settings: &mut Settings, name: &str) -> Option<usize> {
    settings.number::<i128>("DEFAULT", name).and_then(|most| usize::try_from(most).ok())
}

/// A number with a unit, in powers of 1024; nothing, and none, for no limit.
fn storage_quota(settings: &mut Settings) -> Option<u64> {
    let text = settings.text("DEFAULT", "user_storage_quota")?;
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor: Option<u64> = match text[digits.len()..].to_uppercase().as_str() {
        "" | "B" => Some(1),
        "KB" => Some(1 << 10),
        "MB" => Some(1 << 20),
        "GB" => Some(1 << 30),
        "TB" => Some(1 << 40),
        _ => None,
    };
    let bytes = factor.and_then(|factor| digits.trim().parse::<u64>().ok()?.checked_mul(factor));
    if bytes.is_none() {
        let text = "it has to be a number, with B, KB, MB, GB or TB behind it if need be";
        settings.fault("DEFAULT", "user_storage_quota", text);
    }
    bytes.filter(|bytes| *bytes > 0)
}

/// The usual folder need not be there.
fn metadata_source_path(settings: &mut Settings) -> Option<PathBuf> {
    const NAME: &str = "metadata_source_path";
    let is_named = settings.place("DEFAULT", NAME) != Place::Nowhere;
    let path = settings.text("DEFAULT", NAME).map(PathBuf::from);
    path.filter(|path| is_named || path.exists())
}

fn validate_image_properties(settings: &mut Settings) -> Validation {
    match settings.text("glint", "validate_image_properties").as_deref() {
        Some("enforce") => Validation::Enforce,
        Some("warn") => Validation::Warn,
        _ => Validation::Off,
    }
}

fn policy(settings: &mut Settings) -> PolicyFiles {
    let defaults = PolicyFiles::default();
    let file = settings.text("oslo_policy", "policy_file").map(|name| settings.place_of_file(&name));
    let folders = settings.list("oslo_policy", "policy_dirs");
    PolicyFiles {
        policy_file: file,
        policy_dirs: folders.iter().map(|name| settings.place_of_file(name)).collect(),
        policy_default_rule: settings
            .text("oslo_policy", "policy_default_rule")
            .unwrap_or(defaults.policy_default_rule),
        enforce_new_defaults: settings.flag("oslo_policy", "enforce_new_defaults"),
    }
}

fn remote_checks(settings: &mut Settings) -> RemoteChecks {
    const GROUP: &str = "oslo_policy";
    let mut file = |name: &str| settings.text(GROUP, name).map(PathBuf::from);
    let (ca_certificates_file, certificate_file, key_file) =
        (file("remote_ssl_ca_crt_file"), file("remote_ssl_client_crt_file"), file("remote_ssl_client_key_file"));
    RemoteChecks {
        as_json: settings.text(GROUP, "remote_content_type").as_deref() == Some("application/json"),
        timeout: settings.seconds(GROUP, "remote_timeout").unwrap_or(RemoteChecks::default().timeout),
        verify: settings.flag(GROUP, "remote_ssl_verify_server_crt"),
        ca_certificates_file,
        certificate_file,
        key_file,
    }
}

fn property_protection(settings: &mut Settings) -> Option<PropertyProtection> {
    let file = settings.text("DEFAULT", "property_protection_file")?;
    let format = match settings.text("DEFAULT", "property_protection_rule_format").as_deref() {
        Some("policies") => PropertyProtectionFormat::Policies,
        _ => PropertyProtectionFormat::Roles,
    };
    Some(PropertyProtection { file: settings.place_of_file(&file), format })
}

fn uri_filter(settings: &mut Settings) -> UriFilter {
    const GROUP: &str = "import_filtering_opts";
    UriFilter {
        allowed_schemes: settings.list(GROUP, "allowed_schemes"),
        disallowed_schemes: settings.list(GROUP, "disallowed_schemes"),
        allowed_hosts: settings.list(GROUP, "allowed_hosts"),
        disallowed_hosts: settings.list(GROUP, "disallowed_hosts"),
        allowed_ports: settings.ports(GROUP, "allowed_ports"),
        disallowed_ports: settings.ports(GROUP, "disallowed_ports"),
    }
}

fn cors(settings: &mut Settings) -> Cors {
    Cors {
        allowed_origin: settings.list("cors", "allowed_origin"),
        allow_credentials: settings.flag("cors", "allow_credentials"),
        expose_headers: settings.list("cors", "expose_headers"),
        max_age: settings.number("cors", "max_age"),
        allow_methods: settings.list("cors", "allow_methods"),
        allow_headers: settings.list("cors", "allow_headers"),
    }
}

fn healthcheck(settings: &mut Settings) -> Healthcheck {
    let backends = settings.list("healthcheck", "backends");
    let has = |name: &str| backends.iter().any(|backend| backend == name);
    if let Some(other) = backends.iter().find(|name| !["disable_by_file", "enable_by_files"].contains(&name.as_str())) {
        settings.fault("healthcheck", "backends", format!("there is no {other} here"));
    }
    Healthcheck {
        disable_by_file_path: settings
            .text("healthcheck", "disable_by_file_path")
            .filter(|_| has("disable_by_file"))
            .map(PathBuf::from),
        enable_by_file_paths: settings
            .list("healthcheck", "enable_by_file_paths")
            .into_iter()
            .filter(|_| has("enable_by_files"))
            .map(PathBuf::from)
            .collect(),
    }
}
