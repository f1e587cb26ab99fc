//! Every store of the service by its name, and which one holds a location.

use std::sync::Arc;

use crate::config::{Driver, FileStore, Stores};
use crate::error::{Error, Kind, Result};
use crate::model::image::Location;
use crate::store::Store;
use crate::store::filesystem::{FilesystemStore, Options};

/// The stores, in the operator's order.
pub struct Registry {
    stores: Vec<(String, Arc<dyn Store>)>,
    default: String,
}

impl Registry {
    /// Opens every store that `config` names. One that cannot be written to still reads.
    pub fn open(config: &Stores) -> Self {
        let mut stores: Vec<(String, Arc<dyn Store>)> = Vec::new();
        for store in &config.enabled {
            let opened: Arc<dyn Store> = match &store.driver {
                Driver::File(options) => Arc::new(folder(options)),
                Driver::Http(_) => continue,
            };
            stores.push((store.id.clone(), opened));
        }
        Self { stores, default: config.default.clone() }
    }

    /// A registry of these stores; for tests with stores of their own.
    pub fn of_stores(stores: Vec<(String, Arc<dyn Store>)>, default: String) -> Self {
        Self { stores, default }
    }

    /// The names of all stores.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.stores.iter().map(|(name, _)| name.as_str())
    }

    /// The store that takes new data: `wanted`, or else the default one.
    ///
    /// # Errors
    /// `Invalid` when there is no such store.
    pub fn for_new_data(&self, wanted: Option<&str>) -> Result<(&str, &Arc<dyn Store>)> {
        let wanted = wanted.unwrap_or(&self.default);
        let found = self.stores.iter().find(|(name, _)| name == wanted);
        let (name, store) = found.ok_or_else(|| Error::invalid(format!("Store for identifier {wanted} not found")))?;
        Ok((name, store))
    }

    /// The store called `name`.
    ///
    /// # Errors
    /// `Internal` when there is none: the name is from our own records.
    pub fn named(&self, name: &str) -> Result<&Arc<dyn Store>> {
        let found = self.stores.iter().find(|(known, _)| known == name);
        found.map(|(_, store)| store).ok_or_else(|| Error::internal(format!("no store is called {name:?}")))
    }

    /// The store that holds `location`.
    ///
    /// # Errors
    /// `Unavailable` when none of ours does.
    pub fn of(&self, location: &Location) -> Result<&Arc<dyn Store>> {
        let noted = location.store().and_then(|name| self.stores.iter().find(|(known, _)| known == name));
        match noted {
            Some((_, store)) => Ok(store),
            // Old rows name no store: then there was only one.
            None if location.store().is_none() => self.named(&self.default),
            None => Err(Error::new(Kind::Unavailable).saying("The store of this image is not available on this node.")),
        }
    }
}

fn folder(options: &FileStore) -> FilesystemStore {
    let datadir = options.datadirs.first().map_or("", |(datadir, _)| datadir);
    let store = FilesystemStore::open(Options::new(datadir));
    if let Some(obstacle) = store.obstacle() {
        tracing::error!("store takes no new images: {obstacle}");
    }
    store
}
