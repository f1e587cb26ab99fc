//! The data directory of a stand-alone service: found, made, and held by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};

use crate::config::DATABASE_FILE;

/// A data directory that is ours until this is dropped.
pub(super) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens `given`, or else the usual place, making it if need be.
    ///
    /// # Errors
    /// When it cannot be made, or another process serves from it.
    pub(super) fn open(given: Option<&Path>) -> anyhow::Result<Self> {
        let path = located(given)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make the data directory {}", path.display()))?;
        let path = fs::canonicalize(path)?;
        if path.to_str().is_none() {
            bail!("the path of the data directory is not UTF-8, which locations of images have to be");
        }
        let file = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(&file)
            .with_context(|| format!("cannot open {}", file.display()))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("another process serves from {}", path.display());
        }
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path as it stands in locations.
    pub(super) fn text(&self) -> &str {
        // `open` refuses every other path.
        self.path.to_str().unwrap_or_default()
    }
}

/// The database of the data directory at `path`.
pub(super) fn database(path: &Path) -> PathBuf {
    path.join(DATABASE_FILE)
}

/// Where the data directory is: `given`, or `glint-data` in the state directory of the XDG base directories.
pub(super) fn located(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let in_environment = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = in_environment("XDG_STATE_HOME").or_else(|| Some(in_environment("HOME")?.join(".local/state")));
    match state {
        Some(state) => Ok(state.join("glint-data")),
        None => bail!("neither XDG_STATE_HOME nor HOME says where to keep data: give --data-dir"),
    }
}
