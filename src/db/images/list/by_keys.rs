//! A page of several parts, put together by the keys of their images. Indexes have these, so rows are read of the images on the page
//! only, where a row is far from its index.

use super::conditions::{condition, inert};
use super::{Part, Query, keyset, packed};
use crate::db::{Sql, sql};
use crate::model::filter::{Condition, Direction, SortKey, WantedVisibility};
use crate::model::image::Image;
use crate::model::lifecycle::Status;

/// Whether images that were killed may be among those that a statement selects. No list has them, but only their rows tell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Killed {
    Perhaps,
    Never,
}

/// Whether none of `images` was killed.
pub(super) fn are_living(images: &[Image]) -> bool {
    images.iter().all(|image| image.status != Status::Killed)
}

/// Whether indexes tell which images of `parts` a page has.
pub(super) fn tell(query: Query<'_>, parts: &[Part]) -> bool {
    let by_id = |wanted: &Condition| matches!(wanted, Condition::Property(..) | Condition::Tag(_));
    // Of one visibility, what is the caller's own is no part by itself.
    let whole = !matches!(query.filter.visibility, WantedVisibility::Only(_));
    query.dialect.rows_are_far() && parts.len() > 1 && whole && query.filter.conditions.iter().all(by_id)
}

/// Selects the images of which `keys` selects the keys of the order, with these columns.
pub(super) fn page(columns: &str, keys: Sql, sort: &[(SortKey, Direction)]) -> Sql {
    let mut page = Sql::new(format!("SELECT {columns} FROM ("));
    page.push(keys).push(") AS page STRAIGHT_JOIN images ON images.id = page.id ORDER BY ");
    let in_order =
        sort.iter().map(|&(key, direction)| keyset::term(&format!("page.{}", keyset::column(key)), direction));
    page.push_joined(", ", in_order);
    page
}

impl Part {
    /// The keys of the images of this part that `filter` wants. Nothing is asked of their rows: some may have been killed, and some of
    /// the caller's own are in the part of what is public as well.
    pub(super) fn keys(&self, query: Query<'_>, range: Option<&Sql>) -> Sql {
        let Query { dialect, filter, sort, .. } = query;
        let columns = keyset::columns(sort);
        if !self.reads_in_order() {
            return self.select(&columns, query, &[], range);
        }
        let mut keys = Sql::new(format!("SELECT {columns} FROM {}", self.images(query)));
        // An image has one row of a property. A server takes less for joining it than for asking whether there is one, but it
        // finds no plan for many joins.
        let property = |wanted: &Condition| matches!(wanted, Condition::Property(..));
        let joined = filter.conditions.iter().position(property);
        let mut met = self.beginning(query);
        met.extend(range.cloned());
        for (at, wanted) in filter.conditions.iter().enumerate() {
            match wanted {
                Condition::Property(name, value) if Some(at) == joined => {
                    keys.push(format!(" STRAIGHT_JOIN {}", packed::properties_of_an_image(dialect)).as_str());
                    met.push(sql!(
                        "image_properties.image_id = images.id AND image_properties.deleted = ? \
                         AND image_properties.name = ? AND image_properties.value = ?",
                        false,
                        name,
                        value
                    ));
                }
                wanted => met.push(condition(wanted, inert)),
            }
        }
        keys.push(" WHERE ").push_joined(" AND ", met);
        keys
    }
}
