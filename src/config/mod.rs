//! What the operator decided: one struct a concern.

mod authtoken;
pub mod database;
mod defaults;
mod image_schema;
pub mod ini;
pub mod keystone;
pub mod operator;
pub mod options;
mod oslo_limit;
pub mod paste;
pub mod remark;
mod review;
pub mod settings;
mod stores;
pub mod value;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use database::{Database, DatabaseEngine, DatabaseServer, DatabaseTls, TlsMode};
use keystone::{Keystone, Limits};

/// The database in a data directory.
pub const DATABASE_FILE: &str = "glint.sqlite";

/// Everything that the operator may decide.
#[derive(Clone, Debug)]
pub struct Config {
    /// What this node is called among those that share its database. What was begun under that name before the start was
    /// broken off, and is made good: no other node may be called the same.
    pub node: String,
    /// Where and how to listen.
    pub listener: Listener,
    /// What the Image API shows and accepts.
    pub api: Api,
    /// How much of everything an image may have.
    pub quotas: Quotas,
    /// The limits in Keystone; none where they do not hold, and what is missing where they cannot be asked for. They go before
    /// `user_storage_quota`.
    pub limits: Option<Result<Box<Limits>, String>>,
    /// Which formats exist.
    pub formats: Formats,
    /// Where bytes are kept.
    pub stores: Stores,
    /// The built-in identity.
    pub identity: BuiltInIdentity,
    /// Where the database is.
    pub database: Database,
    /// Who says who is calling.
    pub callers: Callers,
    /// The operator's changes to the policy.
    pub policy: PolicyFiles,
    /// How services are asked that decide rules.
    pub remote_checks: RemoteChecks,
    /// The operator's rules for single properties; none when every property is everybody's.
    pub property_protection: Option<PropertyProtection>,
    /// Which outside URLs may be named by clients.
    pub uri_filter: UriFilter,
    /// Tasks.
    pub tasks: Tasks,
    /// Which browsers' pages may call.
    pub cors: Cors,
    /// What the health check looks at beside the database.
    pub healthcheck: Healthcheck,
    /// Properties that the operator gives a type (`schema-image.json`), each with its JSON schema, in the file's order.
    pub image_properties: serde_json::Map<String, serde_json::Value>,
    /// Those of them that an image must have.
    pub required_image_properties: Vec<String>,
    /// What becomes of properties of images that do not fit their metadata definitions.
    pub validate_image_properties: Validation,
}

/// Where rows are, for commands that need nothing else of a service.
#[derive(Clone, Debug)]
pub struct Records {
    /// The database.
    pub database: Database,
    /// Where files of metadata definitions are; none for those that are built in.
    pub definitions: Option<PathBuf>,
}

/// What becomes of something that does not fit what is said of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// Nobody looks.
    #[default]
    Off,
    /// Answer and log say so.
    Warn,
    /// It is refused.
    Enforce,
}

/// Who says who is calling.
#[derive(Clone, Debug)]
pub enum Callers {
    /// The built-in identity of a stand-alone service.
    BuiltIn,
    /// Keystone (pipeline with `authtoken` and `context`).
    Keystone(Box<Keystone>),
    /// A proxy in front, in the headers of Keystone's `auth_token` (pipeline with `context` and without `authtoken`).
    TrustedHeaders,
    /// The token itself, as `user:project:roles` (pipeline with `fakeauth`): for tests only.
    FakeTokens,
    /// Nobody: every caller is an administrator without roles (pipeline with `unauthenticated-context`).
    Nobody,
}

impl Callers {
    /// Whether what callers say about themselves is believed.
    pub fn are_believed(&self) -> bool {
        !matches!(self, Self::BuiltIn | Self::Keystone(_))
    }
}

/// The options of the group `oslo_policy`.
#[derive(Clone, Debug)]
pub struct PolicyFiles {
    /// The file; one that is not there changes nothing.
    pub policy_file: Option<PathBuf>,
    /// Folders whose files are read after it, in the order of their names.
    pub policy_dirs: Vec<PathBuf>,
    /// The rule that stands in for rules that do not exist.
    pub policy_default_rule: String,
    /// Whether a rule whose default has changed obeys the new default alone.
    pub enforce_new_defaults: bool,
}

/// How services are asked that decide rules (`remote_…` in the group `oslo_policy`).
#[derive(Clone, Debug)]
pub struct RemoteChecks {
    /// Whether the question is JSON, and not a form.
    pub as_json: bool,
    /// How long one may take.
    pub timeout: Duration,
    /// Whether its certificate is checked.
    pub verify: bool,
    /// What it is checked with, where that is not what the system trusts.
    pub ca_certificates_file: Option<PathBuf>,
    /// The certificate that we show.
    pub certificate_file: Option<PathBuf>,
    /// Its key, where it is not in the same file.
    pub key_file: Option<PathBuf>,
}

/// The operator's rules for single properties.
#[derive(Clone, Debug)]
pub struct PropertyProtection {
    /// The file with a section for each pattern of names.
    pub file: PathBuf,
    /// What stands in it for each operation.
    pub format: PropertyProtectionFormat,
}

/// What stands in a property protection file for each operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyProtectionFormat {
    /// Names of roles.
    Roles,
    /// The name of one policy rule.
    Policies,
}

/// The options of the group `import_filtering_opts`; an `allowed` list that is not empty switches its twin off.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the options")]
pub struct UriFilter {
    pub allowed_schemes: Vec<String>,
    pub disallowed_schemes: Vec<String>,
    pub allowed_hosts: Vec<String>,
    pub disallowed_hosts: Vec<String>,
    pub allowed_ports: Vec<u16>,
    pub disallowed_ports: Vec<u16>,
}

/// The options of the group `task`.
#[derive(Clone, Debug)]
pub struct Tasks {
    /// How long a task that has ended is kept.
    pub time_to_live: Duration,
}

/// The options of the group `cors`; without an origin, no page of another site may call.
#[derive(Clone, Debug)]
pub struct Cors {
    /// The origins, or `*`.
    pub allowed_origin: Vec<String>,
    /// Whether a page may send what its browser keeps for us.
    pub allow_credentials: bool,
    /// The headers that a page may read.
    pub expose_headers: Vec<String>,
    /// How long a browser may keep the answer, in seconds.
    pub max_age: Option<u32>,
    /// The methods that a page may use.
    pub allow_methods: Vec<String>,
    /// The headers that a page may send.
    pub allow_headers: Vec<String>,
}

/// The options of the filter `healthcheck`.
#[derive(Clone, Debug, Default)]
pub struct Healthcheck {
    /// When this file is there, the service says that it is out of service.
    pub disable_by_file_path: Option<PathBuf>,
    /// When one of these is not there, likewise.
    pub enable_by_file_paths: Vec<PathBuf>,
}

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The address and port.
    pub address: SocketAddr,
    /// Certificate chain and key in PEM, for HTTPS.
    pub tls: Option<TlsFiles>,
    /// The most connections at a time; further ones wait to be accepted.
    pub connections_max: usize,
    /// How long a client may take for the head of a request.
    pub head_timeout: Duration,
    /// How long a client may send, or take, nothing of a body.
    pub stall_timeout: Duration,
    /// How long running requests may go on after the order to stop.
    pub grace: Duration,
}

impl Listener {
    /// What the node that listens so is called, also after a restart: the machine and the address. A port that the system
    /// chooses is another each time, and then what was broken off waits for its lease to run out.
    pub fn node_name(&self) -> String {
        let name = format!("{} {}", rustix::system::uname().nodename().to_string_lossy(), self.address);
        if self.address.port() == 0 { format!("{name} {}", std::process::id()) } else { name }
    }
}

/// Where certificate and key are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// What the Image API shows and accepts. Names and defaults are those of the reference's options.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the operator's switches, each of its own")]
pub struct Api {
    /// The base of links in the version document, where it is not the address that the client used.
    pub public_endpoint: Option<String>,
    /// Whether a proxy in front is believed when it says how clients reach it (group `oslo_middleware`).
    pub enable_proxy_headers_parsing: bool,
    /// Images on a page that names no limit.
    pub limit_param_default: u32,
    /// The most images on a page.
    pub api_limit_max: u32,
    /// The longest request id that a client may bring.
    pub max_request_id_length: usize,
    /// Whether an image shows where it can be fetched directly.
    pub show_image_direct_url: bool,
    /// Whether an image shows its locations, and takes them.
    pub show_multiple_locations: bool,
    /// The algorithm of the secure hash.
    pub hashing_algorithm: String,
    /// The ways to import that are on.
    pub enabled_import_methods: Vec<String>,
    /// Whether the image cache is on.
    pub image_cache: bool,
    /// Whether a location that is added is read whole, to know its hash.
    pub do_secure_hash: bool,
    /// How often reading it is tried again.
    pub http_retries: u32,
    /// Whether callers without a token may read what is public.
    pub allow_anonymous_access: bool,
    /// Where other nodes reach this one.
    pub worker_self_reference_url: Option<String>,
    /// Whether answers are compressed for those who can read that.
    pub gzip: bool,
}

/// How much of everything an image may have; none for no limit.
#[derive(Clone, Debug)]
pub struct Quotas {
    /// Bytes.
    pub image_size_cap: u64,
    /// Members.
    pub image_member_quota: Option<i64>,
    /// Properties.
    pub image_property_quota: Option<usize>,
    /// Tags.
    pub image_tag_quota: Option<usize>,
    /// Locations.
    pub image_location_quota: Option<usize>,
    /// Bytes that one project may keep in all.
    pub user_storage_quota: Option<u64>,
}

/// Which formats exist, and what is asked of data that claims one.
#[derive(Clone, Debug)]
pub struct Formats {
    /// For `container_format`.
    pub container_formats: Vec<String>,
    /// For `disk_format`.
    pub disk_formats: Vec<String>,
    /// Whether data has to be of the format that its image claims.
    pub require_match: bool,
    /// The checks of partition tables that are allowed to fail.
    pub gpt_checks_nonfatal: Vec<String>,
}

/// Where bytes are kept.
#[derive(Clone, Debug)]
pub struct Stores {
    /// Every store, in the order of the operator's file.
    pub enabled: Vec<StoreConfig>,
    /// The one that takes what names no other.
    pub default: String,
    /// Whether there are several by the operator's will (`enabled_backends`), be it only one.
    pub multi: bool,
    /// Where data waits that is to be imported.
    pub staging: PathBuf,
}

/// One store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Its name in the API.
    pub id: String,
    /// What it is for, in words.
    pub description: Option<String>,
    /// Its place among those that have an image: the heaviest is read first.
    pub weight: i64,
    /// What it is.
    pub driver: Driver,
}

/// What a store is, with its options.
#[derive(Clone, Debug)]
pub enum Driver {
    /// A folder, or several.
    File(FileStore),
    /// Web servers that others keep images on: read only.
    Http(HttpStore),
}

/// The options of a store of type `file` (`filesystem_store_…`).
#[derive(Clone, Debug)]
pub struct FileStore {
    /// The folders with their priorities, highest first.
    pub datadirs: Vec<(String, i64)>,
    /// A file that says more about the folders: what it says is noted with each location.
    pub metadata_file: Option<PathBuf>,
    /// The mode of the files, where it is not the process's own.
    pub file_perm: Option<u32>,
    /// Bytes that are written at a time.
    pub chunk_size: usize,
    /// Whether blocks of zeros become holes.
    pub thin_provisioning: bool,
}

/// The options of a store of type `http`.
#[derive(Clone, Debug)]
pub struct HttpStore {
    /// Certificates to trust, where they are not the system's.
    pub https_ca_certificates_file: Option<PathBuf>,
    /// Whether any certificate will do.
    pub https_insecure: bool,
    /// A proxy for each scheme.
    pub http_proxy_information: Vec<(String, String)>,
}

/// The built-in identity of a stand-alone service.
#[derive(Clone, Debug)]
pub struct BuiltInIdentity {
    /// How long a token is good.
    pub token_lifetime: Duration,
    /// What guessing a password costs.
    pub password_cost: PasswordCost,
}

/// The work of one password check (argon2id).
#[derive(Clone, Copy, Debug)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}
