//! A draft takes its place once, never from another, and is gone otherwise.

#![expect(clippy::disallowed_methods, reason = "there is no executor here")]

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;

use super::{Draft, discard, is_zero, rename};
use crate::store::StoreError;
use crate::store::filesystem::place::{Name, Root};

const ID: &str = "0ea1e2ac-1f6d-4c11-8e5a-d3a3c3b9c001";

struct Ground {
    _datadir: TempDir,
    root: Root,
    name: Name,
    place: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let datadir = tempfile::tempdir().unwrap();
        let root = Root::new(datadir.path().to_str().unwrap());
        let place = datadir.path().join(ID);
        let name = Name::parse(ID).unwrap();
        Self { _datadir: datadir, root, name, place }
    }

    fn draft(&self, content: &'static str) -> Draft {
        let mut draft = Draft::begin(&self.root, &self.name, None, false).unwrap();
        draft.write(&Bytes::from_static(content.as_bytes())).unwrap();
        draft
    }

    fn under_way(&self) -> usize {
        fs::read_dir(self.root.path().join(".incoming")).unwrap().count()
    }
}

#[test]
fn a_draft_becomes_visible_when_placed() {
    let ground = Ground::new();
    let draft = ground.draft("content");
    assert!(!ground.place.exists());
    let complete = draft.place().unwrap();
    assert_eq!(complete.keep(), 7);
    assert_eq!(fs::read(&ground.place).unwrap(), b"content");
    assert_eq!(ground.under_way(), 0);
}

#[test]
fn whatever_is_dropped_is_gone() {
    let ground = Ground::new();
    let draft = ground.draft("content");
    assert_eq!(ground.under_way(), 1);
    drop(draft);
    assert_eq!(ground.under_way(), 0);
    let complete = ground.draft("content").place().unwrap();
    assert!(ground.place.exists());
    drop(complete);
    assert!(!ground.place.exists());
}

#[test]
fn the_second_draft_finds_the_place_taken() {
    let ground = Ground::new();
    let (first, second) = (ground.draft("first"), ground.draft("second"));
    first.place().unwrap().keep();
    assert!(matches!(second.place(), Err(StoreError::Exists { .. })));
    let third = Draft::begin(&ground.root, &ground.name, None, false);
    assert!(matches!(third, Err(StoreError::Exists { .. })));
    assert_eq!(fs::read(&ground.place).unwrap(), b"first");
    assert_eq!(ground.under_way(), 0);
}

#[test]
fn a_link_that_was_made_unnoticed_counts() {
    let ground = Ground::new();
    let draft = ground.draft("content");
    fs::hard_link(&draft.leftover.path, &ground.place).unwrap();
    draft.place().unwrap().keep();
    assert_eq!(fs::read(&ground.place).unwrap(), b"content");
    assert_eq!(ground.under_way(), 0);
}

#[test]
fn renaming_replaces_nothing_either() {
    let ground = Ground::new();
    let (first, second) = (ground.draft("first"), ground.draft("second"));
    rename(&first.leftover.path, &ground.place).unwrap();
    let taken = rename(&second.leftover.path, &ground.place).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&ground.place).unwrap(), b"first");
}

#[test]
fn discarding_stops_a_writer_that_still_lives() {
    let ground = Ground::new();
    let other_id = "0ea1e2ac-1f6d-4c11-8e5a-d3a3c3b9c002";
    let other = Draft::begin(&ground.root, &Name::parse(other_id).unwrap(), None, false).unwrap();
    let draft = ground.draft("content");
    discard(&ground.root, &ground.name).unwrap();
    assert!(matches!(draft.place(), Err(StoreError::Io(_))));
    assert!(!ground.place.exists());
    other.place().unwrap().keep();
    ground.draft("again").place().unwrap().keep();
    discard(&ground.root, &ground.name).unwrap();
    assert!(!ground.place.exists());
    assert!(ground.root.path().join(other_id).exists());
}

#[test]
fn what_has_the_name_by_now_is_left_alone() {
    let ground = Ground::new();
    let complete = ground.draft("mine").place().unwrap();
    discard(&ground.root, &ground.name).unwrap();
    // The next file may well get the same inode, but not at the same tick of the filesystem's clock.
    thread::sleep(Duration::from_millis(50));
    ground.draft("yours").place().unwrap().keep();
    drop(complete);
    assert_eq!(fs::read(&ground.place).unwrap(), b"yours");
}

#[test]
fn zeros_are_told_from_the_rest() {
    for length in [0, 1, 127, 128, 129, 65_536] {
        let mut bytes = vec![0; length];
        assert!(is_zero(&bytes));
        for at in [0, length / 2, length.saturating_sub(1)] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = 1;
                assert!(!is_zero(&bytes), "{at} of {length}");
                bytes[at] = 0;
            }
        }
    }
}
