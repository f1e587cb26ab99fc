//! The stores that the operator's files describe: several with `enabled_backends`, or one of each type without.

use std::path::PathBuf;

use super::options;
use super::settings::Settings;
use super::{Driver, FileStore, HttpStore, StoreConfig, Stores};

/// The group of the store where data waits for its import.
const STAGING: &str = "os_glance_staging_store";
/// The group of the store that legacy tasks use.
const TASKS: &str = "os_glance_tasks_store";
/// What the names of stores of our own begin with.
const RESERVED: &str = "os_glance_";
/// The group that stores without a value of their own share.
const SHARED: &str = "backend_defaults";

/// The stores, and the groups of their options made known.
pub(super) fn stores(settings: &mut Settings) -> Stores {
    if settings.is_given("DEFAULT", "enabled_backends") {
        let backends = settings.map("DEFAULT", "enabled_backends");
        if !backends.is_empty() {
            return several(settings, &backends);
        }
    }
    one_of_each_type(settings)
}

fn several(settings: &mut Settings, backends: &[(String, String)]) -> Stores {
    for name in [SHARED, STAGING, TASKS] {
        add_group(settings, name, "file");
    }
    add_group(settings, SHARED, "http");
    let mut enabled = Vec::new();
    for (id, driver) in backends {
        if id.starts_with(RESERVED) {
            let text = format!("{id}: names that begin with {RESERVED} are reserved");
            settings.fault("DEFAULT", "enabled_backends", text);
        }
        if !add_group(settings, id, driver) {
            let text = format!("{id}: stores of type {driver} are not there yet: only file and http are");
            settings.fault("DEFAULT", "enabled_backends", text);
            continue;
        }
        enabled.push(StoreConfig {
            id: id.clone(),
            description: settings.text(id, "store_description"),
            weight: settings.number(id, "weight").unwrap_or(0),
            driver: self::driver(settings, id, driver),
        });
    }
    let default = settings.text("glance_store", "default_backend");
    match &default {
        None => settings.fault("glance_store", "default_backend", "it has to name one of enabled_backends"),
        Some(name) if !backends.iter().any(|(id, _)| id == name) => {
            settings.fault("glance_store", "default_backend", "it is none of enabled_backends");
        }
        Some(_) => {}
    }
    let is_staging_given = settings.is_given(STAGING, "filesystem_store_datadir");
    let staging = settings.text(STAGING, "filesystem_store_datadir").filter(|_| is_staging_given);
    Stores {
        enabled,
        default: default.unwrap_or_default(),
        multi: true,
        staging: staging.map_or_else(|| format!("/var/lib/glance/{STAGING}").into(), PathBuf::from),
    }
}

fn one_of_each_type(settings: &mut Settings) -> Stores {
    let mut enabled = Vec::new();
    for driver in settings.list("glance_store", "stores") {
        let driver = type_of_scheme(&driver);
        if options::of_driver(driver).is_none() {
            let text = format!("stores of type {driver} are not there yet: only file and http are");
            settings.fault("glance_store", "stores", text);
        } else if !enabled.iter().any(|store: &StoreConfig| store.id == driver) {
            let options = self::driver(settings, "glance_store", driver);
            enabled.push(StoreConfig { id: driver.to_owned(), description: None, weight: 0, driver: options });
        }
    }
    let default = settings.text("glance_store", "default_store").unwrap_or_default();
    let default = type_of_scheme(&default).to_owned();
    if !enabled.iter().any(|store| store.id == default) {
        settings.fault("glance_store", "default_store", "no such store is on");
    }
    Stores { enabled, default, multi: false, staging: staging_folder(settings) }
}

/// The type of store that has URLs of this scheme, by which `stores` and `default_store` name it, too.
fn type_of_scheme(scheme: &str) -> &str {
    match scheme {
        "filesystem" => "file",
        "https" => "http",
        other => other,
    }
}

fn staging_folder(settings: &mut Settings) -> PathBuf {
    let uri = settings.text("DEFAULT", "node_staging_uri").unwrap_or_default();
    let folder = uri.strip_prefix("file://");
    if folder.is_none() {
        settings.fault("DEFAULT", "node_staging_uri", "it has to begin with file://");
    }
    folder.unwrap_or_default().into()
}

fn add_group(settings: &mut Settings, name: &str, driver: &str) -> bool {
    let tables = options::of_driver(driver);
    for table in tables.into_iter().flatten() {
        settings.add_group(name, table);
    }
    tables.is_some()
}

fn driver(settings: &mut Settings, group: &str, driver: &str) -> Driver {
    if driver == "http" { Driver::Http(http(settings, group)) } else { Driver::File(file(settings, group)) }
}

fn file(settings: &mut Settings, group: &str) -> FileStore {
    let of = |name: &str| group_of(settings, group, name);
    let (datadir, datadirs) = (of("filesystem_store_datadir"), of("filesystem_store_datadirs"));
    let (metadata_file, file_perm) = (of("filesystem_store_metadata_file"), of("filesystem_store_file_perm"));
    let (chunk_size, thin) = (of("filesystem_store_chunk_size"), of("filesystem_thin_provisioning"));
    let defaults = FileStore::in_folder(String::new());
    FileStore {
        datadirs: folders(settings, &datadir, &datadirs),
        metadata_file: settings.text(&metadata_file, "filesystem_store_metadata_file").map(PathBuf::from),
        file_perm: file_mode(settings, &file_perm),
        chunk_size: settings.number(&chunk_size, "filesystem_store_chunk_size").unwrap_or(defaults.chunk_size),
        thin_provisioning: settings.flag(&thin, "filesystem_thin_provisioning"),
    }
}

fn http(settings: &mut Settings, group: &str) -> HttpStore {
    let of = |name: &str| group_of(settings, group, name);
    let (ca, insecure, proxies) =
        (of("https_ca_certificates_file"), of("https_insecure"), of("http_proxy_information"));
    HttpStore {
        https_ca_certificates_file: settings.text(&ca, "https_ca_certificates_file").map(PathBuf::from),
        https_insecure: settings.flag(&insecure, "https_insecure"),
        http_proxy_information: settings.map(&proxies, "http_proxy_information"),
    }
}

/// The group whose value a store has: its own, or the shared one where only that is given.
fn group_of(settings: &Settings, group: &str, name: &str) -> String {
    let is_shared = !settings.is_given(group, name) && settings.is_given(SHARED, name);
    if is_shared { SHARED.to_owned() } else { group.to_owned() }
}

/// The folders of a file store with their priorities, highest first.
fn folders(settings: &mut Settings, in_datadir: &str, in_datadirs: &str) -> Vec<(String, i64)> {
    let several = settings.list(in_datadirs, "filesystem_store_datadirs");
    let is_one_given = settings.is_given(in_datadir, "filesystem_store_datadir");
    let one = settings.text(in_datadir, "filesystem_store_datadir");
    if several.is_empty() {
        if one.is_none() {
            settings.fault(in_datadir, "filesystem_store_datadir", "the folder of the images has to be named");
        }
        return one.map(|folder| (folder, 0)).into_iter().collect();
    }
    if one.is_some() && is_one_given {
        let text = "it cannot stand beside filesystem_store_datadir";
        settings.fault(in_datadirs, "filesystem_store_datadirs", text);
    }
    let mut folders: Vec<(String, i64)> = Vec::new();
    for entry in several {
        match folder_and_priority(&entry) {
            Some((folder, _)) if folders.iter().any(|(known, _)| *known == folder) => {
                settings.fault(in_datadirs, "filesystem_store_datadirs", "a folder is there twice");
            }
            Some(folder) => folders.push(folder),
            None => {
                settings.fault(in_datadirs, "filesystem_store_datadirs", "a line has to be folder:priority");
            }
        }
    }
    folders.sort_by_key(|(_, priority)| std::cmp::Reverse(*priority));
    folders
}

fn folder_and_priority(entry: &str) -> Option<(String, i64)> {
    let (folder, priority) = match entry.rsplit_once(':') {
        Some((folder, priority)) => (folder, priority.trim().parse().ok()?),
        None => (entry, 0),
    };
    let folder = folder.trim();
    (!folder.is_empty()).then(|| (folder.to_owned(), priority))
}

/// The mode of files: digits that are octal, though the option is a number.
fn file_mode(settings: &mut Settings, group: &str) -> Option<u32> {
    let number: i64 = settings.number(group, "filesystem_store_file_perm").filter(|number| *number > 0)?;
    let mode = u32::from_str_radix(&number.to_string(), 8).ok().filter(|mode| *mode <= 0o7777 && mode & 0o400 != 0);
    if mode.is_none() {
        let text = "it has to be an octal mode that lets the owner read";
        settings.fault(group, "filesystem_store_file_perm", text);
    }
    mode
}
