//! Image members in the database. One row a project and image: a member that was removed and comes back revives it.

use crate::clock::Timestamp;
use crate::db::{Db, DbError, Row, Sql, sql};
use crate::model::identity::Identity;
use crate::model::member::{Member, MemberStatus};

const COLUMNS: &str = "image_members.id, image_members.image_id, image_members.member, image_members.status, \
    image_members.created_at, image_members.updated_at";

/// The members of `image_id` that `who` may see: all of their own image, else only themselves.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, image_id: &str, who: &Identity) -> Result<Vec<Member>, DbError> {
    let mut select = selection(image_id, who);
    select.push(" ORDER BY image_members.id");
    db.fetch_all(select).await?.iter().map(read).collect()
}

/// The member `member_id` of `image_id`, if `who` may see it.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, image_id: &str, member_id: &str, who: &Identity) -> Result<Option<Member>, DbError> {
    let mut select = selection(image_id, who);
    select.push(sql!(" AND image_members.member = ?", member_id));
    db.fetch_optional(select).await?.as_ref().map(read).transpose()
}

fn selection(image_id: &str, who: &Identity) -> Sql {
    let mut select = Sql::new(format!(
        "SELECT {COLUMNS} FROM image_members JOIN images ON images.id = image_members.image_id \
         WHERE +image_members.deleted = ? AND image_members.image_id = ?"
    ))
    .bind(false)
    .bind(image_id);
    if !who.is_admin {
        let project = who.project_id.as_ref();
        select.push(sql!(" AND (images.owner = ? OR image_members.member = ?)", project, project));
    }
    select
}

/// What became of adding a member.
#[derive(Clone, Debug)]
pub enum Added {
    /// It is one now.
    Member(Member),
    /// It would have been one too many.
    TooMany {
        /// How many there would have been.
        attempted: i64,
    },
}

/// Makes `member_id` a pending member of `image_id`, which may have up to `most` members.
///
/// # Errors
/// `Duplicate` when it is a member already.
pub async fn add(
    db: &Db,
    image_id: &str,
    member_id: &str,
    most: Option<i64>,
    now: Timestamp,
) -> Result<Added, DbError> {
    let member = Member {
        id: None,
        image_id: image_id.to_owned(),
        member_id: member_id.to_owned(),
        status: MemberStatus::Pending,
        created_at: now,
        updated_at: Some(now),
    };
    if db.execute_in_turn(image_id, vec![insertion(&member, most)]).await? == [1] {
        return Ok(Added::Member(member));
    }
    add_by_what_is_there(db, member, most).await
}

/// The same in the rarer cases, in which something stands in the way, or may do so.
async fn add_by_what_is_there(db: &Db, member: Member, most: Option<i64>) -> Result<Added, DbError> {
    let member = &member;
    db.write(|tx| async move {
        let (image_id, mut member) = (&member.image_id, member.clone());
        tx.take_turn(image_id).await?;
        let count = sql!("SELECT COUNT(*) FROM image_members WHERE image_id = ? AND +deleted = ?", image_id, false);
        let known = sql!(
            "SELECT id, deleted, created_at FROM image_members WHERE image_id = ? AND member = ? ORDER BY deleted, id",
            image_id,
            &member.member_id
        );
        let [count, known] = tx.fetch_each([count, known]).await?;
        let attempted = count.first().map_or(Ok(0), |row| row.get::<i64>(0))? + 1;
        if most.is_some_and(|most| attempted > most) {
            return Ok(Added::TooMany { attempted });
        }
        match known.first() {
            Some(row) if !row.get::<bool>(1)? => return Err(DbError::Duplicate),
            Some(row) => {
                member.created_at = row.get(2)?;
                tx.finally(vec![sql!(
                    "UPDATE image_members SET status = 'pending', deleted = ?, deleted_at = ?, updated_at = ? \
                     WHERE id = ?",
                    false,
                    None::<Timestamp>,
                    member.updated_at,
                    row.get::<i64>(0)?
                )]);
            }
            None => tx.finally(vec![insertion(&member, most)]),
        }
        Ok(Added::Member(member))
    })
    .await
}

/// More members than any image has.
const ANY_NUMBER: i64 = 1 << 40;

/// What writes a new `member`, if it never was one, and the image has fewer than `most`: one look, for whoever was one counts as many.
fn insertion(member: &Member, most: Option<i64>) -> Sql {
    let Member { image_id, member_id, created_at, .. } = member;
    let most = most.unwrap_or(ANY_NUMBER);
    sql!(
        "INSERT INTO image_members (image_id, member, can_share, status, created_at, updated_at, deleted) \
         SELECT ?, ?, ?, 'pending', ?, ?, ? WHERE COALESCE((SELECT SUM(CASE WHEN member = ? THEN ? WHEN deleted THEN 0 ELSE 1 END) \
         FROM image_members WHERE image_id = ?), 0) < ?",
        image_id,
        member_id,
        false,
        *created_at,
        *created_at,
        false,
        member_id,
        most,
        image_id,
        most
    )
}

/// Writes what a member said. False when it is no member any more.
///
/// # Errors
/// When the database fails.
pub async fn set_status(db: &Db, member: &Member, status: MemberStatus, now: Timestamp) -> Result<bool, DbError> {
    let update = sql!(
        "UPDATE image_members SET status = ?, updated_at = ? WHERE id = ? AND deleted = ?",
        status.as_str(),
        now,
        member.id,
        false
    );
    Ok(db.execute(update).await? == 1)
}

/// Removes a member. False when it is none any more.
///
/// # Errors
/// When the database fails.
pub async fn remove(db: &Db, member: &Member, now: Timestamp) -> Result<bool, DbError> {
    let remove = sql!(
        "UPDATE image_members SET deleted = ?, deleted_at = ?, updated_at = ? WHERE id = ? AND deleted = ?",
        true,
        now,
        now,
        member.id,
        false
    );
    Ok(db.execute(remove).await? == 1)
}

fn read(row: &Row) -> Result<Member, DbError> {
    let status: String = row.get(3)?;
    Ok(Member {
        id: row.get(0)?,
        image_id: row.get(1)?,
        member_id: row.get(2)?,
        status: status.parse::<MemberStatus>().map_err(|error| DbError::Unreadable(error.to_string()))?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
    })
}
