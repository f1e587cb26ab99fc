//! How the images of a list are found: in their order, until the page is full; or those first, and then sorted, of which there
//! are few. A look at indexes tells which there are few of, and goes no further than it would be worth.

use super::conditions::{self, condition};
use super::{keyset, leading, parts};
use crate::db::dialect::Dialect;
use crate::db::engine::Reading;
use crate::db::row::{Columns, Value};
use crate::db::{DbError, Sql, sql};
use crate::model::filter::{Condition, Direction, ImageFilter, Page, SortKey, TextColumn};
use crate::model::identity::Identity;

/// Images are taken one by one up to this number of them.
const FEW: i64 = 1000;

/// How the images of a list are found.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// In the order of the list, until the page is full.
    InOrder,
    /// By the conditions at these places of the filter, which few images meet; then they are sorted.
    By(Vec<usize>),
    /// One by one, those that have the tag or the property at this place of the filter; then they are sorted.
    Having(usize),
    /// All that the caller may see, which is not much; then it is sorted.
    Seen,
}

/// The way that looks at the least.
pub(super) fn way(reading: &Reading<'_>, filter: &ImageFilter, who: &Identity, page: &Page) -> Result<Way, DbError> {
    let names_few = |condition: &Condition| {
        use TextColumn::{Checksum, Id, Name, OsHashValue};
        matches!(condition, Condition::TextIn(Id | Name | Checksum | OsHashValue, _))
    };
    if let Some(at) = filter.conditions.iter().position(names_few) {
        return Ok(Way::By(vec![at]));
    }
    let ways = others(reading.dialect(), filter, who, keyset::total(&page.sort));
    if ways.is_empty() {
        return Ok(Way::InOrder);
    }
    // Where one of a hundred images is such a one, it takes a hundred times those of a page to go through all in their order.
    let mut all = 0;
    reading.each(&sql!(reading.dialect().number_of_images()), &mut |row| {
        all = row.get::<Option<i64>>(0)?.unwrap_or(0);
        Ok(())
    })?;
    let most = all.saturating_mul(page.limit.into()).isqrt().min(FEW);
    let mut asked = Sql::new("SELECT ");
    asked.push_joined(", ", ways.iter().map(|(_, images)| any_has_more(images, most)));
    let mut found = Way::InOrder;
    reading.each(&asked, &mut |row| {
        for (at, (way, _)) in ways.iter().enumerate() {
            if matches!(row.value(at)?, Value::Null) {
                found = way.clone();
                break;
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// The ways that there are but the order, and what selects a row for each image that is looked at then.
fn others(
    dialect: Dialect,
    filter: &ImageFilter,
    who: &Identity,
    sort: &[(SortKey, Direction)],
) -> Vec<(Way, Vec<Sql>)> {
    let led_by = leading(filter, who, sort).and_then(|(_, met)| met);
    let in_order = keyset::range_column(sort);
    let mut ways = Vec::new();
    let mut columns = Vec::new();
    for (at, wanted) in filter.conditions.iter().enumerate() {
        if let Some(rows) = conditions::rows_of(wanted, dialect) {
            let mut such = Sql::new("SELECT 1 ");
            such.push(rows);
            ways.push((Way::Having(at), vec![such]));
        } else if let Some(column) = conditions::indexed_column(wanted)
            && led_by != Some(at)
            && !columns.contains(&column)
            && !(in_order == Some(column) && conditions::is_range(wanted))
        {
            columns.push(column);
            let of_column = |(at, wanted)| (conditions::indexed_column(wanted) == Some(column)).then_some(at);
            let places: Vec<usize> = filter.conditions.iter().enumerate().filter_map(of_column).collect();
            let met = places.iter().map(|place| condition(&filter.conditions[*place], str::to_owned));
            let mut such = sql!("SELECT 1 FROM images WHERE deleted = ? AND os_hidden = ? AND ", false, filter.hidden);
            such.push_joined(" AND ", met);
            ways.push((Way::By(places), vec![such]));
        }
    }
    // Whoever sees much mostly owns much: that part, which comes late, is looked at early.
    let seen: Vec<Sql> = parts(filter, who).iter().rev().map(|part| part.all_ids(filter)).collect();
    if !who.is_admin && !keyset::is_usual(sort) && !seen.is_empty() {
        ways.push((Way::Seen, seen));
    }
    ways
}

/// Something, if any of `selects` selects more than `most` rows. The first that does is the last that is looked at.
fn any_has_more(selects: &[Sql], most: i64) -> Sql {
    let each = selects.iter().map(|select| {
        let mut one = Sql::new("(");
        one.push(select.clone()).push(sql!(" LIMIT 1 OFFSET ?)", most));
        one
    });
    let mut any = Sql::new("COALESCE(NULL, ");
    any.push_joined(", ", each).push(")");
    any
}
