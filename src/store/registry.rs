//! Every store of the service by its name, and which one holds a location.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::config::{Driver, FileStore, StoreConfig, Stores, UriFilter};
use crate::error::{Error, Kind, Result};
use crate::fetch::{Fetcher, Guard};
use crate::model::image::Location;
use crate::store::Store;
use crate::store::filesystem::{FilesystemStore, Options};
use crate::store::http::WebStore;

/// How the names begin that the reference keeps for stores of its own.
const RESERVED_PREFIX: &str = "os_glance_";

/// The stores, in the operator's order.
pub struct Registry {
    stores: Vec<Named>,
    default: String,
    /// Whether stores have names in the API. Without, each location's URL alone tells its store.
    multi: bool,
}

struct Named {
    name: String,
    /// The heaviest is read first.
    weight: i64,
    store: Arc<dyn Store>,
}

impl Registry {
    /// Opens every store that `config` names. One that cannot be written to still reads.
    ///
    /// # Errors
    /// For a name that is reserved, a default store that there is not, or certificates that cannot be read.
    pub fn open(config: &Stores, filter: &UriFilter) -> Result<Self> {
        let mut stores = Vec::new();
        for StoreConfig { id, weight, driver, .. } in &config.enabled {
            if id.starts_with(RESERVED_PREFIX) {
                let text = format!("'{RESERVED_PREFIX}' prefix should not be used in enabled_backends config option.");
                return Err(Error::internal(text));
            }
            let store: Arc<dyn Store> = match driver {
                Driver::File(options) => Arc::new(files(id, options)),
                Driver::Http(options) => {
                    let fetcher = Fetcher::new(Guard::new(filter.clone()), options);
                    Arc::new(WebStore::new(fetcher.map_err(|error| Error::internal(format!("store {id}: {error}")))?))
                }
            };
            stores.push(Named { name: id.clone(), weight: *weight, store });
        }
        let opened = Self { stores, default: config.default.clone(), multi: config.multi };
        if opened.called(&opened.default).is_none() {
            return Err(Error::internal(format!("Store for identifier {} not found", opened.default)));
        }
        Ok(opened)
    }

    /// The names of all stores, where they have any.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.stores.iter().filter(|_| self.multi).map(|named| named.name.as_str())
    }

    /// The store that takes new data: `wanted`, where stores have names, or else the default one.
    ///
    /// # Errors
    /// `Invalid` when there is no such store.
    pub fn for_new_data(&self, wanted: Option<&str>) -> Result<(&str, &Arc<dyn Store>)> {
        let wanted = wanted.filter(|_| self.multi).unwrap_or(&self.default);
        let found = self.called(wanted);
        let Named { name, store, .. } =
            found.ok_or_else(|| Error::invalid(format!("Store for identifier {wanted} not found")))?;
        Ok((name, store))
    }

    /// The store called `name`.
    ///
    /// # Errors
    /// `Internal` when there is none: the name is from our own records.
    pub fn named(&self, name: &str) -> Result<&Arc<dyn Store>> {
        let found = self.called(name).map(|named| &named.store);
        found.ok_or_else(|| Error::internal(format!("no store is called {name:?}")))
    }

    /// The store that holds `location`.
    ///
    /// # Errors
    /// `Unavailable` when none of ours does.
    pub fn of(&self, location: &Location) -> Result<&Arc<dyn Store>> {
        let noted = location.store().and_then(|name| self.called(name));
        let found = noted.or_else(|| self.owner(&location.url));
        found.map(|named| &named.store).ok_or_else(|| {
            Error::new(Kind::Unavailable).saying("The store of this image is not available on this node.")
        })
    }

    /// The store that `url` is of, with its name where stores have names.
    pub fn of_url(&self, url: &str) -> Option<(&str, &Arc<dyn Store>)> {
        self.owner(url).map(|named| (named.name.as_str(), &named.store))
    }

    /// Writes into `metadata`, where stores have names, that the bytes are in the store called `name`.
    pub fn note(&self, name: &str, metadata: &mut Map<String, Value>) {
        if self.multi {
            metadata.insert("store".into(), name.into());
        }
    }

    /// Puts `locations` into the order in which they are read: by the weight of their stores, where stores have names. A
    /// location that names none of ours gets the name of the store that its URL is of: old rows have none, and operators
    /// rename.
    pub fn arrange(&self, locations: &mut [Location]) {
        if !self.multi {
            return;
        }
        for location in locations.iter_mut() {
            let known = location.store().is_some_and(|name| self.called(name).is_some());
            if !known && let Some(owner) = self.owner(&location.url) {
                self.note(&owner.name, &mut location.metadata);
            }
        }
        let weight =
            |location: &Location| location.store().and_then(|name| self.called(name)).map_or(0, |it| it.weight);
        locations.sort_by_key(|location| Reverse(weight(location)));
    }

    fn called(&self, name: &str) -> Option<&Named> {
        self.stores.iter().find(|named| named.name == name)
    }

    fn owner(&self, url: &str) -> Option<&Named> {
        self.stores.iter().find(|named| named.store.owns(url))
    }
}

fn files(id: &str, options: &FileStore) -> FilesystemStore {
    let store = FilesystemStore::open(Options {
        datadirs: options.datadirs.clone(),
        file_mode: options.file_perm,
        thin: options.thin_provisioning,
        // The option sets the least: its default is from a time of smaller memories, and half as fast.
        read_block: options.chunk_size.max(FilesystemStore::READ_BLOCK),
        metadata_file: options.metadata_file.clone(),
    });
    if let Some(obstacle) = store.obstacle() {
        tracing::error!("store {id} takes no new images: {obstacle}");
    }
    store
}
