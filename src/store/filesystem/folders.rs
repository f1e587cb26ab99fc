//! The folders of one store: which of them takes a new object, and which holds an old one.

use std::io;
use std::sync::Arc;

use rustix::fs::statvfs;

use super::failure;
use super::place::{Name, Place, Root};
use crate::store::StoreError;

/// The folders with their priorities, highest first.
pub(super) struct Folders(Vec<(i64, Arc<Root>)>);

impl Folders {
    /// The folders at these paths. Of several with one priority, the operator's order stays.
    pub(super) fn new(datadirs: &[(String, i64)]) -> Self {
        let mut folders: Vec<(i64, Arc<Root>)> = Vec::new();
        for (datadir, priority) in datadirs {
            folders.push((*priority, Arc::new(Root::new(datadir))));
        }
        folders.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        Self(folders)
    }

    /// Every folder.
    pub(super) fn each(&self) -> impl Iterator<Item = &Arc<Root>> {
        self.0.iter().map(|(_, root)| root)
    }

    /// The folder for a new object of `length` bytes, as far as that is known: of those with the highest priority the one
    /// with the most room, or else of the next.
    pub(super) fn for_new(&self, name: &Name, length: u64) -> Result<&Root, StoreError> {
        if self.each().any(|root| root.holds(name)) {
            return Err(StoreError::Exists { id: name.as_str().to_owned() });
        }
        if let [(_, only)] = self.0.as_slice() {
            return Ok(only);
        }
        for folders in self.0.chunk_by(|one, next| one.0 == next.0) {
            let mut best: Option<(u64, &Root)> = None;
            for (_, root) in folders {
                let room = room(root).map_err(failure)?;
                if room >= length && room > best.map_or(0, |(most, _)| most) {
                    best = Some((room, root));
                }
            }
            if let Some((_, root)) = best {
                return Ok(root);
            }
        }
        Err(StoreError::NoRoom { wanted: length })
    }

    /// The place that `url` names, in whichever folder it lies. It need not hold anything.
    pub(super) fn find(&self, url: String) -> Result<Place, StoreError> {
        let nowhere = || StoreError::BadUrl { reason: "the store has no folder".to_owned() };
        let owner = self.each().find(|root| root.owns(&url)).or_else(|| self.each().next());
        owner.ok_or_else(nowhere)?.find(url)
    }
}

/// The bytes that whoever runs this may still write below `root`.
fn room(root: &Root) -> io::Result<u64> {
    let found = statvfs(root.path())?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
