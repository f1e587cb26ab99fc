//! The order of a list, and the images that come after one of them. A page begins where the index has the marker, so the
//! last page costs what the first does.

use super::conditions::inert;
use crate::db::dialect::Dialect;
use crate::db::{Arg, Sql, sql};
use crate::model::filter::{Direction, SortKey};
use crate::model::image::Image;

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

/// The images after `marker`, as ranges of an index in this order, of which no two have an image in common.
pub(super) fn beyond(dialect: Dialect, marker: &Image, sort: &[(SortKey, Direction)]) -> Vec<Sql> {
    let Some((&(key, direction), rest)) = sort.split_first() else {
        return Vec::new();
    };
    let one_way = rest.iter().all(|&(key, way)| way == direction && !may_be_null(key));
    if !one_way {
        // No index has such an order.
        return vec![beyond_step_by_step(dialect, marker, sort)];
    }
    let column = qualified(key);
    let nulls_last = nulls_last(dialect, direction);
    if matches!(value(marker, key), Arg::Null) {
        let mut nulls = is_null(dialect, &column);
        nulls.push(" AND ").push(further(dialect, marker, rest, direction));
        let mut ranges = vec![nulls];
        if !nulls_last {
            ranges.push(Sql::new(format!("{column} IS NOT NULL")));
        }
        return ranges;
    }
    let mut ranges = vec![further(dialect, marker, sort, direction)];
    if nulls_last && may_be_null(key) {
        ranges.push(is_null(dialect, &column));
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
fn further(dialect: Dialect, marker: &Image, sort: &[(SortKey, Direction)], direction: Direction) -> Sql {
    let operator = if direction == Direction::Ascending { ">" } else { "<" };
    if !dialect.compares_rows() {
        return further_by_each(marker, sort, operator);
    }
    let columns: Vec<String> = sort.iter().map(|&(key, _)| qualified(key)).collect();
    let mut further = Sql::new(format!("({}) {operator} ", columns.join(", ")));
    further.push_list(sort.iter().map(|&(key, _)| value(marker, key)));
    further
}

/// The same, as `(name > ? OR (name = ? AND (created_at > ? OR (created_at = ? AND id > ?))))`.
fn further_by_each(marker: &Image, sort: &[(SortKey, Direction)], operator: &str) -> Sql {
    let Some((&(key, _), rest)) = sort.split_first() else {
        return Sql::new("1 = 0");
    };
    let (column, value) = (qualified(key), value(marker, key));
    let beyond = sql!(format!("{column} {operator} ?"), value.clone());
    if rest.is_empty() {
        return beyond;
    }
    let mut either = Sql::new("(");
    either.push(beyond).push(sql!(format!(" OR ({column} = ? AND "), value));
    either.push(further_by_each(marker, rest, operator)).push("))");
    either
}

/// The images after `marker`, asked of each: equal in the first keys and further on in the next one.
pub(super) fn beyond_step_by_step(dialect: Dialect, marker: &Image, sort: &[(SortKey, Direction)]) -> Sql {
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

fn equals(marker: &Image, key: SortKey) -> Sql {
    let column = inert(&qualified(key));
    match value(marker, key) {
        Arg::Null => Sql::new(format!("{column} IS NULL")),
        value => sql!(format!("{column} = ?"), value),
    }
}

fn differs(dialect: Dialect, marker: &Image, key: SortKey, direction: Direction) -> Sql {
    let column = inert(&qualified(key));
    let operator = if direction == Direction::Ascending { ">" } else { "<" };
    match (nulls_last(dialect, direction), value(marker, key)) {
        (true, Arg::Null) => sql!("1 = 0"),
        (false, Arg::Null) => Sql::new(format!("{column} IS NOT NULL")),
        (true, value) => sql!(format!("({column} {operator} ? OR {column} IS NULL)"), value),
        (false, value) => sql!(format!("{column} {operator} ?"), value),
    }
}

fn qualified(key: SortKey) -> String {
    format!("images.{}", column(key))
}

fn column(key: SortKey) -> &'static str {
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

fn may_be_null(key: SortKey) -> bool {
    use SortKey::{ContainerFormat, CreatedAt, DiskFormat, Id, Name, Size, Status, UpdatedAt};
    match key {
        Name | ContainerFormat | DiskFormat | Size | UpdatedAt => true,
        Status | Id | CreatedAt => false,
    }
}

fn value(image: &Image, key: SortKey) -> Arg {
    match key {
        SortKey::Name => image.name.as_ref().into(),
        SortKey::Status => image.status.as_str().into(),
        SortKey::ContainerFormat => image.container_format.as_ref().into(),
        SortKey::DiskFormat => image.disk_format.as_ref().into(),
        SortKey::Size => image.size.into(),
        SortKey::Id => (&image.id).into(),
        SortKey::CreatedAt => image.created_at.into(),
        SortKey::UpdatedAt => image.updated_at.into(),
    }
}
