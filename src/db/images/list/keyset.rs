//! The order of a list, and the images that come after one of them. A page begins where the index has the marker, so the
//! last page costs what the first does.

use super::conditions::inert;
use crate::clock::Timestamp;
use crate::db::dialect::Dialect;
use crate::db::engine::Seen;
use crate::db::row::Columns;
use crate::db::{Arg, DbError, Sql, sql};
use crate::model::filter::{Direction, SortKey};

/// Where an image stands in an order: its keys.
#[derive(Clone, Debug)]
pub(super) struct Place(pub(super) Vec<(SortKey, Arg)>);

impl Place {
    /// The place of the image in `row`, which has the `columns` of this order.
    pub(super) fn read(row: &Seen<'_>, sort: &[(SortKey, Direction)]) -> Result<Self, DbError> {
        use SortKey::{ContainerFormat, CreatedAt, DiskFormat, Id, Name, Size, Status, UpdatedAt};
        let value = |(at, &(key, _)): (usize, &(SortKey, Direction))| {
            let value = match key {
                Size => row.get::<Option<i64>>(at)?.into(),
                CreatedAt | UpdatedAt => row.get::<Option<Timestamp>>(at)?.into(),
                Name | Status | ContainerFormat | DiskFormat | Id => row.get::<Option<String>>(at)?.into(),
            };
            Ok((key, value))
        };
        sort.iter().enumerate().map(value).collect::<Result<_, _>>().map(Self)
    }

    fn value(&self, key: SortKey) -> Arg {
        self.0.iter().find(|(its, _)| *its == key).map_or(Arg::Null, |(_, value)| value.clone())
    }
}

/// The part of `sort` that says something: ids differ, so nothing after them matters.
pub(super) fn total(sort: &[(SortKey, Direction)]) -> &[(SortKey, Direction)] {
    let id = sort.iter().position(|(key, _)| *key == SortKey::Id);
    id.and_then(|id| sort.get(..=id)).unwrap_or(sort)
}

/// Whether this is the order of a list that asks for none, or the opposite one.
pub(super) fn is_usual(sort: &[(SortKey, Direction)]) -> bool {
    matches!(sort, [(SortKey::CreatedAt, first), (SortKey::Id, second)] if first == second)
}

/// The column whose ranges are those of the index in this order.
pub(super) fn range_column(sort: &[(SortKey, Direction)]) -> Option<&'static str> {
    match sort.first()?.0 {
        SortKey::Size => Some("images.size"),
        SortKey::CreatedAt => Some("images.created_at"),
        SortKey::UpdatedAt => Some("images.updated_at"),
        SortKey::Name | SortKey::Status | SortKey::ContainerFormat | SortKey::DiskFormat | SortKey::Id => None,
    }
}

/// A term of `ORDER BY`. One that is to be `sorted` is written so that no index is chosen for it; others have bare names,
/// for they may order a union.
pub(super) fn order(key: SortKey, direction: Direction, sorted: bool) -> Sql {
    if sorted { term(&inert(&qualified(key)), direction) } else { term(column(key), direction) }
}

/// `column` in this direction.
pub(super) fn term(column: &str, direction: Direction) -> Sql {
    let direction = match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    Sql::new(format!("{column} {direction}"))
}

/// Whether an index has this order. Those for orders end with the time of the creation and the id.
pub(super) fn has_index(sort: &[(SortKey, Direction)]) -> bool {
    use SortKey::{CreatedAt, Id};
    let one_way = sort.windows(2).all(|keys| matches!(keys, [(_, first), (_, second)] if first == second));
    let keys: Vec<SortKey> = sort.iter().map(|&(key, _)| key).collect();
    one_way && matches!(keys.as_slice(), [Id] | [CreatedAt, Id] | [_, CreatedAt, Id])
}

/// The columns of this order.
pub(super) fn columns(sort: &[(SortKey, Direction)]) -> String {
    let columns: Vec<String> = sort.iter().map(|&(key, _)| qualified(key)).collect();
    columns.join(", ")
}

/// The images after one and up to another, as ranges of an index in this order, of which no two have an image in common.
pub(super) fn between(
    dialect: Dialect,
    after: Option<&Place>,
    until: Option<&Place>,
    sort: &[(SortKey, Direction)],
) -> Vec<Option<Sql>> {
    let Some((&(key, direction), rest)) = sort.split_first().filter(|_| after.or(until).is_some()) else {
        return vec![None];
    };
    if !has_index(sort) {
        return vec![after.map(|after| beyond_step_by_step(dialect, after, sort))];
    }
    let column = qualified(key);
    let (onward, back) = match direction {
        Direction::Ascending => (">", "<="),
        Direction::Descending => ("<", ">="),
    };
    let nulls_last = nulls_last(dialect, direction);
    let mut ranges = Vec::new();
    for nulls in [!nulls_last, nulls_last].into_iter().filter(|nulls| !nulls || may_be_null(key)) {
        // What is of the other kind ends before a marker of this kind, or begins after an end of it.
        let is_here = |end: &&Place| matches!(end.value(key), Arg::Null) == nulls;
        let (after_here, until_here) = (after.filter(is_here), until.filter(is_here));
        let is_first = nulls != nulls_last;
        if (is_first && after.is_some() && after_here.is_none())
            || (!is_first && until.is_some() && until_here.is_none())
        {
            continue;
        }
        let keys = if nulls { rest } else { sort };
        let ends = [(after_here, onward), (until_here, back)];
        let mut range: Vec<Sql> =
            ends.into_iter().filter_map(|(end, operator)| Some(compared(dialect, end?, keys, operator))).collect();
        if nulls {
            range.insert(0, is_null(dialect, &column));
        } else if range.is_empty() {
            range.push(Sql::new(format!("{column} IS NOT NULL")));
        }
        let mut all = Sql::default();
        all.push_joined(" AND ", range);
        ranges.push(Some(all));
    }
    ranges
}

/// `column` has no value. Where an index is only read in its order if columns could have several values, this says so.
fn is_null(dialect: Dialect, column: &str) -> Sql {
    if dialect.pins() {
        return Sql::new(format!("({column} IS NULL OR {column} IN (NULL, NULL))"));
    }
    Sql::new(format!("{column} IS NULL"))
}

/// Whether NULL comes after everything else in this direction.
fn nulls_last(dialect: Dialect, direction: Direction) -> bool {
    dialect.nulls_first() == (direction == Direction::Descending)
}

/// `(name, created_at, id) > (?, ?, ?)`, which is true of no row in which the first is NULL.
fn compared(dialect: Dialect, end: &Place, sort: &[(SortKey, Direction)], operator: &str) -> Sql {
    if !dialect.compares_rows() {
        return compared_by_each(end, sort, operator);
    }
    let mut compared = Sql::new(format!("({}) {operator} ", columns(sort)));
    compared.push_list(sort.iter().map(|&(key, _)| end.value(key)));
    compared
}

/// The same, as `(name > ? OR (name = ? AND (created_at > ? OR (created_at = ? AND id > ?))))`.
fn compared_by_each(end: &Place, sort: &[(SortKey, Direction)], operator: &str) -> Sql {
    let Some((&(key, _), rest)) = sort.split_first() else {
        return Sql::new("1 = 0");
    };
    let (column, value) = (qualified(key), end.value(key));
    if rest.is_empty() {
        return sql!(format!("{column} {operator} ?"), value);
    }
    let mut either = sql!(format!("({column} {} ?", operator.trim_end_matches('=')), value.clone());
    either.push(sql!(format!(" OR ({column} = ? AND "), value));
    either.push(compared_by_each(end, rest, operator)).push("))");
    either
}

/// The images after `marker`, asked of each: equal in the first keys and further on in the next one.
pub(super) fn beyond_step_by_step(dialect: Dialect, marker: &Place, sort: &[(SortKey, Direction)]) -> Sql {
    let mut cases = Vec::new();
    for (at, &(key, direction)) in sort.iter().enumerate() {
        let mut case = Sql::new("(");
        let equal = sort[..at].iter().map(|&(key, _)| equals(marker, key));
        case.push_joined(" AND ", equal.chain([differs(dialect, marker, key, direction)]));
        case.push(")");
        cases.push(case);
    }
    let mut beyond = Sql::new("(");
    beyond.push_joined(" OR ", cases).push(")");
    beyond
}

fn equals(marker: &Place, key: SortKey) -> Sql {
    let column = inert(&qualified(key));
    match marker.value(key) {
        Arg::Null => Sql::new(format!("{column} IS NULL")),
        value => sql!(format!("{column} = ?"), value),
    }
}

fn differs(dialect: Dialect, marker: &Place, key: SortKey, direction: Direction) -> Sql {
    let column = inert(&qualified(key));
    let operator = if direction == Direction::Ascending { ">" } else { "<" };
    match (nulls_last(dialect, direction), marker.value(key)) {
        (true, Arg::Null) => sql!("1 = 0"),
        (false, Arg::Null) => Sql::new(format!("{column} IS NOT NULL")),
        (true, value) => sql!(format!("({column} {operator} ? OR {column} IS NULL)"), value),
        (false, value) => sql!(format!("{column} {operator} ?"), value),
    }
}

/// The column of images that `key` sorts by.
pub(super) fn column(key: SortKey) -> &'static str {
    match key {
        SortKey::Name => "name",
        SortKey::Status => "status",
        SortKey::ContainerFormat => "container_format",
        SortKey::DiskFormat => "disk_format",
        SortKey::Size => "size",
        SortKey::Id => "id",
        SortKey::CreatedAt => "created_at",
        SortKey::UpdatedAt => "updated_at",
    }
}

/// The same, with its table.
pub(super) fn qualified(key: SortKey) -> String {
    format!("images.{}", column(key))
}

fn may_be_null(key: SortKey) -> bool {
    use SortKey::{ContainerFormat, CreatedAt, DiskFormat, Id, Name, Size, Status, UpdatedAt};
    match key {
        Name | ContainerFormat | DiskFormat | Size | UpdatedAt => true,
        Status | Id | CreatedAt => false,
    }
}
