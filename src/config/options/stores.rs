//! The options of stores. Each store has them in the group of its name; without `enabled_backends` they stand in
//! `glance_store`.

use super::{Opt, at_least, bare, opt};
use crate::config::value::{ANY, Kind};

/// The options of a store of this type; none when there is no such type here.
pub fn of_driver(driver: &str) -> Option<&'static [&'static [Opt]]> {
    match driver {
        "file" => Some(&[ANY_STORE, FILE]),
        "http" => Some(&[ANY_STORE, HTTP]),
        _ => None,
    }
}

const NO_TIMEOUT: &str = "operations on files do not run out of time here";

const ANY_STORE: &[Opt] = &[
    bare("store_description", Kind::Text, "What the store is for, in words."),
    opt("weight", ANY, "0", "Its place among those that have an image: the heaviest is read first."),
];

const FILE: &[Opt] = &[DATADIR, DATADIRS, METADATA_FILE, FILE_PERM, FILE_CHUNK, THIN, TIMEOUT, POOL_SIZE, THRESHOLD];
const HTTP: &[Opt] = &[CA_FILE, INSECURE, PROXIES];

/// The group `glance_store`: what chooses among stores, and the options of single ones.
pub(super) const GLANCE_STORE: &[Opt] = &[
    bare("default_backend", Kind::Text, "The store that takes what names no other. Needed with enabled_backends."),
    opt("stores", Kind::List, "file,http", "The types of stores that are on, without enabled_backends.")
        .deprecated("enabled_backends takes its place"),
    opt(
        "default_store",
        Kind::Choice(&[
            "file",
            "filesystem",
            "http",
            "https",
            "swift",
            "swift+http",
            "swift+https",
            "swift+config",
            "rbd",
            "cinder",
            "vsphere",
            "s3",
        ]),
        "file",
        "The one of them that takes what names no other.",
    )
    .deprecated("default_backend takes its place"),
    DATADIR,
    DATADIRS,
    METADATA_FILE,
    FILE_PERM,
    FILE_CHUNK,
    THIN,
    TIMEOUT,
    POOL_SIZE,
    THRESHOLD,
    CA_FILE,
    INSECURE,
    PROXIES,
];

const DATADIR: Opt = opt("filesystem_store_datadir", Kind::Text, "/var/lib/glance/images", "The folder of the images.");
const DATADIRS: Opt = bare(
    "filesystem_store_datadirs",
    Kind::Lines,
    "Folders with their priorities, folder:priority, where there are several; the highest takes new images.",
)
.deprecated("a store for each folder takes its place");
const METADATA_FILE: Opt =
    bare("filesystem_store_metadata_file", Kind::Text, "A JSON file with what is noted beside each location.");
const FILE_PERM: Opt =
    opt("filesystem_store_file_perm", ANY, "0", "The mode of image files, such as 640; 0 for the process's own.");
const FILE_CHUNK: Opt =
    opt("filesystem_store_chunk_size", at_least(1), "65536", "Bytes that are read and written at a time.");
const THIN: Opt = opt("filesystem_thin_provisioning", Kind::Flag, "false", "Whether blocks of zeros become holes.");
const TIMEOUT: Opt =
    opt("filesystem_store_timeout", at_least(0), "0", "Seconds that an operation on a file may take.").idle(NO_TIMEOUT);
const POOL_SIZE: Opt =
    opt("filesystem_store_thread_pool_size", at_least(1), "10", "Threads for such operations.").idle(NO_TIMEOUT);
const THRESHOLD: Opt = opt(
    "filesystem_store_threadpool_threshold",
    Kind::Number(0, 100),
    "75",
    "Percent of them in use, at which there is a warning.",
)
.idle(NO_TIMEOUT);

const CA_FILE: Opt =
    bare("https_ca_certificates_file", Kind::Text, "Certificates to trust, where they are not the system's.");
const INSECURE: Opt = opt("https_insecure", Kind::Flag, "true", "Whether any certificate will do.");
const PROXIES: Opt = opt("http_proxy_information", Kind::Map, "", "Proxies: scheme:address, with commas between them.");
