//! What a list has learnt of its beginning, to be asked in fewer trips the next time: that no way to its images is short, and where
//! its first stretch ends. Nothing that is found depends on it; with an old guide a list only takes longer.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::keyset::Place;
use super::{Page, Query};

/// How long what was learnt is believed.
const BELIEVED: Duration = Duration::from_mins(1);
/// So many guides are kept at the most.
const KEPT: usize = 1_000;

/// How a list begins.
#[derive(Clone, Debug)]
pub(super) struct Guide {
    /// The end of its first stretch; none where that is the whole list.
    pub(super) until: Option<Place>,
}

/// The guides of lists that were asked for a moment ago.
#[derive(Debug, Default)]
pub(in crate::db) struct Guides {
    hashes: RandomState,
    /// By the hash of what is asked: two lists that have the same one would only lead each other astray.
    guides: Mutex<HashMap<u64, (Guide, Instant)>>,
}

impl Guides {
    /// By what the guide of a list is known. One that begins after a marker has none: it is hardly asked for twice.
    pub(super) fn name(&self, query: Query<'_>, page: &Page) -> Option<u64> {
        let Query { filter, who, sort, .. } = query;
        page.marker.is_none().then(|| self.hashes.hash_one((filter, who.is_admin, &who.project_id, sort, page.limit)))
    }

    pub(super) fn find(&self, name: u64) -> Option<Guide> {
        let guides = self.guides.lock().unwrap_or_else(PoisonError::into_inner);
        guides.get(&name).filter(|(_, learnt)| learnt.elapsed() < BELIEVED).map(|(guide, _)| guide.clone())
    }

    pub(super) fn learn(&self, name: u64, guide: Guide) {
        let mut guides = self.guides.lock().unwrap_or_else(PoisonError::into_inner);
        if guides.len() >= KEPT {
            guides.retain(|_, (_, learnt)| learnt.elapsed() < BELIEVED);
        }
        if guides.len() < KEPT {
            guides.insert(name, (guide, Instant::now()));
        }
    }
}
