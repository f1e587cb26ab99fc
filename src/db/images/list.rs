//! The list of images: one statement built from the filter for the page, then three for the children.

use super::{COLUMNS, fill_in, find, read_images};
use crate::db::{Arg, Db, DbError, Sql, sql};
use crate::model::filter::{
    Comparison, Condition, Direction, ImageFilter, IntColumn, Page, SortKey, TextColumn, TimeColumn, WantedVisibility,
};
use crate::model::identity::Identity;
use crate::model::image::{Image, Visibility};

/// The images on `page` that `filter` wants and `who` may list; none at all when the marker is not one of theirs.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, filter: &ImageFilter, who: &Identity, page: &Page) -> Result<Option<Vec<Image>>, DbError> {
    let marker = match &page.marker {
        None => None,
        Some(id) => match find(db, id, who).await? {
            None => return Ok(None),
            found => found,
        },
    };
    let mut select = Sql::new(format!("SELECT {COLUMNS} FROM images WHERE "));
    select.push_joined(" AND ", conditions(filter, who));
    if let Some(marker) = &marker {
        select.push(" AND ").push(after(marker, &page.sort));
    }
    select.push(" ORDER BY ");
    select.push_joined(", ", page.sort.iter().map(|&(key, direction)| order(key, direction)));
    select.push(sql!(" LIMIT ?", i64::from(page.limit)));
    let mut images = read_images(Some(db.fetch_all(select).await?))?;
    fill_in(db, &mut images).await?;
    Ok(Some(images))
}

fn conditions(filter: &ImageFilter, who: &Identity) -> Vec<Sql> {
    let mut all = vec![
        sql!("images.deleted = ?", false),
        sql!("images.status <> 'killed'"),
        sql!("images.os_hidden = ?", filter.hidden),
    ];
    all.extend(listed(filter, who));
    all.extend(filter.conditions.iter().map(condition));
    all
}

/// Which images `who` finds in a list. Administrators see everything but, unless they ask, the community images of
/// other projects; everybody else sees public images, their own, and those shared with them that they answered so.
fn listed(filter: &ImageFilter, who: &Identity) -> Vec<Sql> {
    let mut all = Vec::new();
    if !who.is_admin {
        let mut seen = sql!("(images.visibility IN ('public', 'community')");
        if let Some(project) = &who.project_id {
            seen.push(sql!(" OR images.owner = ?", project));
            seen.push(sql!(
                " OR (images.visibility = 'shared' AND EXISTS (SELECT 1 FROM image_members WHERE \
                 image_members.image_id = images.id AND image_members.member = ? AND image_members.deleted = ?",
                project,
                false
            ));
            if let Some(status) = filter.member_status {
                seen.push(sql!(" AND image_members.status = ?", status.as_str()));
            }
            seen.push("))");
        }
        seen.push(")");
        all.push(seen);
    }
    match (filter.visibility, &who.project_id) {
        (WantedVisibility::All, _) => {}
        (WantedVisibility::Only(visibility), _) => all.push(sql!("images.visibility = ?", visibility.as_str())),
        (WantedVisibility::Usual, None) => all.push(sql!("images.visibility <> ?", Visibility::Community.as_str())),
        (WantedVisibility::Usual, Some(project)) => {
            all.push(sql!("(images.visibility <> ? OR images.owner = ?)", Visibility::Community.as_str(), project));
        }
    }
    all
}

fn condition(condition: &Condition) -> Sql {
    match condition {
        Condition::TextIn(column, values) => {
            let mut sql = Sql::new(text_column(*column));
            match values.as_slice() {
                [one] => sql.push(sql!(" = ?", one)),
                many => sql.push(" IN ").push_list(many),
            };
            sql
        }
        Condition::Int(column, comparison, value) => compare(int_column(*column), *comparison, *value),
        Condition::Time(column, comparison, value) => compare(time_column(*column), *comparison, *value),
        Condition::Protected(wanted) => sql!("images.protected = ?", *wanted),
        Condition::Property(name, value) => sql!(
            "EXISTS (SELECT 1 FROM image_properties WHERE image_properties.image_id = images.id \
             AND image_properties.name = ? AND image_properties.value = ? AND image_properties.deleted = ?)",
            name,
            value,
            false
        ),
        Condition::Tag(tag) => sql!(
            "EXISTS (SELECT 1 FROM image_tags WHERE image_tags.image_id = images.id \
             AND image_tags.value = ? AND image_tags.deleted = ?)",
            tag,
            false
        ),
        Condition::Never => sql!("1 = 0"),
    }
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

/// The images that come after `marker`: equal in the first keys and further on in the next one.
fn after(marker: &Image, sort: &[(SortKey, Direction)]) -> Sql {
    let mut cases = Vec::new();
    for (at, &(key, direction)) in sort.iter().enumerate() {
        let mut case = Sql::new("(");
        let equal = sort[..at].iter().map(|&(key, _)| equals(marker, key));
        case.push_joined(" AND ", equal.chain([beyond(marker, key, direction)]));
        case.push(")");
        cases.push(case);
    }
    let mut after = Sql::new("(");
    after.push_joined(" OR ", cases);
    after.push(")");
    after
}

fn equals(marker: &Image, key: SortKey) -> Sql {
    let column = sort_column(key);
    match sort_value(marker, key) {
        Arg::Null => Sql::new(format!("{column} IS NULL")),
        value => sql!(format!("{column} = ?"), value),
    }
}

/// NULL comes before everything: first when ascending, last when descending.
fn beyond(marker: &Image, key: SortKey, direction: Direction) -> Sql {
    let column = sort_column(key);
    match (direction, sort_value(marker, key)) {
        (Direction::Ascending, Arg::Null) => Sql::new(format!("{column} IS NOT NULL")),
        (Direction::Ascending, value) => sql!(format!("{column} > ?"), value),
        (Direction::Descending, Arg::Null) => sql!("1 = 0"),
        (Direction::Descending, value) => sql!(format!("({column} < ? OR {column} IS NULL)"), value),
    }
}

fn order(key: SortKey, direction: Direction) -> Sql {
    let direction = match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    Sql::new(format!("{} {direction}", sort_column(key)))
}

fn sort_column(key: SortKey) -> &'static str {
    match key {
        SortKey::Name => "images.name",
        SortKey::Status => "images.status",
        SortKey::ContainerFormat => "images.container_format",
        SortKey::DiskFormat => "images.disk_format",
        SortKey::Size => "images.size",
        SortKey::Id => "images.id",
        SortKey::CreatedAt => "images.created_at",
        SortKey::UpdatedAt => "images.updated_at",
    }
}

fn sort_value(image: &Image, key: SortKey) -> Arg {
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

fn text_column(column: TextColumn) -> &'static str {
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
