//! What the operator decided: one struct a concern, with the reference's defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Everything that the operator may decide.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where and how to listen.
    pub listener: Listener,
    /// What the Image API shows and accepts.
    pub api: Api,
    /// How much of everything an image may have.
    pub quotas: Quotas,
    /// Which formats exist.
    pub formats: Formats,
    /// Where bytes are kept.
    pub stores: Stores,
    /// The built-in identity.
    pub identity: BuiltInIdentity,
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
pub struct Api {
    /// The base of links in the version document, where it is not the address that the client used.
    pub public_endpoint: Option<String>,
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
}

/// Which formats exist.
#[derive(Clone, Debug)]
pub struct Formats {
    /// For `container_format`.
    pub container_formats: Vec<String>,
    /// For `disk_format`.
    pub disk_formats: Vec<String>,
}

/// Where bytes are kept.
#[derive(Clone, Debug)]
pub struct Stores {
    /// Every store, in the order of the operator's file.
    pub enabled: Vec<StoreConfig>,
    /// The one that takes what names no other.
    pub default: String,
}

/// One store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Its name in the API.
    pub id: String,
    /// What it is for, in words.
    pub description: Option<String>,
    /// What it is.
    pub driver: Driver,
}

/// What a store is, with its options.
#[derive(Clone, Debug)]
pub enum Driver {
    /// A folder.
    File {
        /// The folder.
        datadir: String,
    },
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

impl Config {
    /// A stand-alone service that keeps everything under `data_dir`.
    pub fn stand_alone(data_dir: &str) -> Self {
        let store = StoreConfig {
            id: "local".into(),
            description: None,
            driver: Driver::File { datadir: format!("{data_dir}/images") },
        };
        Self {
            listener: Listener::default(),
            api: Api::default(),
            quotas: Quotas::default(),
            formats: Formats::default(),
            stores: Stores { default: store.id.clone(), enabled: vec![store] },
            identity: BuiltInIdentity::default(),
        }
    }
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 9292)),
            tls: None,
            connections_max: 4096,
            head_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_mins(1),
            grace: Duration::from_secs(30),
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            public_endpoint: None,
            limit_param_default: 25,
            api_limit_max: 1000,
            max_request_id_length: 64,
            show_image_direct_url: false,
            show_multiple_locations: false,
            hashing_algorithm: "sha512".into(),
            enabled_import_methods: Vec::new(),
            image_cache: false,
        }
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            image_size_cap: 1 << 40,
            image_member_quota: Some(128),
            image_property_quota: Some(128),
            image_tag_quota: Some(128),
            image_location_quota: Some(10),
        }
    }
}

impl Default for Formats {
    fn default() -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            container_formats: owned(&["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]),
            disk_formats: owned(&["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]),
        }
    }
}

impl Default for BuiltInIdentity {
    fn default() -> Self {
        Self { token_lifetime: Duration::from_hours(12), password_cost: PasswordCost::default() }
    }
}

impl Default for PasswordCost {
    /// The second choice of the OWASP password storage guide, in the middle of what it calls equal.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2 }
    }
}
