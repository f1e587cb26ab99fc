//! Image bytes in files: `<datadir>/<image id>`, at the URL `file://<datadir>/<image id>`, as the reference's filesystem
//! store lays them out. A store has one such folder, or several on different disks.
//!
//! An object is written under a name of its own (`<datadir>/.incoming/<image id>.<random>`), synced, and then linked
//! to its place. A hard link never overwrites, so of several writers one wins; it needs nothing that NFS lacks (an
//! unnamed `O_TMPFILE` does, and so does a rename that refuses to replace); and what a killed process leaves has a
//! name to be found by, in a directory that is short however many images there are. A filesystem without hard links
//! gets the rename instead.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt;
use rustix::fs::{Access, access};
use tokio::task::spawn_blocking;
use tracing::warn;

use self::draft::Draft;
use self::folders::Folders;
use self::mounts::Mounts;
use self::place::{Name, Place};
use super::{ByteRange, Capabilities, Placed, Store, StoreError, StoreFuture};
use crate::blob::lane::{self, Feeder};
use crate::blob::{Body, BodyError};

mod draft;
mod folders;
mod mounts;
mod place;
mod reader;

/// What an operator chooses about a filesystem store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folders (`filesystem_store_datadir`, `…_datadirs`) with their priorities: the highest takes new objects, as long
    /// as it has room.
    pub datadirs: Vec<(String, i64)>,
    /// The permission bits of new objects (`filesystem_store_file_perm`); by default what the umask leaves of 0666.
    pub file_mode: Option<u32>,
    /// Whether blocks of zeros are left out, as holes (`filesystem_thin_provisioning`).
    pub thin: bool,
    /// The bytes that are read at once (`filesystem_store_chunk_size`), within 4 KiB and 8 MiB.
    pub read_block: usize,
    /// What is noted beside the URL of new objects (`filesystem_store_metadata_file`).
    pub metadata_file: Option<PathBuf>,
}

impl Options {
    /// A store in `datadir`, the rest by default.
    pub fn new(datadir: impl Into<String>) -> Self {
        Self {
            datadirs: vec![(datadir.into(), 0)],
            file_mode: None,
            thin: false,
            read_block: FilesystemStore::READ_BLOCK,
            metadata_file: None,
        }
    }
}

/// A store in a directory, or several.
pub struct FilesystemStore {
    options: Options,
    folders: Arc<Folders>,
    mounts: Mounts,
    obstacle: Option<String>,
}

impl FilesystemStore {
    /// The bytes that are read at once unless an operator says otherwise.
    pub const READ_BLOCK: usize = reader::BLOCK;

    /// Opens the store and creates its directories if need be. A directory that cannot be written, or not even be
    /// created, or an option that makes no sense, makes a store that takes no new objects: see `obstacle`.
    ///
    /// Blocks for the time of a few file system calls.
    pub fn open(options: Options) -> Self {
        let mut obstacle = prepare(&options).err();
        let mounts = match options.metadata_file.as_deref().map(Mounts::read).transpose() {
            Ok(mounts) => mounts.unwrap_or_default(),
            Err(error) => {
                obstacle.get_or_insert(format!("cannot use the metadata file: {error}"));
                Mounts::default()
            }
        };
        let folders = Arc::new(Folders::new(&options.datadirs));
        Self { options, folders, mounts, obstacle }
    }

    /// Why no new object can be written, if so.
    pub fn obstacle(&self) -> Option<&str> {
        self.obstacle.as_deref()
    }

    /// Does `act` to the place that `url` names.
    async fn at<T: Send + 'static>(
        &self,
        url: &str,
        act: fn(&Place) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (folders, url) = (Arc::clone(&self.folders), url.to_owned());
        off_executor(move || act(&folders.find(url)?)).await
    }

    async fn write(&self, id: &str, body: Body, expected: u64) -> Result<Placed, StoreError> {
        if let Some(obstacle) = &self.obstacle {
            return Err(StoreError::Denied(io::Error::other(obstacle.clone())));
        }
        let name = Name::parse(id).ok_or(StoreError::Unsupported { what: "ids that are not UUIDs" })?;
        let (draft, url) = {
            let (folders, mode, thin) = (Arc::clone(&self.folders), self.options.file_mode, self.options.thin);
            let begin = move || {
                let root = folders.for_new(&name, expected)?;
                Ok((Draft::begin(root, &name, mode, thin)?, root.url(&name)))
            };
            off_executor(begin).await?
        };
        let (feeder, written) = lane::open(draft, Draft::write);
        let poured = pour(body, feeder).await;
        let draft = written.finished().await.map_err(failure)?;
        if let Err(error) = poured {
            off_executor(move || {
                drop(draft);
                Ok(())
            })
            .await?;
            return Err(StoreError::Body(error));
        }
        let complete = off_executor(move || draft.place()).await?;
        let metadata = self.mounts.of(url.strip_prefix("file://").unwrap_or(&url));
        Ok(Placed { url, size: complete.keep(), metadata })
    }
}

impl Store for FilesystemStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { add: self.obstacle.is_none(), delete: true, random_access: true }
    }

    fn owns(&self, url: &str) -> bool {
        self.folders.each().any(|root| root.owns(url))
    }

    fn admits<'a>(&'a self, _: &'a str) -> StoreFuture<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn put<'a>(&'a self, id: &'a str, body: Body, expected: Option<u64>) -> StoreFuture<'a, Placed> {
        Box::pin(self.write(id, body, expected.unwrap_or(0)))
    }

    fn get<'a>(&'a self, url: &'a str, range: Option<ByteRange>) -> StoreFuture<'a, Body> {
        Box::pin(async move {
            let (file, size) = self.at(url, Place::open).await?;
            let range = range.unwrap_or(ByteRange { start: 0, length: size });
            Ok(reader::body(file, range, self.options.read_block))
        })
    }

    fn delete<'a>(&'a self, url: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.at(url, Place::remove))
    }

    fn size<'a>(&'a self, url: &'a str) -> StoreFuture<'a, u64> {
        Box::pin(self.at(url, Place::size))
    }

    fn discard<'a>(&'a self, id: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            // No `put` took an id that is not a UUID.
            let Some(name) = Name::parse(id) else { return Ok(()) };
            let folders = Arc::clone(&self.folders);
            let discard = move || folders.each().try_for_each(|root| draft::discard(root, &name)).map_err(failure);
            off_executor(discard).await
        })
    }
}

/// Hands every block to the writer, until either end ends.
async fn pour(mut body: Body, feeder: Feeder<Draft>) -> Result<(), BodyError> {
    let mut end = Ok(());
    while let Some(block) = body.next().await {
        match block {
            Ok(block) => {
                if feeder.feed(block).await.is_err() {
                    // The writer failed; it tells why itself.
                    break;
                }
            }
            Err(error) => {
                end = Err(error);
                break;
            }
        }
    }
    feeder.finish().await;
    end
}

/// Runs what may block its thread on a thread made for that.
async fn off_executor<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(act).await.unwrap_or_else(|lost| Err(StoreError::Io(io::Error::other(lost))))
}

/// What the operating system says, in a store's terms.
fn failure(error: io::Error) -> StoreError {
    use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => StoreError::Full(error),
        PermissionDenied | ReadOnlyFilesystem => StoreError::Denied(error),
        _ => StoreError::Io(error),
    }
}

/// Makes the directories ready for new objects: they exist, and may be written.
fn prepare(options: &Options) -> Result<(), String> {
    if options.file_mode.is_some_and(|mode| mode & 0o400 == 0) {
        return Err("cannot write files that this service may not read itself: see filesystem_store_file_perm".into());
    }
    for (at, (datadir, priority)) in options.datadirs.iter().enumerate() {
        let others = &options.datadirs[..at];
        if others.iter().any(|(other, of)| other == datadir && of != priority) {
            return Err(format!("cannot give {datadir} two priorities"));
        }
        ready(Path::new(datadir), options.file_mode).map_err(|error| format!("cannot write to {datadir}: {error}"))?;
    }
    Ok(())
}

fn ready(datadir: &Path, file_mode: Option<u32>) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(datadir)?;
    access(datadir, Access::WRITE_OK)?;
    if let Err(error) = open_to_readers(datadir, file_mode.unwrap_or(0)) {
        warn!(datadir = %datadir.display(), %error, "cannot let other users into the directory of the store");
    }
    Ok(())
}

/// Whoever may use the files must be able to pass the directory: the reference adds `x` for group and others alike.
fn open_to_readers(datadir: &Path, file_mode: u32) -> io::Result<()> {
    let mode = fs::metadata(datadir)?.permissions().mode();
    let mut wanted = mode;
    for (readers, pass) in [(0o070, 0o010), (0o007, 0o001)] {
        if file_mode & readers != 0 {
            wanted |= pass;
        }
    }
    if wanted != mode {
        fs::set_permissions(datadir, Permissions::from_mode(wanted))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
