//! Lists in the order of several keys, all in one direction, and the rows that come after one of them.

use crate::db::{Arg, Sql, sql};
use crate::model::filter::Direction;

/// The keys of an order by `sort`, which `last` make total. compat: ordered by one of these, they still come in their order.
pub(super) fn keys<K: Copy + PartialEq>(sort: K, last: [K; 2]) -> Vec<K> {
    std::iter::once(sort).filter(|sort| !last.contains(sort)).chain(last).collect()
}

/// Ends `select` with the order of `keys`, behind the row in which they have the values of `marker`, if there is one.
pub(super) fn page(select: &mut Sql, keys: Vec<Sql>, marker: Option<Vec<Arg>>, direction: Direction) {
    if let Some(values) = marker {
        let behind: Vec<(Sql, Arg)> = keys.iter().cloned().zip(values).collect();
        select.push(after(&behind, direction));
    }
    select.push(by(keys, direction));
}

/// ` ORDER BY` these `keys`.
fn by(keys: impl IntoIterator<Item = Sql>, direction: Direction) -> Sql {
    let direction = match direction {
        Direction::Ascending => " ASC",
        Direction::Descending => " DESC",
    };
    let mut order = Sql::new(" ORDER BY ");
    order.push_joined(
        ", ",
        keys.into_iter().map(|mut key| {
            key.push(direction);
            key
        }),
    );
    order
}

/// ` AND` what comes after the row in which `keys` have these values: one condition for each key, all before it being
/// equal.
fn after(keys: &[(Sql, Arg)], direction: Direction) -> Sql {
    let operator = match direction {
        Direction::Ascending => " > ?",
        Direction::Descending => " < ?",
    };
    let compare = |(key, value): &(Sql, Arg), operator: &str| {
        let mut sql = key.clone();
        sql.push(Sql::new(operator).bind(value.clone()));
        sql
    };
    let condition = |at: usize| {
        let mut sql = Sql::new("(");
        let equal = keys[..at].iter().map(|key| compare(key, " = ?"));
        sql.push_joined(" AND ", equal.chain(std::iter::once(compare(&keys[at], operator)))).push(")");
        sql
    };
    let mut after = Sql::new(" AND (");
    after.push_joined(" OR ", (0..keys.len()).map(condition)).push(")");
    after
}

/// `column`, with `unset` in place of NULL, which is neither before nor after anything.
pub(super) fn or_unset(column: &str, unset: impl Into<Arg>) -> Sql {
    sql!(format!("COALESCE({column}, ?)"), unset)
}
