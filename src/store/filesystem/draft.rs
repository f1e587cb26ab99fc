//! An object while it is written: a file under a temporary name, which goes away unless the whole `put` ends well.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::num::NonZero;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{Advice, CWD, Mode, OFlags, RenameFlags, fadvise, open, renameat_with};
use tracing::warn;

use super::failure;
use super::place::{self, Name, Root};
use crate::clock::random_bytes;
use crate::store::StoreError;

/// The directory of objects under way, inside that of the store so that both are of one filesystem.
const INCOMING: &str = ".incoming";

/// The permission bits of a new file, of which the umask takes some.
const DEFAULT_MODE: u32 = 0o666;

/// Zeros become holes in pieces of this many bytes, counted from the beginning of the object.
const HOLE: u64 = 64 * 1024;

/// After so many bytes the system is told to write them out. Otherwise it gathers them in memory, gigabytes at times,
/// and the uploader who has sent the last byte waits for the disk in one piece, longer than a proxy may wait for us.
const WRITE_OUT: u64 = 8 * 1024 * 1024;

/// An object that is being written. Dropped, it is as if it had never been.
///
/// All of it, the dropping too, may block its thread for the time of a file system call.
pub(super) struct Draft {
    // Closed before it is removed, as the order of the fields says: NFS keeps a removed file that is open.
    file: File,
    leftover: Leftover,
    place: PathBuf,
    id: String,
    mode: Option<u32>,
    thin: bool,
    length: u64,
    /// So many bytes from the beginning on are on their way to the disk.
    written_out: u64,
}

impl Draft {
    /// Begins the object `name`.
    pub(super) fn begin(root: &Root, name: &Name, mode: Option<u32>, thin: bool) -> Result<Self, StoreError> {
        let id = name.as_str().to_owned();
        let place = root.path().join(&id);
        // Linking decides in the end; asking now spares the transfer.
        if place.symlink_metadata().is_ok() {
            return Err(StoreError::Exists { id });
        }
        let number = u64::from_ne_bytes(random_bytes());
        let incoming = incoming(root).map_err(failure)?;
        let path = incoming.join(format!("{}{number:016x}", prefix(name)));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode.unwrap_or(DEFAULT_MODE))
            .open(&path)
            .map_err(failure)?;
        Ok(Self { file, leftover: Leftover { path, identity: None }, place, id, mode, thin, length: 0, written_out: 0 })
    }

    /// Appends `block`.
    pub(super) fn write(&mut self, block: &Bytes) -> io::Result<()> {
        if self.thin {
            self.write_thin(block)?;
        } else {
            self.file.write_all_at(block, self.length)?;
            self.length += block.len() as u64;
        }
        self.write_out();
        Ok(())
    }

    /// Begins to write out what has gathered. To say that the pages are not needed does so without waiting for it;
    /// where it does not, all that is lost is the head start.
    fn write_out(&mut self) {
        let gathered = self.length - self.written_out;
        if gathered >= WRITE_OUT {
            let _ = fadvise(&self.file, self.written_out, NonZero::new(gathered), Advice::DontNeed);
            self.written_out = self.length;
        }
    }

    fn write_thin(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            let room = usize::try_from(HOLE - self.length % HOLE).unwrap_or(usize::MAX);
            let (piece, behind) = rest.split_at(room.min(rest.len()));
            if !is_zero(piece) {
                self.file.write_all_at(piece, self.length)?;
            }
            self.length += piece.len() as u64;
            rest = behind;
        }
        Ok(())
    }

    /// Makes the object durable and visible, in this order.
    pub(super) fn place(self) -> Result<Complete, StoreError> {
        if self.thin {
            // There may be a hole at the end.
            self.file.set_len(self.length).map_err(failure)?;
        }
        if let Some(mode) = self.mode {
            // The umask may have taken bits away when the file was made.
            if let Err(error) = self.file.set_permissions(Permissions::from_mode(mode)) {
                warn!(image = %self.id, %error, "cannot set the permissions of an object");
            }
        }
        self.file.sync_all().map_err(failure)?;
        let identity = Identity::of(&self.file.metadata().map_err(failure)?);
        match link(&self.leftover.path, &self.place, identity) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(StoreError::Exists { id: self.id }),
            Err(error) => return Err(failure(error)),
        }
        let placed = Leftover { path: self.place, identity: Some(identity) };
        drop(self.file);
        drop(self.leftover);
        sync_directory_of(&placed.path).map_err(failure)?;
        Ok(Complete { placed, length: self.length })
    }
}

/// An object at its place. Dropped before `keep`, it is removed after all.
pub(super) struct Complete {
    placed: Leftover,
    length: u64,
}

impl Complete {
    /// Lets it stay, and tells its size in bytes.
    pub(super) fn keep(mut self) -> u64 {
        self.placed.path.clear();
        self.length
    }
}

/// Gives the file at `path` the name `place`, if nothing has it. Its old name may remain.
fn link(path: &Path, place: &Path, identity: Identity) -> io::Result<()> {
    let linked = match fs::hard_link(path, place) {
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
            // A filesystem without hard links.
            rename(path, place)
        }
        linked => linked,
    };
    match linked {
        // Over NFS the answer may get lost: then the repeated request finds what the first one did.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && identity.is_at(place) => Ok(()),
        linked => linked,
    }
}

/// Moves the file at `path` to `place`, if nothing is there.
fn rename(path: &Path, place: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, path, CWD, place, RenameFlags::NOREPLACE)?)
}

/// Removes what any `put` for `name` left behind, finished or not.
pub(super) fn discard(root: &Root, name: &Name) -> io::Result<()> {
    let prefix = prefix(name);
    // Temporary names first: a writer that still lives cannot take its place once its name is gone.
    match fs::read_dir(root.path().join(INCOMING)) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry?;
                if entry.file_name().to_string_lossy().starts_with(&prefix) {
                    remove(&entry.path())?;
                }
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let place = root.path().join(name.as_str());
    remove(&place)?;
    // An object that came back after a power failure would be in the way of the next upload for ever.
    sync_directory_of(&place)
}

/// The directory of objects under way; made when it is missing.
fn incoming(root: &Root) -> io::Result<PathBuf> {
    let incoming = root.path().join(INCOMING);
    match fs::create_dir(&incoming) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(incoming),
    }
}

/// How the temporary names of an object begin.
fn prefix(name: &Name) -> String {
    format!("{}.", name.as_str())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    place::sync(&open(directory, flags, Mode::empty())?)
}

/// A name that goes away when this is dropped.
struct Leftover {
    /// Empty when nothing is left to remove.
    path: PathBuf,
    /// The file that the name must still mean; without it the name is nobody else's.
    identity: Option<Identity>,
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let others = self.identity.is_some_and(|identity| !identity.is_at(&self.path));
        if self.path.as_os_str().is_empty() || others {
            return;
        }
        if let Err(error) = remove(&self.path) {
            warn!(path = %self.path.display(), %error, "cannot remove what an upload left behind");
        }
    }
}

/// What tells a file from every other: device, inode, and when it was last written, as inodes are used again.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64, (i64, i64));

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let written = (metadata.mtime(), metadata.mtime_nsec());
        Self(metadata.dev(), metadata.ino(), written)
    }

    fn is_at(self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|metadata| Self::of(&metadata) == self)
    }
}

/// Whether there is nothing but zeros. Looked at in short runs, which the compiler turns into wide comparisons.
fn is_zero(bytes: &[u8]) -> bool {
    const RUN: usize = 128;
    bytes.chunks(RUN).all(|run| run.iter().fold(0, |bits, byte| bits | byte) == 0)
}

#[cfg(test)]
mod tests;
