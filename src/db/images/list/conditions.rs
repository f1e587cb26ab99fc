//! What the images of a list have to meet.

use crate::db::dialect::Dialect;
use crate::db::sql::any_of;
use crate::db::{Arg, Sql, sql};
use crate::model::filter::{Comparison, Condition, ImageFilter, IntColumn, TextColumn, TimeColumn, WantedVisibility};
use crate::model::identity::Identity;
use crate::model::image::Visibility;

/// `column`, written so that no index is chosen for it.
pub(super) fn inert(column: &str) -> String {
    format!("+{column}")
}

/// Which images `who` finds in a list. Administrators see everything but, unless they ask, the community images of
/// other projects; everybody else sees public images, their own, and those shared with them that they answered so.
pub(super) fn listed(filter: &ImageFilter, who: &Identity) -> Vec<Sql> {
    let mut all = Vec::new();
    if !who.is_admin {
        let mut seen = sql!("(+images.visibility IN ('public', 'community')");
        if let Some(project) = &who.project_id {
            seen.push(sql!(" OR +images.owner = ?", project));
            seen.push(
                " OR (+images.visibility = 'shared' AND EXISTS (SELECT 1 FROM image_members WHERE \
                 image_members.image_id = images.id AND ",
            );
            seen.push(membership(filter, project)).push("))");
        }
        seen.push(")");
        all.push(seen);
    }
    let community = Visibility::Community.as_str();
    match (filter.visibility, &who.project_id) {
        (WantedVisibility::All, _) => {}
        (WantedVisibility::Only(visibility), _) => all.push(sql!("+images.visibility = ?", visibility.as_str())),
        (WantedVisibility::Usual, None) => all.push(sql!("+images.visibility <> ?", community)),
        (WantedVisibility::Usual, Some(project)) => {
            all.push(sql!("(+images.visibility <> ? OR +images.owner = ?)", community, project));
        }
    }
    all
}

/// What makes `project` a member for whom an image is listed.
pub(super) fn membership(filter: &ImageFilter, project: &str) -> Sql {
    let mut membership = sql!("image_members.member = ? AND image_members.deleted = ?", project, false);
    if let Some(status) = filter.member_status {
        membership.push(sql!(" AND image_members.status = ?", status.as_str()));
    }
    membership
}

/// One condition, with `written` for what becomes of the name of a column of images.
pub(super) fn condition(condition: &Condition, written: fn(&str) -> String) -> Sql {
    match condition {
        Condition::TextIn(column, values) => any_of(&written(text_column(*column)), values),
        Condition::Int(column, comparison, value) => compare(&written(int_column(*column)), *comparison, *value),
        Condition::Time(column, comparison, value) => compare(&written(time_column(*column)), *comparison, *value),
        Condition::Protected(wanted) => sql!(format!("{} = ?", written("images.protected")), *wanted),
        // With an OFFSET it stays what is asked of each image: PostgreSQL would make a join of it, and of hundreds it finds no plan.
        Condition::Property(name, value) => sql!(
            "EXISTS (SELECT 1 FROM image_properties WHERE image_properties.image_id = images.id \
             AND image_properties.name = ? AND +image_properties.value = ? AND +image_properties.deleted = ? LIMIT 1 OFFSET 0)",
            name,
            value,
            false
        ),
        Condition::Tag(tag) => sql!(
            "EXISTS (SELECT 1 FROM image_tags WHERE image_tags.image_id = images.id \
             AND image_tags.value = ? AND image_tags.deleted = ? LIMIT 1 OFFSET 0)",
            tag,
            false
        ),
        Condition::Never => sql!("1 = 0"),
    }
}

/// The rows that say which images have what `condition` wants, where that is a tag or a property.
pub(super) fn rows_of(condition: &Condition, dialect: Dialect) -> Option<Sql> {
    match condition {
        Condition::Property(name, value) => {
            let mut rows =
                sql!("FROM image_properties WHERE name = ? AND value = ? AND deleted = ?", name, value, false);
            if let Some(beginning) = dialect.beginning_of_value() {
                rows.push(sql!(format!(" AND {beginning}"), value));
            }
            Some(rows)
        }
        Condition::Tag(tag) => Some(sql!("FROM image_tags WHERE value = ? AND deleted = ?", tag, false)),
        _ => None,
    }
}

/// The column that `condition` is about, if an index for an order has it.
pub(super) fn indexed_column(condition: &Condition) -> Option<&'static str> {
    use TextColumn::{ContainerFormat, DiskFormat, Owner, Status};
    match condition {
        Condition::TextIn(column @ (Status | ContainerFormat | DiskFormat | Owner), _) => Some(text_column(*column)),
        Condition::Int(column @ IntColumn::Size, _, _) if is_range(condition) => Some(int_column(*column)),
        Condition::Time(column, _, _) if is_range(condition) => Some(time_column(*column)),
        _ => None,
    }
}

/// Whether what meets `condition` is one range of values.
pub(super) fn is_range(condition: &Condition) -> bool {
    matches!(condition, Condition::Int(_, comparison, _) | Condition::Time(_, comparison, _)
        if *comparison != Comparison::NotEqual)
}

fn compare(column: &str, comparison: Comparison, value: impl Into<Arg>) -> Sql {
    let operator = match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
    };
    sql!(format!("{column} {operator} ?"), value)
}

pub(super) fn text_column(column: TextColumn) -> &'static str {
    match column {
        TextColumn::Id => "images.id",
        TextColumn::Name => "images.name",
        TextColumn::Status => "images.status",
        TextColumn::ContainerFormat => "images.container_format",
        TextColumn::DiskFormat => "images.disk_format",
        TextColumn::Checksum => "images.checksum",
        TextColumn::OsHashAlgo => "images.os_hash_algo",
        TextColumn::OsHashValue => "images.os_hash_value",
        TextColumn::Owner => "images.owner",
    }
}

fn int_column(column: IntColumn) -> &'static str {
    match column {
        IntColumn::Size => "images.size",
        IntColumn::VirtualSize => "images.virtual_size",
        IntColumn::MinDisk => "images.min_disk",
        IntColumn::MinRam => "images.min_ram",
    }
}

fn time_column(column: TimeColumn) -> &'static str {
    match column {
        TimeColumn::CreatedAt => "images.created_at",
        TimeColumn::UpdatedAt => "images.updated_at",
    }
}
