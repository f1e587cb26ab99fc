//! What a project has: images, bytes, uploads. Each number is a select of its own, so that several can be put together, in a
//! transaction or outside of one.

use crate::db::{Db, DbError, Row, Sql, Tx, sql};

/// What one project has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in stores, each copy counted.
    pub stored_bytes: i64,
    /// Bytes that wait to be imported.
    pub staged_bytes: i64,
    /// Images.
    pub images: i64,
    /// Images whose data is on its way.
    pub uploading: i64,
}

/// What `project` has; without one, what belongs to nobody.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &Db, project: Option<&str>) -> Result<Usage, DbError> {
    let numbers = [stored(project, ""), staged(project), images(project), uploading(project, "")];
    let [stored_bytes, staged_bytes, images, uploading] = read(db.fetch_optional(together(numbers)).await?)?;
    Ok(Usage { stored_bytes, staged_bytes, images, uploading })
}

/// How many images `project` has.
///
/// # Errors
/// When the database fails.
pub async fn count_images(db: &Db, project: Option<&str>) -> Result<i64, DbError> {
    let [images] = read(db.fetch_optional(together([images(project)])).await?)?;
    Ok(images)
}

/// Keeps others who ask for the same from what `project` has, until the transaction ends: for work that writes what it does
/// by these numbers.
pub(super) async fn hold(tx: &Tx, project: Option<&str>) -> Result<(), DbError> {
    tx.take_turn(&format!("usage of {}", project.unwrap_or_default())).await
}

/// One row of all `numbers`.
pub(super) fn together<const N: usize>(numbers: [Sql; N]) -> Sql {
    let mut all = Sql::new("SELECT (");
    all.push_joined("), (", numbers);
    all.push(")");
    all
}

/// What the row of `together` says.
pub(super) fn read<const N: usize>(row: Option<Row>) -> Result<[i64; N], DbError> {
    let mut numbers = [0; N];
    if let Some(row) = row {
        for (at, number) in numbers.iter_mut().enumerate() {
            *number = row.get(at)?;
        }
    }
    Ok(numbers)
}

/// Bytes that `project` has in stores, image `but` aside.
pub(super) fn stored(project: Option<&str>, but: &str) -> Sql {
    let mut sum = sql!(
        "SELECT CAST(COALESCE(SUM(images.size * (SELECT COUNT(*) FROM image_locations \
         WHERE image_locations.image_id = images.id AND image_locations.deleted = ? \
         AND image_locations.status <> 'deleted')), 0) AS BIGINT) FROM images WHERE ",
        false
    );
    sum.push(living(project)).push(sql!(" AND images.size > 0 AND images.id <> ?", but));
    sum
}

/// Bytes that uploads of `project` have reserved, that of image `but` aside.
pub(super) fn reserved(project: Option<&str>, but: &str) -> Sql {
    let mut sum = Sql::new("SELECT CAST(COALESCE(SUM(reserved_bytes), 0) AS BIGINT) FROM glint_leases WHERE ");
    sum.push(is("project", project)).push(sql!(" AND image_id <> ?", but));
    sum
}

/// How many images `project` has.
pub(super) fn images(project: Option<&str>) -> Sql {
    let mut count = Sql::new("SELECT COUNT(*) FROM images WHERE ");
    count.push(living(project));
    count
}

/// How many images of `project` get their data: by an upload, or an import, or as a copy for another store. Image `id`
/// counts as if it did, if it is one of them.
pub(super) fn uploading(project: Option<&str>, id: &str) -> Sql {
    let mut count = Sql::new("SELECT COUNT(*) FROM images WHERE ");
    count.push(living(project)).push(" AND (images.status IN ('saving', 'uploading', 'importing') OR ");
    count.push(copying()).push(sql!(" OR images.id = ?)", id));
    count
}

/// Bytes that `project` has waiting: of images that are uploaded to be imported, and of those that are copied.
fn staged(project: Option<&str>) -> Sql {
    let mut sum = Sql::new("SELECT CAST(COALESCE(SUM(images.size), 0) AS BIGINT) FROM images WHERE ");
    sum.push(living(project)).push(" AND images.size > 0 AND (images.status IN ('uploading', 'importing') OR ");
    sum.push(copying()).push(")");
    sum
}

fn copying() -> Sql {
    sql!(
        "EXISTS (SELECT 1 FROM image_properties WHERE image_properties.image_id = images.id \
         AND image_properties.name = 'os_glance_importing_to_stores' AND image_properties.value <> '' \
         AND image_properties.deleted = ?)",
        false
    )
}

fn living(project: Option<&str>) -> Sql {
    let mut living = is("images.owner", project);
    living
        .push(sql!(" AND images.deleted = ? AND images.status NOT IN ('killed', 'deleted', 'pending_delete')", false));
    living
}

fn is(column: &str, project: Option<&str>) -> Sql {
    match project {
        Some(project) => Sql::new(format!("{column} = ?")).bind(project),
        None => Sql::new(format!("{column} IS NULL")),
    }
}
