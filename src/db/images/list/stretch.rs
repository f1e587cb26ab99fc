//! A stretch of a list: so many entries of the index in its order. It mostly has a page, whatever is asked of the images; where
//! it has none, that is known at a bounded price.

use super::keyset::{self, Place};
use super::{Query, Way, parts_by};
use crate::db::dialect::Dialect;
use crate::db::{Sql, sql};
use crate::model::filter::{Direction, SortKey};

/// With fewer images, all of them are asked in their order: for a range that is a good part of them, MariaDB sorts.
const MANY: u32 = 2_000;

/// What of a list is asked.
pub(super) struct Stretch {
    /// It begins after this place, or where the list does.
    pub(super) after: Option<Place>,
    /// It ends with this one, or where the list does.
    pub(super) until: Option<Place>,
    /// The most images that are wanted of it.
    pub(super) limit: u32,
}

impl Stretch {
    /// The stretch as ranges of an index, or as what is asked of each of the images that will be `sorted`.
    pub(super) fn ranges(&self, dialect: Dialect, sort: &[(SortKey, Direction)], sorted: bool) -> Vec<Option<Sql>> {
        let after = self.after.as_ref();
        if sorted {
            return vec![after.map(|after| keyset::beyond_step_by_step(dialect, after, sort))];
        }
        keyset::between(dialect, after, self.until.as_ref(), sort)
    }
}

/// Selects the keys of the image with which a stretch ends, which has `entries` of one of the indexes that the list is read by, and
/// no more of any other. It selects none where no index has as many, or there are not many images. Only entries of indexes are
/// looked at.
pub(super) fn end(query: Query<'_>, stretch: &Stretch, entries: u32) -> Option<Sql> {
    let Query { dialect, sort, .. } = query;
    let ranges = stretch.ranges(dialect, sort, false);
    let in_order = || sort.iter().map(|&(key, direction)| keyset::order(key, direction, false));
    let (parts, _) = parts_by(&Way::InOrder, query);
    let mut ends = Vec::new();
    for part in parts.iter().filter(|part| part.reads_in_order()) {
        for range in &ranges {
            let mut end = Sql::new("SELECT * FROM (");
            end.push(part.entries(query, range.as_ref())).push(" ORDER BY ");
            end.push_joined(", ", part.pinned(query).into_iter().chain(in_order()));
            end.push(sql!(" LIMIT 1 OFFSET ?) AS entries", i64::from(entries)));
            ends.push(end);
        }
    }
    if ends.is_empty() {
        return None;
    }
    // The first of these ends is that of the stretch: behind it, images of that part would be missing.
    let mut first = Sql::new("SELECT * FROM (");
    first.push_joined(" UNION ALL ", ends);
    first.push(format!(") AS ends WHERE ({}) >= {MANY} ORDER BY ", dialect.number_of_images()).as_str());
    first.push_joined(", ", in_order()).push(" LIMIT 1");
    Some(first)
}
