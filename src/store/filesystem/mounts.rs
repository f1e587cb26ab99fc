//! What an operator notes about the places where a store's folders are mounted (`filesystem_store_metadata_file`): it goes
//! beside the URL of every new object below, so that others who mount the same find the file without asking us.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Map, Value};
use tracing::error;

/// The longest file that is read, in bytes.
const FILE_MAX: u64 = 1024 * 1024;

/// Each mount: a JSON object with `id`, `mountpoint` and what else is to be noted.
#[derive(Clone, Debug, Default)]
pub(super) struct Mounts(Vec<Map<String, Value>>);

impl Mounts {
    /// Reads the file, which holds one such object or a list of them.
    pub(super) fn read(file: &Path) -> io::Result<Self> {
        let mut text = String::new();
        OpenOptions::new().read(true).open(file)?.take(FILE_MAX).read_to_string(&mut text)?;
        let mounts = match serde_json::from_str(&text)? {
            Value::Array(mounts) => mounts,
            one => vec![one],
        };
        mounts.into_iter().map(mount).collect::<Option<_>>().map(Self).ok_or_else(|| {
            let wanted =
                "each mount is an object with the texts `id` and `mountpoint`; numbers and the like are not noted";
            io::Error::new(io::ErrorKind::InvalidData, wanted)
        })
    }

    /// What is noted beside the URL of an object at `path`.
    pub(super) fn of(&self, path: &str) -> Map<String, Value> {
        let found = self.0.iter().find(|mount| {
            let mountpoint = mount.get("mountpoint").and_then(Value::as_str);
            mountpoint.is_some_and(|mountpoint| path.starts_with(mountpoint))
        });
        if found.is_none() && !self.0.is_empty() {
            error!(path, "no mount of the metadata file holds this path: nothing is noted about it");
        }
        found.cloned().unwrap_or_default()
    }
}

fn mount(value: Value) -> Option<Map<String, Value>> {
    let Value::Object(mount) = value else { return None };
    let told = ["id", "mountpoint"].iter().all(|name| mount.get(*name).is_some_and(Value::is_string));
    (told && mount.values().all(crate::store::may_be_noted)).then_some(mount)
}
