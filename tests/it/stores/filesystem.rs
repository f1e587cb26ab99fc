//! The filesystem store: the suite, its files as the reference expects them, and puts cut off at any moment.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use glint::blob::hash::{self, Algorithm};
use glint::blob::{BodyError, body as of, pipe};
use glint::store::filesystem::{FilesystemStore, Options};
use glint::store::{Store, StoreError};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::harness::bytes::{FRAME, body, broken, read, text};
use crate::store_conformance::{Driver, nothing_is_left};

const ID: &str = "3a8c8c5e-7d0b-4f0e-9f5e-1d2c3b4a5f60";

/// A filesystem store in a directory of its own.
pub struct Directory {
    datadir: TempDir,
    store: Arc<FilesystemStore>,
}

impl Directory {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(choose: impl FnOnce(&mut Options)) -> Self {
        let datadir = tempfile::tempdir().unwrap();
        let mut options = Options::new(datadir.path().to_str().unwrap());
        choose(&mut options);
        let store = Arc::new(FilesystemStore::open(options));
        Self { datadir, store }
    }

    fn path(&self) -> PathBuf {
        self.datadir.path().join(ID)
    }
}

impl Driver for Directory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    fn held(&self) -> Pin<Box<dyn Future<Output = Vec<String>> + Send + '_>> {
        let mut files = Vec::new();
        list(self.datadir.path(), &mut files);
        Box::pin(std::future::ready(files))
    }
}

fn list(directory: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else {
            files.push(path.display().to_string());
        }
    }
}

mod plain {
    conformance!(super::Directory::new());
}

mod thin {
    conformance!(super::Directory::with(|options| options.thin = true));
}

mod two_folders {
    conformance!(super::Directory::with(|options| {
        let datadir = options.datadirs[0].0.clone();
        options.datadirs = vec![(format!("{datadir}/a"), 0), (format!("{datadir}/b"), 0)];
    }));
}

mod small_blocks {
    conformance!(super::Directory::with(|options| options.read_block = 4099));
}

#[tokio::test]
async fn files_lie_where_the_reference_looks() {
    let directory = Directory::new();
    let placed = directory.store.put(ID, body(1, 10), None).await.unwrap();
    assert_eq!(placed.url, format!("file://{}", directory.path().display()));
    assert!(placed.metadata.is_empty());
    assert_eq!(fs::read(directory.path()).unwrap(), text(1, 0, 10));
    // An object of the reference, which lets old databases have any id.
    fs::write(directory.datadir.path().join("7"), "old").unwrap();
    let old = directory.store.get(&placed.url.replace(ID, "7"), None).await.unwrap();
    assert_eq!(read(old).await.unwrap(), b"old");
}

/// (folders with their priorities, the folder that takes a new object of ten bytes)
#[tokio::test]
async fn the_highest_folder_with_room_takes_new_objects() {
    let cases: [(&[(&str, i64)], &str); 3] =
        [(&[("a", 100), ("b", 200)], "b"), (&[("b", 200), ("a", 100)], "b"), (&[("a", 0), ("b", -1)], "a")];
    for (folders, expected) in cases {
        let ground = tempfile::tempdir().unwrap();
        let at = |folder: &str| ground.path().join(folder).to_str().unwrap().to_owned();
        let datadirs: Vec<(String, i64)> = folders.iter().map(|(folder, priority)| (at(folder), *priority)).collect();
        let store = FilesystemStore::open(Options { datadirs, ..Options::new("") });
        let placed = store.put(ID, body(1, 10), Some(10)).await.unwrap();
        assert_eq!(placed.url, format!("file://{}/{ID}", at(expected)), "{folders:?}");
        assert!(matches!(store.put(ID, body(1, 10), None).await, Err(StoreError::Exists { .. })));
        assert_eq!(store.size(&placed.url).await.unwrap(), 10);
        store.delete(&placed.url).await.unwrap();
        let absurd = store.put(ID, body(1, 10), Some(u64::MAX)).await;
        assert!(matches!(absurd, Err(StoreError::NoRoom { wanted: u64::MAX })), "{absurd:?}");
    }
}

#[tokio::test]
async fn an_object_in_any_folder_is_found() {
    let ground = tempfile::tempdir().unwrap();
    let at = |folder: &str| ground.path().join(folder).to_str().unwrap().to_owned();
    let store = FilesystemStore::open(Options { datadirs: vec![(at("a"), 2), (at("b"), 1)], ..Options::new("") });
    fs::write(ground.path().join("b").join(ID), "old").unwrap();
    let url = format!("file://{}/{ID}", at("b"));
    assert!(store.owns(&url) && !store.owns(&format!("file://{}/{ID}", at("c"))));
    assert_eq!(read(store.get(&url, None).await.unwrap()).await.unwrap(), b"old");
    assert!(matches!(store.put(ID, body(1, 10), None).await, Err(StoreError::Exists { .. })));
    store.discard(ID).await.unwrap();
    assert!(matches!(store.size(&url).await, Err(StoreError::NotFound { .. })));
}

/// (metadata file, what is noted beside the URL; none when the file is refused). `@` is the store's folder.
#[tokio::test]
async fn mounts_are_noted() {
    let cases = [
        (r#"{"id": "x", "mountpoint": "@"}"#, Some(r#"{"id":"x","mountpoint":"@"}"#)),
        (
            r#"[{"id": "x", "mountpoint": "/no"}, {"id": "y", "mountpoint": "@", "z": ["1"]}]"#,
            Some(r#"{"id":"y","mountpoint":"@","z":["1"]}"#),
        ),
        (r#"[{"id": "x", "mountpoint": "/no"}]"#, Some("{}")),
        ("[]", Some("{}")),
        (r#"{"id": "x"}"#, None),
        (r#"{"id": 1, "mountpoint": "@"}"#, None),
        (r#"{"id": "x", "mountpoint": "@", "z": 1}"#, None),
        (r#"{"id": "x", "mountpoint": "@", "z": [{"a": null}]}"#, None),
        ("7", None),
        ("{", None),
    ];
    for (text, noted) in cases {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("metadata.json");
        fs::write(&file, text.replace('@', folder.path().to_str().unwrap())).unwrap();
        let directory = Directory::with(|options| {
            options.datadirs = vec![(folder.path().join("images").to_str().unwrap().to_owned(), 0)];
            options.metadata_file = Some(file.clone());
        });
        assert_eq!(directory.store.obstacle().is_none(), noted.is_some(), "{text}");
        if let Some(noted) = noted {
            let placed = directory.store.put(ID, body(1, 10), None).await.unwrap();
            let noted = noted.replace('@', folder.path().to_str().unwrap());
            assert_eq!(serde_json::Value::Object(placed.metadata).to_string(), noted);
        }
    }
}

#[tokio::test]
async fn options_that_make_no_sense_make_a_store_that_only_reads() {
    let two = |options: &mut Options| {
        let datadir = options.datadirs[0].0.clone();
        options.datadirs.push((datadir, 7));
    };
    let cases: [(&dyn Fn(&mut Options), &str); 3] = [
        (&two, "two priorities"),
        (&|options: &mut Options| options.file_mode = Some(0o066), "filesystem_store_file_perm"),
        (&|options: &mut Options| options.metadata_file = Some("/nowhere".into()), "metadata file"),
    ];
    for (choose, obstacle) in cases {
        let directory = Directory::with(choose);
        assert!(directory.store.obstacle().is_some_and(|text| text.contains(obstacle)), "{obstacle}");
        assert!(!directory.store.capabilities().add);
        fs::write(directory.path(), "old").unwrap();
        let url = format!("file://{}", directory.path().display());
        assert_eq!(directory.store.size(&url).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn only_uuids_are_put() {
    let directory = Directory::new();
    for id in ["7", "", "../x", ".incoming", "3a8c8c5e7d0b4f0e9f5e1d2c3b4a5f60"] {
        let put = directory.store.put(id, body(1, 10), None).await;
        assert!(matches!(put, Err(StoreError::Unsupported { .. })), "{id:?}");
        fs::write(directory.datadir.path().join("7"), "old").unwrap();
        directory.store.discard(id).await.unwrap();
        assert!(directory.datadir.path().join("7").exists());
    }
}

#[tokio::test]
async fn files_have_the_chosen_permissions() {
    let directory = Directory::with(|options| {
        let datadir = Path::new(&options.datadirs[0].0);
        fs::set_permissions(datadir, fs::Permissions::from_mode(0o700)).unwrap();
        options.file_mode = Some(0o646);
    });
    directory.store.put(ID, body(1, 10), None).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&directory.path()), 0o646);
    assert_eq!(mode(directory.datadir.path()), 0o711, "readers can pass the directory");
}

#[tokio::test]
async fn zeros_take_no_room_in_a_thin_store() {
    let hole = 64 * 1024;
    let mut image = vec![0; 40 * hole + 5];
    image[3 * hole + 1] = 1;
    image[20 * hole..22 * hole].fill(2);
    for (thin, frame) in [(true, 40 * hole + 5), (true, 100_003), (false, 1_000_000)] {
        let directory = Directory::with(|options| options.thin = thin);
        let frames: Vec<_> = image.chunks(frame).map(Bytes::copy_from_slice).collect();
        let placed = directory.store.put(ID, of(frames), None).await.unwrap();
        assert_eq!(placed.size, image.len() as u64);
        assert!(fs::read(directory.path()).unwrap() == image);
        let used = fs::metadata(directory.path()).unwrap().blocks() * 512;
        assert_eq!(used < 8 * hole as u64, thin, "{used} bytes used in frames of {frame}");
    }
    let directory = Directory::with(|options| options.thin = true);
    directory.store.put(ID, of([Bytes::from(vec![0; 3 * hole])]), None).await.unwrap();
    assert!(fs::read(directory.path()).unwrap() == vec![0; 3 * hole]);
}

#[tokio::test]
async fn a_file_cut_short_is_noticed() {
    let directory = Directory::new();
    let url = directory.store.put(ID, body(1, 3_000_000), None).await.unwrap().url;
    let mut reading = directory.store.get(&url, None).await.unwrap();
    File::options().write(true).open(directory.path()).unwrap().set_len(1_500_000).unwrap();
    let mut read = 0;
    let end = loop {
        match reading.next().await {
            Some(Ok(block)) => read += block.len(),
            other => break other,
        }
    };
    assert!(matches!(end, Some(Err(BodyError::Medium(_)))), "after {read}: {end:?}");
    assert!(reading.next().await.is_none());
}

#[tokio::test]
async fn a_store_that_cannot_write_still_reads() {
    let ground = tempfile::tempdir().unwrap();
    fs::write(ground.path().join("file"), "x").unwrap();
    let datadir = ground.path().join("file/images");
    let store = FilesystemStore::open(Options::new(datadir.to_str().unwrap()));
    assert!(store.obstacle().unwrap().contains("file/images"));
    assert!(!store.capabilities().add);
    assert!(matches!(store.put(ID, body(1, 1), None).await, Err(StoreError::Denied(_))));
    let url = format!("file://{}/{ID}", datadir.display());
    assert!(matches!(store.size(&url).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn the_directory_is_made_and_found_again() {
    let ground = tempfile::tempdir().unwrap();
    let datadir = ground.path().join("some/where");
    let options = Options::new(datadir.to_str().unwrap());
    let url = {
        let store = FilesystemStore::open(options.clone());
        assert_eq!(store.obstacle(), None);
        store.put(ID, body(1, 10), None).await.unwrap().url
    };
    let store = FilesystemStore::open(options);
    assert_eq!(store.size(&url).await.unwrap(), 10);
}

#[tokio::test]
async fn an_upload_through_the_whole_pipe() {
    let directory = Directory::new();
    let length = 5_000_000;
    let capped = pipe::capped(body(9, length), length);
    let (counted, count) = pipe::counted(pipe::stall_guarded(capped, Duration::from_mins(1)));
    let (hashed, digests) = hash::beside(pipe::blocks(counted), Algorithm::Sha512);
    let placed = directory.store.put(ID, hashed, None).await.unwrap();
    let digests = digests.await.unwrap();
    assert_eq!((placed.size, count.bytes()), (length, length));
    let back = directory.store.get(&placed.url, None).await.unwrap();
    let (mut back, again) = hash::beside(back, Algorithm::Sha512);
    while let Some(block) = back.next().await {
        block.unwrap();
    }
    assert_eq!(again.await.unwrap(), digests);
}

/// However many clients are slow, they hold no threads that others need.
#[test]
fn slow_clients_stop_nobody() {
    let directory = Directory::new();
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let url = directory.store.put(ID, body(1, 2_000_000), None).await.unwrap().url;
        let mut slow_gets = Vec::new();
        let mut slow_puts = Vec::new();
        for n in 0..20 {
            let mut reading = directory.store.get(&url, None).await.unwrap();
            reading.next().await.unwrap().unwrap();
            slow_gets.push(reading);
            let (stuck, _) = crate::harness::bytes::stuck(n, 1_000_000);
            let (stuck, _) = hash::beside(stuck, Algorithm::Sha512);
            let id = format!("3a8c8c5e-7d0b-4f0e-9f5e-1d2c3b4a00{n:02}");
            let store = Arc::clone(&directory.store);
            let mut put = Box::pin(async move { store.put(&id, stuck, None).await.map(|_| ()) });
            assert!(timeout(Duration::from_millis(5), &mut put).await.is_err());
            slow_puts.push(put);
        }
        let id = "3a8c8c5e-7d0b-4f0e-9f5e-1d2c3b4a5f99";
        let (hashed, digests) = hash::beside(body(2, 3_000_000), Algorithm::Sha512);
        timeout(Duration::from_mins(1), async {
            directory.store.put(id, hashed, None).await.unwrap();
            digests.await.unwrap();
        })
        .await
        .expect("the quick one is not held up");
    });
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_body_broken_anywhere_leaves_nothing(length in 0..20 * FRAME as u64, thin: bool) {
        let directory = Directory::with(|options| options.thin = thin);
        run(async {
            let put = directory.store.put(ID, broken(1, length), None).await;
            assert!(matches!(put, Err(StoreError::Body(BodyError::Broken(_)))));
            assert!(directory.held().await.is_empty());
        });
    }

    /// In the middle of its body, while syncing or linking, or when all but the answer was done.
    #[test]
    fn a_put_dropped_at_any_moment_leaves_nothing(length in 0..4 * FRAME as u64, patience_us in 0..6000_u64) {
        let directory = Directory::new();
        run(async {
            let put = directory.store.put(ID, body(1, length), None);
            if let Ok(placed) = timeout(Duration::from_micros(patience_us), put).await {
                assert_eq!(fs::metadata(directory.path()).unwrap().len(), placed.unwrap().size);
            } else {
                nothing_is_left(&directory).await;
            }
        });
    }

    #[test]
    fn nothing_is_left_when_the_runtime_ends(frames in 0..5_u64, patience_us in 0..3000_u64) {
        let directory = Directory::new();
        run(async {
            let (body, _) = crate::harness::bytes::stuck(1, frames * FRAME as u64);
            let put = directory.store.put(ID, body, None);
            assert!(timeout(Duration::from_micros(patience_us), put).await.is_err());
        });
        let mut left = Vec::new();
        list(directory.datadir.path(), &mut left);
        prop_assert!(left.is_empty(), "{:?}", left);
    }
}

/// Where readers stand matters only to the file: several at once, each at its own place.
#[tokio::test]
async fn readers_do_not_disturb_each_other() {
    let directory = Directory::new();
    let length = 2_000_000;
    let url = directory.store.put(ID, body(3, length), None).await.unwrap().url;
    let (one, two) = tokio::join!(directory.store.get(&url, None), directory.store.get(&url, None));
    let (one, two) = tokio::join!(read(one.unwrap()), read(two.unwrap()));
    let mut file = vec![0; usize::try_from(length).unwrap()];
    File::open(directory.path()).unwrap().read_exact_at(&mut file, 0).unwrap();
    assert!(one.unwrap() == file && two.unwrap() == file);
}
