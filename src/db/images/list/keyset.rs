//! The order of a list, and the images that come after one of them. A page begins where the index has the marker, so the
//! last page costs what the first does.

use super::conditions::inert;
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

/// A term of `ORDER BY`. One that is to be `sorted` is written so that no index is chosen for it; others have bare names,
/// for they may order a union.
pub(super) fn order(key: SortKey, direction: Direction, sorted: bool) -> Sql {
    let column = if sorted { inert(&qualified(key)) } else { column(key).to_owned() };
    let direction = match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    Sql::new(format!("{column} {direction}"))
}

/// The images after `marker`, as ranges of an index in this order, of which no two have an image in common.
/// NULL comes before everything: first when ascending, last when descending.
pub(super) fn beyond(marker: &Image, sort: &[(SortKey, Direction)]) -> Vec<Sql> {
    let Some((&(key, direction), rest)) = sort.split_first() else {
        return Vec::new();
    };
    let one_way = rest.iter().all(|&(key, way)| way == direction && !may_be_null(key));
    if !one_way {
        // No index has such an order.
        return vec![beyond_step_by_step(marker, sort)];
    }
    let column = qualified(key);
    if matches!(value(marker, key), Arg::Null) {
        let mut nulls = Sql::new(format!("{column} IS NULL AND "));
        nulls.push(further(marker, rest, direction));
        let mut ranges = vec![nulls];
        if direction == Direction::Ascending {
            ranges.push(Sql::new(format!("{column} IS NOT NULL")));
        }
        return ranges;
    }
    let mut ranges = vec![further(marker, sort, direction)];
    if direction == Direction::Descending && may_be_null(key) {
        ranges.push(Sql::new(format!("{column} IS NULL")));
    }
    ranges
}

/// `(name, created_at, id) > (?, ?, ?)`, which is true of no row in which the first is NULL.
fn further(marker: &Image, sort: &[(SortKey, Direction)], direction: Direction) -> Sql {
    let operator = if direction == Direction::Ascending { ">" } else { "<" };
    let columns: Vec<String> = sort.iter().map(|&(key, _)| qualified(key)).collect();
    let mut further = Sql::new(format!("({}) {operator} ", columns.join(", ")));
    further.push_list(sort.iter().map(|&(key, _)| value(marker, key)));
    further
}

/// The images after `marker`, asked of each: equal in the first keys and further on in the next one.
pub(super) fn beyond_step_by_step(marker: &Image, sort: &[(SortKey, Direction)]) -> Sql {
    let mut cases = Vec::new();
    for (at, &(key, direction)) in sort.iter().enumerate() {
        let mut case = Sql::new("(");
        let equal = sort[..at].iter().map(|&(key, _)| equals(marker, key));
        case.push_joined(" AND ", equal.chain([differs(marker, key, direction)]));
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

fn differs(marker: &Image, key: SortKey, direction: Direction) -> Sql {
    let column = inert(&qualified(key));
    match (direction, value(marker, key)) {
        (Direction::Ascending, Arg::Null) => Sql::new(format!("{column} IS NOT NULL")),
        (Direction::Ascending, value) => sql!(format!("{column} > ?"), value),
        (Direction::Descending, Arg::Null) => sql!("1 = 0"),
        (Direction::Descending, value) => sql!(format!("({column} < ? OR {column} IS NULL)"), value),
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
