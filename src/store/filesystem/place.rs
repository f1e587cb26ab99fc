//! From names and URLs to places in the directory. Nothing outside it is ever reached: names are UUIDs, paths in URLs
//! must lie inside, and no symbolic link below the directory is followed.

use std::fs::File;
use std::io;
use std::path::{self, Component, Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fsync, openat, statat, unlinkat};
use rustix::io::Errno;
use uuid::Uuid;

use super::failure;
use crate::store::StoreError;

/// The schemes that the reference reads; it writes the first.
const SCHEMES: [&str; 2] = ["file://", "filesystem://"];

/// The length of a UUID in its usual form, the only one with this length.
const NAME_LENGTH: usize = 36;

/// The file name of an object: a UUID, its letters in the case in which the image has them.
pub(super) struct Name(String);

impl Name {
    pub(super) fn parse(id: &str) -> Option<Self> {
        let is_uuid = id.len() == NAME_LENGTH && Uuid::try_parse(id).is_ok();
        is_uuid.then(|| Self(id.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The directory of a store.
pub(super) struct Root {
    /// As configured and made absolute: what the paths in new URLs begin with.
    text: String,
    /// The directory without symbolic links; old URLs may name it so.
    real: Option<PathBuf>,
}

impl Root {
    pub(super) fn new(datadir: &str) -> Self {
        let absolute = path::absolute(datadir).ok();
        let text = match absolute.as_deref().and_then(Path::to_str) {
            Some(absolute) if !datadir.starts_with('/') => absolute.to_owned(),
            _ => datadir.to_owned(),
        };
        Self { text, real: std::fs::canonicalize(datadir).ok() }
    }

    pub(super) fn path(&self) -> &Path {
        Path::new(&self.text)
    }

    /// The URL of the object `name`, byte for byte the reference's.
    pub(super) fn url(&self, name: &Name) -> String {
        let separator = if self.text.ends_with('/') { "" } else { "/" };
        format!("{}{}{separator}{}", SCHEMES[0], self.text, name.as_str())
    }

    /// Whether there is an object `name`.
    pub(super) fn holds(&self, name: &Name) -> bool {
        self.path().join(name.as_str()).symlink_metadata().is_ok()
    }

    /// Whether `url` is of this directory.
    pub(super) fn owns(&self, url: &str) -> bool {
        self.inside(url).is_ok()
    }

    /// The place that `url` names. It need not hold anything.
    pub(super) fn find(&self, url: String) -> Result<Place, StoreError> {
        let inside = self.inside(&url).map_err(|reason| StoreError::BadUrl { reason: reason.to_owned() })?;
        let failed = |errno| refusal(errno, &url);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut parent = openat(CWD, self.path(), flags, Mode::empty()).map_err(failed)?;
        let mut names = inside.components();
        let name = names.next_back().map(|name| PathBuf::from(name.as_os_str()));
        for directory in names {
            let flags = flags | OFlags::NOFOLLOW;
            parent = openat(&parent, directory.as_os_str(), flags, Mode::empty()).map_err(failed)?;
        }
        let name = name.unwrap_or_default();
        Ok(Place { parent, name, url })
    }

    /// The path in `url`, seen from the directory. As in the reference, escapes like `%20` stand for themselves, and a
    /// query or fragment is no part of the path.
    fn inside(&self, url: &str) -> Result<PathBuf, &'static str> {
        let path = SCHEMES
            .iter()
            .find_map(|scheme| url.strip_prefix(scheme))
            .ok_or("it does not begin with file:// or filesystem://")?
            .trim();
        if !path.starts_with('/') {
            return Err("it names a host");
        }
        let inside = [Some(self.path()), self.real.as_deref()]
            .into_iter()
            .flatten()
            .find_map(|root| Path::new(path).strip_prefix(root).ok()?.to_str())
            .ok_or("it is outside the directory of the store")?;
        let inside = inside.split(['?', '#']).next().unwrap_or_default();
        if inside.is_empty() {
            return Err("it names no object");
        }
        if inside.contains('\0') {
            return Err("it contains a null");
        }
        let inside = PathBuf::from(inside);
        if inside.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err("it leads out of the directory of the store");
        }
        Ok(inside)
    }
}

/// Where an object is, or was, or will be: a name in an open directory.
pub(super) struct Place {
    parent: OwnedFd,
    name: PathBuf,
    url: String,
}

impl Place {
    /// The object, opened for reading, and its size in bytes.
    pub(super) fn open(&self) -> Result<(File, u64), StoreError> {
        // Without NONBLOCK a named pipe would keep us here until somebody writes to it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.parent, &self.name, flags, Mode::empty()).map_err(|errno| refusal(errno, &self.url))?;
        let file = File::from(file);
        let metadata = file.metadata().map_err(failure)?;
        if !metadata.is_file() {
            return Err(not_a_file());
        }
        Ok((file, metadata.len()))
    }

    /// The size of the object in bytes.
    pub(super) fn size(&self) -> Result<u64, StoreError> {
        let found =
            statat(&self.parent, &self.name, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| refusal(errno, &self.url))?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(not_a_file());
        }
        u64::try_from(found.st_size).map_err(|error| failure(io::Error::other(error)))
    }

    /// Removes the object for good: it does not come back after a power failure.
    pub(super) fn remove(&self) -> Result<(), StoreError> {
        unlinkat(&self.parent, &self.name, AtFlags::empty()).map_err(|errno| refusal(errno, &self.url))?;
        sync(&self.parent).map_err(failure)
    }
}

/// Makes the names in a directory durable.
pub(super) fn sync(directory: &OwnedFd) -> io::Result<()> {
    match fsync(directory) {
        // Some filesystems cannot sync a directory, and have nothing to sync then.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn refusal(errno: Errno, url: &str) -> StoreError {
    match errno {
        Errno::NOENT | Errno::NOTDIR => StoreError::NotFound { url: url.to_owned() },
        Errno::LOOP | Errno::ISDIR | Errno::NAMETOOLONG => not_a_file(),
        _ => failure(errno.into()),
    }
}

fn not_a_file() -> StoreError {
    StoreError::BadUrl { reason: "it does not name a regular file".to_owned() }
}

#[cfg(test)]
mod tests;
