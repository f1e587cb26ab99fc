//! How the images of a list are found: in their order, until the page is full; or those first, and then sorted, of which there
//! are few. A look at indexes tells which there are few of, and goes no further than it would be worth.

use super::conditions::{self, condition};
use super::{Part, Query, by_index, keyset, leading, parts};
use crate::db::engine::Reading;
use crate::db::row::Columns;
use crate::db::{DbError, Sql, sql};
use crate::model::filter::{Condition, Direction, ImageFilter, SortKey, TextColumn};

/// Fewer images than these are few.
const FEWEST: u32 = 100;

/// How far it is looked at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Up to this number of images are taken one by one.
    pub(super) few: u32,
    /// How many entries of an index are asked in the order of the list; none for all that there are.
    pub(super) stretch: Option<u32>,
}

/// How far it is looked for a page of `limit` images, one time after the other. Where no index has the order, the only other way
/// is to sort everything.
pub(super) fn reaches(sort: &[(SortKey, Direction)], limit: u32) -> Vec<Reach> {
    let page = limit.saturating_mul(2);
    let stretches = [
        Reach { few: page.max(FEWEST), stretch: Some(page.saturating_add(350)) },
        Reach { few: page.saturating_add(1_000), stretch: Some(page.saturating_add(2_500)) },
    ];
    let last = Reach { few: 50_000, stretch: None };
    stretches.into_iter().filter(|_| keyset::has_index(sort)).chain([last]).collect()
}

/// How the images of a list are found.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// In the order of the list, until the page is full.
    InOrder,
    /// By the conditions at these places of the filter, which few images meet; then they are sorted.
    By(Vec<usize>),
    /// One by one, those that have the tag or the property at this place of the filter; then they are sorted.
    Having(usize),
    /// All that the caller may see, which are no more images than this number; then they are sorted.
    Seen(u32),
}

/// The way, if it is known without a look at any of `ways`.
pub(super) fn beforehand(filter: &ImageFilter, ways: &[(Way, Vec<Sql>)]) -> Option<Way> {
    let names_few = |condition: &Condition| {
        use TextColumn::{Checksum, Id, Name, OsHashValue};
        matches!(condition, Condition::TextIn(Id | Name | Checksum | OsHashValue, _))
    };
    let few = filter.conditions.iter().position(names_few).map(|at| Way::By(vec![at]));
    few.or_else(|| ways.is_empty().then_some(Way::InOrder))
}

/// The first of `ways` that takes no more than `few` images.
pub(super) fn look(reading: &Reading<'_>, ways: &[(Way, Vec<Sql>)], few: u32) -> Result<Option<Way>, DbError> {
    let mut short = None;
    if ways.is_empty() {
        return Ok(short);
    }
    // However many ways there are, they share what is looked at, but for a few entries each.
    let all = u32::try_from(ways.len()).unwrap_or(u32::MAX);
    let most = (few / all).max(few.min(FEWEST));
    let asked = || {
        // Whoever reads a CASE looks no further than the first that holds.
        let mut asked = Sql::new("SELECT CASE");
        for (at, (_, images)) in ways.iter().enumerate() {
            asked.push(" WHEN ").push(any_has_more(images, most.into())).push(format!(" IS NULL THEN {at}").as_str());
        }
        asked.push(" END");
        asked.anew()
    };
    reading.each(asked, &mut |row| {
        let at = row.get::<Option<i64>>(0)?.and_then(|at| usize::try_from(at).ok());
        short = at.and_then(|at| ways.get(at)).map(|(way, _)| match way {
            // There may be more of them at a later moment.
            Way::Seen(_) => Way::Seen(most.saturating_mul(10)),
            way => way.clone(),
        });
        Ok(())
    })?;
    Ok(short)
}

/// The ways that there are but the order, and what selects a row for each image that is looked at then.
pub(super) fn ways(query: Query<'_>) -> Vec<(Way, Vec<Sql>)> {
    let Query { dialect, filter, who, sort } = query;
    let led_by = leading(query).and_then(|(_, met)| met);
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
            let such = having(query, column, &places);
            ways.push((Way::By(places), vec![such]));
        }
    }
    if !who.is_admin && !keyset::is_usual(sort) {
        // Whoever sees much mostly owns much: that part, which comes late, is looked at early.
        let seen: Vec<Sql> = parts(query).iter().rev().map(|part| part.all_ids(query)).collect();
        ways.extend((!seen.is_empty()).then_some((Way::Seen(0), seen)));
    }
    ways
}

/// Selects a row for each image that meets the conditions at `places`, all of which are about `column`.
fn having(query: Query<'_>, column: &'static str, places: &[usize]) -> Sql {
    let always = Part::in_order(None, Vec::new());
    let met = places.iter().map(|place| condition(&query.filter.conditions[*place], str::to_owned));
    let mut such = Sql::new(format!("SELECT 1 FROM {} WHERE ", by_index(query.dialect, column)));
    such.push_joined(" AND ", always.beginning(query).into_iter().chain(met));
    such
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
