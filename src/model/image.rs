//! An image: what users see of it, and where its bytes are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::model::lifecycle::Status;

/// One image with everything that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// The id: a UUID for every image made by this service, any text of up to 36 characters in old databases.
    pub id: String,
    /// A name for people; not unique.
    pub name: Option<String>,
    /// Where it stands in its life.
    pub status: Status,
    /// Who may see it.
    pub visibility: Visibility,
    /// The project that owns it; none in old databases only.
    pub owner: Option<String>,
    /// How the data is wrapped (`bare`, `ova` …).
    pub container_format: Option<String>,
    /// The format of the data (`qcow2`, `raw` …).
    pub disk_format: Option<String>,
    /// Bytes of data.
    pub size: Option<i64>,
    /// Bytes that a guest sees.
    pub virtual_size: Option<i64>,
    /// MD5 of the data, in hex.
    pub checksum: Option<String>,
    /// The algorithm of `os_hash_value`.
    pub os_hash_algo: Option<String>,
    /// The secure hash of the data, in hex.
    pub os_hash_value: Option<String>,
    /// GiB of disk that a guest needs.
    pub min_disk: i64,
    /// MiB of memory that a guest needs.
    pub min_ram: i64,
    /// Whether deletion is refused.
    pub protected: bool,
    /// Whether the default list leaves it out.
    pub os_hidden: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// What users and services noted about it.
    pub properties: BTreeMap<String, String>,
    /// Labels.
    pub tags: BTreeSet<String>,
    /// Where the bytes are, best first.
    pub locations: Vec<Location>,
}

/// One place where an image's bytes are.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    /// The row's number; none before it is written.
    pub id: Option<i64>,
    /// The place, in the store's own form (`file:///…`).
    pub url: String,
    /// What the store noted: a JSON object, with `store` naming the store.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

impl Location {
    /// The id of the store that holds these bytes, if noted.
    pub fn store(&self) -> Option<&str> {
        self.metadata.get("store").and_then(|store| store.as_str())
    }
}

/// Who may see an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everybody, and it is in everybody's list.
    Public,
    /// The owner.
    Private,
    /// The owner and the members.
    Shared,
    /// Everybody who asks for it.
    Community,
}

impl Visibility {
    /// Every visibility, in the order in which the image schema lists them.
    pub const ALL: [Self; 4] = [Self::Community, Self::Public, Self::Private, Self::Shared];

    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Community => "community",
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A visibility name that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("unknown visibility {0:?}")]
pub struct UnknownVisibility(String);

impl FromStr for Visibility {
    type Err = UnknownVisibility;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|v| v.as_str() == name).ok_or_else(|| UnknownVisibility(name.to_owned()))
    }
}
