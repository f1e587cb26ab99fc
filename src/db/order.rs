//! Lists in the order of several keys, all in one direction, and the rows that come after one of them.

use crate::db::dialect::Dialect;
use crate::db::{Arg, Sql, sql};
use crate::model::filter::Direction;

/// The keys of an order by `sort`, which `last` make total. compat: ordered by one of these, they still come in their order.
pub(super) fn keys<K: Copy + PartialEq>(sort: K, last: [K; 2]) -> Vec<K> {
    std::iter::once(sort).filter(|sort| !last.contains(sort)).chain(last).collect()
}

/// A column that is a key of an order, with what stands in for a value that is not set, where that can be.
pub(super) struct Key {
    pub column: String,
    pub unset: Option<Arg>,
}

/// Ends `select` with the order of `keys`, behind the row in which they have the values of `marker`, if there is one.
pub(super) fn page(select: &mut Sql, dialect: Dialect, keys: &[Key], marker: Option<Vec<Arg>>, direction: Direction) {
    let terms: Vec<Sql> = keys.iter().flat_map(|key| key.terms(dialect)).collect();
    if let Some(values) = marker {
        let values = keys.iter().zip(values).flat_map(|(key, value)| key.values(dialect, value));
        let behind: Vec<(Sql, Arg)> = terms.iter().cloned().zip(values).collect();
        select.push(after(&behind, direction));
    }
    select.push(by(terms, direction));
}

impl Key {
    /// What rows are compared by. NULL is neither before nor after anything: whether there is a value comes first.
    fn terms(&self, dialect: Dialect) -> Vec<Sql> {
        let column = &self.column;
        let Some(unset) = &self.unset else { return vec![Sql::new(column.clone())] };
        let [without, with] = [false, true].map(|is_set| rank(dialect, is_set));
        let is_set = Sql::new(format!("CASE WHEN {column} IS NULL THEN {without} ELSE {with} END"));
        vec![is_set, sql!(format!("COALESCE({column}, ?)"), unset.clone())]
    }

    /// The values of its terms where the column has this one.
    fn values(&self, dialect: Dialect, value: Arg) -> Vec<Arg> {
        let Some(unset) = &self.unset else { return vec![value] };
        match value {
            Arg::Null => vec![rank(dialect, false).into(), unset.clone()],
            value => vec![rank(dialect, true).into(), value],
        }
    }
}

/// Where rows come in which a column has a value, or none.
fn rank(dialect: Dialect, is_set: bool) -> i64 {
    i64::from(is_set == dialect.nulls_first())
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
