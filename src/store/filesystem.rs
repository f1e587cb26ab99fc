//! Image bytes in files of one directory: `<datadir>/<image id>`, at the URL `file://<datadir>/<image id>`, as the
//! reference's filesystem store lays them out.
//!
//! An object is written under a name of its own (`<datadir>/.incoming/<image id>.<random>`), synced, and then linked
//! to its place. A hard link never overwrites, so of several writers one wins; it needs nothing that NFS lacks (an
//! unnamed `O_TMPFILE` does, and so does a rename that refuses to replace); and what a killed process leaves has a
//! name to be found by, in a directory that is short however many images there are. A filesystem without hard links
//! gets the rename instead.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt;
use rustix::fs::{Access, access};
use serde_json::{Map, Value};
use tokio::task::spawn_blocking;
use tracing::warn;

use self::draft::Draft;
use self::place::{Name, Place, Root};
use super::{ByteRange, Capabilities, Placed, Store, StoreError, StoreFuture};
use crate::blob::lane::{self, Feeder};
use crate::blob::{Body, BodyError};

mod draft;
mod place;
mod reader;

/// What an operator chooses about a filesystem store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory (`filesystem_store_datadir`).
    pub datadir: String,
    /// The permission bits of new objects (`filesystem_store_file_perm`); by default what the umask leaves of 0666.
    pub file_mode: Option<u32>,
    /// Whether blocks of zeros are left out, as holes (`filesystem_thin_provisioning`).
    pub thin: bool,
    /// The bytes that are read at once (`filesystem_store_chunk_size`), within 4 KiB and 8 MiB.
    pub read_block: usize,
    /// What is noted beside the URL of new objects (from `filesystem_store_metadata_file`).
    pub metadata: Map<String, Value>,
}

impl Options {
    /// A store in `datadir`, the rest by default.
    pub fn new(datadir: impl Into<String>) -> Self {
        Self { datadir: datadir.into(), file_mode: None, thin: false, read_block: reader::BLOCK, metadata: Map::new() }
    }
}

/// A store in a directory.
pub struct FilesystemStore {
    options: Options,
    root: Arc<Root>,
    obstacle: Option<String>,
}

impl FilesystemStore {
    /// Opens the store and creates its directory if need be. A directory that cannot be written, or not even be
    /// created, makes a store that takes no new objects: see `obstacle`.
    ///
    /// Blocks for the time of a few file system calls.
    pub fn open(options: Options) -> Self {
        let obstacle = prepare(&options).err().map(|error| {
            let datadir = &options.datadir;
            format!("cannot write to {datadir}: {error}")
        });
        let root = Arc::new(Root::new(&options.datadir));
        Self { options, root, obstacle }
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
        let (root, url) = (Arc::clone(&self.root), url.to_owned());
        off_executor(move || act(&root.find(url)?)).await
    }

    async fn write(&self, id: &str, body: Body) -> Result<Placed, StoreError> {
        if let Some(obstacle) = &self.obstacle {
            return Err(StoreError::Denied(io::Error::other(obstacle.clone())));
        }
        let name = Name::parse(id).ok_or(StoreError::Unsupported { what: "ids that are not UUIDs" })?;
        let url = self.root.url(&name);
        let draft = {
            let (root, mode, thin) = (Arc::clone(&self.root), self.options.file_mode, self.options.thin);
            off_executor(move || Draft::begin(&root, &name, mode, thin)).await?
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
        Ok(Placed { url, size: complete.keep(), metadata: self.options.metadata.clone() })
    }
}

impl Store for FilesystemStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { add: self.obstacle.is_none(), delete: true, random_access: true }
    }

    fn put<'a>(&'a self, id: &'a str, body: Body) -> StoreFuture<'a, Placed> {
        Box::pin(self.write(id, body))
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
            let root = Arc::clone(&self.root);
            off_executor(move || draft::discard(&root, &name).map_err(failure)).await
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

/// Makes the directory ready for new objects: it exists, and may be written.
fn prepare(options: &Options) -> io::Result<()> {
    let datadir = Path::new(&options.datadir);
    DirBuilder::new().recursive(true).create(datadir)?;
    access(datadir, Access::WRITE_OK)?;
    if let Err(error) = open_to_readers(datadir, options.file_mode.unwrap_or(0)) {
        warn!(datadir = %options.datadir, %error, "cannot let other users into the directory of the store");
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
