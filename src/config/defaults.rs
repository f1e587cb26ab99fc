//! What holds where the operator says nothing: the reference's defaults, and a service that stands alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::{
    Api, BuiltInIdentity, Callers, Config, Cors, DATABASE_FILE, Database, Driver, FileStore, Formats, Healthcheck,
    HttpStore, Listener, PasswordCost, PolicyFiles, Quotas, RemoteChecks, StoreConfig, Stores, Tasks, UriFilter,
    Validation,
};

impl Config {
    /// A stand-alone service that keeps everything under `data_dir`.
    pub fn stand_alone(data_dir: &str) -> Self {
        let store = StoreConfig {
            id: "local".into(),
            description: None,
            weight: 0,
            driver: Driver::File(FileStore::in_folder(format!("{data_dir}/images"))),
        };
        Self {
            node: "stand-alone".into(),
            listener: Listener::default(),
            api: Api::default(),
            quotas: Quotas::default(),
            limits: None,
            formats: Formats::default(),
            stores: Stores {
                default: store.id.clone(),
                enabled: vec![store],
                multi: true,
                staging: format!("{data_dir}/staging").into(),
            },
            identity: BuiltInIdentity::default(),
            database: Database::Sqlite(Path::new(data_dir).join(DATABASE_FILE)),
            callers: Callers::BuiltIn,
            policy: PolicyFiles::default(),
            remote_checks: RemoteChecks::default(),
            property_protection: None,
            uri_filter: UriFilter::default(),
            tasks: Tasks::default(),
            cors: Cors::default(),
            healthcheck: Healthcheck::default(),
            image_properties: serde_json::Map::new(),
            required_image_properties: Vec::new(),
            validate_image_properties: Validation::Off,
        }
    }
}

impl FileStore {
    /// A store of one folder, with the reference's defaults.
    pub fn in_folder(datadir: String) -> Self {
        Self {
            datadirs: vec![(datadir, 0)],
            metadata_file: None,
            file_perm: None,
            chunk_size: 64 << 10,
            thin_provisioning: false,
        }
    }
}

impl Default for HttpStore {
    fn default() -> Self {
        Self { https_ca_certificates_file: None, https_insecure: true, http_proxy_information: Vec::new() }
    }
}

impl Default for PolicyFiles {
    fn default() -> Self {
        Self {
            policy_file: None,
            policy_dirs: Vec::new(),
            policy_default_rule: "default".into(),
            enforce_new_defaults: true,
        }
    }
}

impl Default for UriFilter {
    fn default() -> Self {
        Self {
            allowed_schemes: owned(&["http", "https"]),
            disallowed_schemes: Vec::new(),
            allowed_hosts: Vec::new(),
            disallowed_hosts: Vec::new(),
            allowed_ports: vec![80, 443],
            disallowed_ports: Vec::new(),
        }
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self { time_to_live: Duration::from_hours(48) }
    }
}

impl Default for Cors {
    fn default() -> Self {
        Self {
            allowed_origin: Vec::new(),
            allow_credentials: true,
            expose_headers: owned(&[
                "X-Image-Meta-Checksum",
                "X-Auth-Token",
                "X-Subject-Token",
                "X-Service-Token",
                "X-OpenStack-Request-ID",
            ]),
            max_age: Some(3600),
            allow_methods: owned(&["GET", "PUT", "POST", "DELETE", "PATCH"]),
            allow_headers: owned(&[
                "Content-MD5",
                "X-Image-Meta-Checksum",
                "X-Storage-Token",
                "Accept-Encoding",
                "X-Auth-Token",
                "X-Identity-Status",
                "X-Roles",
                "X-Service-Catalog",
                "X-User-Id",
                "X-Tenant-Id",
                "X-OpenStack-Request-ID",
            ]),
        }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
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
            enable_proxy_headers_parsing: false,
            limit_param_default: 25,
            api_limit_max: 1000,
            max_request_id_length: 64,
            show_image_direct_url: false,
            show_multiple_locations: false,
            hashing_algorithm: "sha512".into(),
            enabled_import_methods: Vec::new(),
            image_cache: false,
            do_secure_hash: true,
            http_retries: 3,
            allow_anonymous_access: false,
            worker_self_reference_url: None,
            gzip: false,
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
            user_storage_quota: None,
        }
    }
}

impl Default for Formats {
    fn default() -> Self {
        Self {
            container_formats: owned(&["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]),
            disk_formats: owned(&["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]),
            require_match: true,
            gpt_checks_nonfatal: Vec::new(),
        }
    }
}

impl Default for RemoteChecks {
    fn default() -> Self {
        Self {
            as_json: false,
            timeout: Duration::from_mins(1),
            verify: false,
            ca_certificates_file: None,
            certificate_file: None,
            key_file: None,
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
