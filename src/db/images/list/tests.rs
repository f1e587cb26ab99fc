//! How SQLite says it will find the images of a list (`EXPLAIN QUERY PLAN`), with and without statistics.

use super::{Killed, Place, Query, Stretch, Way, beforehand, end, keyset, look, statement, ways};
use crate::clock::Clock;
use crate::db::dialect::Dialect;
use crate::db::images::IdBy;
use crate::db::{Db, Sql, sql};
use crate::model::filter::{Condition, Direction, ImageFilter, SortKey, TextColumn, WantedVisibility};
use crate::model::identity::Identity;
use crate::model::image::{Image, Visibility};
use crate::model::lifecycle::Status;

/// A database of a few images; with statistics, if wanted.
async fn database(folder: &tempfile::TempDir, analyzed: bool) -> Db {
    let db = Db::open_sqlite(&folder.path().join("plan.sqlite")).await.unwrap();
    for number in 0..50 {
        let mut image = image();
        image.id = format!("id-{number}");
        for text in [&mut image.name, &mut image.checksum, &mut image.os_hash_value] {
            *text = Some(number.to_string());
        }
        image.properties.insert("number".into(), number.to_string());
        if number < 2 {
            image.tags.insert("rare".into());
        }
        crate::db::images::insert(&db, &image, IdBy::Chance, None).await.unwrap();
    }
    if analyzed {
        db.execute(sql!("ANALYZE")).await.unwrap();
    }
    db
}

fn image() -> Image {
    let now = Clock::default().now();
    Image {
        id: "id-7".into(),
        name: Some("name".into()),
        status: Status::Queued,
        visibility: Visibility::Public,
        owner: Some("owner".into()),
        container_format: None,
        disk_format: Some("raw".into()),
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        min_disk: 0,
        min_ram: 0,
        protected: false,
        os_hidden: false,
        created_at: now,
        updated_at: Some(now),
        properties: std::collections::BTreeMap::new(),
        tags: std::collections::BTreeSet::new(),
        locations: Vec::new(),
    }
}

/// Where such an image stands if it has this size.
fn place(sort: &[(SortKey, Direction)], size: Option<i64>) -> Place {
    let Image { id, name, status, container_format, disk_format, created_at, updated_at, .. } = image();
    let value = |key| match key {
        SortKey::Name => name.as_ref().into(),
        SortKey::Status => status.as_str().into(),
        SortKey::ContainerFormat => container_format.as_ref().into(),
        SortKey::DiskFormat => disk_format.as_ref().into(),
        SortKey::Size => size.into(),
        SortKey::Id => (&id).into(),
        SortKey::CreatedAt => created_at.into(),
        SortKey::UpdatedAt => updated_at.into(),
    };
    Place(sort.iter().map(|&(key, _)| (key, value(key))).collect())
}

fn member() -> Identity {
    Identity { project_id: Some("owner".into()), ..Identity::default() }
}

fn admin() -> Identity {
    Identity { is_admin: true, ..member() }
}

/// The plan of a page, a line a step.
async fn plan(db: &Db, filter: &ImageFilter, who: &Identity, sort: &[(SortKey, Direction)], after: bool) -> String {
    let sort = keyset::total(sort);
    let (asked, caller, order) = (filter.clone(), who.clone(), sort.to_vec());
    let found = db.read(move |reading| {
        let ways = ways(query(&asked, &caller, &order));
        Ok(beforehand(&asked, &ways).or(look(reading, &ways, 30)?).unwrap_or(Way::InOrder))
    });
    let stretch = Stretch { after: after.then(|| place(sort, None)), ..all() };
    let found = found.await.unwrap();
    explained(db, statement(query(filter, who, sort), &stretch, &found, Killed::Perhaps).unwrap()).await
}

fn query<'a>(filter: &'a ImageFilter, who: &'a Identity, sort: &'a [(SortKey, Direction)]) -> Query<'a> {
    Query { dialect: Dialect::Sqlite, filter, who, sort }
}

/// The first page of everything.
fn all() -> Stretch {
    Stretch { after: None, until: None, limit: 25 }
}

async fn explained(db: &Db, statement: Sql) -> String {
    let mut explain = Sql::new("EXPLAIN QUERY PLAN ");
    explain.push(statement);
    let rows = db.fetch_all(explain).await.unwrap();
    rows.iter().map(|row| row.get::<String>(3).unwrap()).collect::<Vec<_>>().join("\n")
}

fn usual(direction: Direction) -> Vec<(SortKey, Direction)> {
    vec![(SortKey::CreatedAt, direction), (SortKey::Id, direction)]
}

/// Every order that has one key is that of an index, for everybody, on the first page and on later ones. Only what is
/// shared with the caller is sorted.
#[tokio::test]
async fn orders() {
    for analyzed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder, analyzed).await;
        for (key, name) in SortKey::ALL {
            for direction in [Direction::Ascending, Direction::Descending] {
                for (who, after) in [(member(), false), (member(), true), (admin(), false), (admin(), true)] {
                    let mut sort = usual(direction);
                    sort.retain(|(tail, _)| *tail != key);
                    sort.insert(0, (key, direction));
                    let plan = plan(&db, &ImageFilter::default(), &who, &sort, after).await;
                    let case = format!("{name} {direction:?}, after a marker: {after}:\n{plan}");
                    assert!(!plan.contains("SCAN images"), "{case}");
                    let shared = plan.matches("images_1 (id=?)").count();
                    assert_eq!(plan.matches("TEMP B-TREE FOR ORDER BY").count(), shared, "{case}");
                    let by_index = plan.matches("SEARCH images USING INDEX glint_images_").count();
                    assert_eq!(plan.matches("SEARCH images ").count(), by_index + shared, "{case}");
                    if after && !matches!(key, SortKey::ContainerFormat | SortKey::Size) {
                        assert!(
                            plan.contains("<(?,")
                                || plan.contains(">(?,")
                                || plan.contains("id<?)")
                                || plan.contains("id>?)"),
                            "{case}"
                        );
                    }
                }
            }
        }
    }
}

/// (condition, whose list, what finds the images)
#[tokio::test]
async fn filters() {
    let text = |column, value: &str| Condition::TextIn(column, vec![value.to_owned()]);
    let name = || text(TextColumn::Name, "7");
    let cases = [
        (name(), member(), "glint_images_name (deleted=? AND os_hidden=? AND name=?)"),
        (name(), admin(), "glint_images_name (deleted=? AND os_hidden=? AND name=?)"),
        (text(TextColumn::Id, "id-7"), member(), "sqlite_autoindex_images_1 (id=?)"),
        (Condition::TextIn(TextColumn::Id, vec!["a".into(), "b".into()]), member(), "sqlite_autoindex_images_1 (id=?)"),
        (text(TextColumn::Checksum, "0"), member(), "checksum_image_idx (checksum=?)"),
        (text(TextColumn::OsHashValue, "0"), admin(), "os_hash_value_image_idx (os_hash_value=?)"),
        (text(TextColumn::Owner, "owner"), admin(), "glint_images_owner (owner=? AND deleted=? AND os_hidden=?)"),
        (text(TextColumn::Status, "queued"), admin(), "glint_images_status (deleted=? AND os_hidden=? AND status=?)"),
        (
            text(TextColumn::DiskFormat, "raw"),
            admin(),
            "glint_images_disk_format (deleted=? AND os_hidden=? AND disk_format=?)",
        ),
        (Condition::Tag("rare".into()), member(), "sqlite_autoindex_images_1 (id=?)"),
        (Condition::Property("number".into(), "7".into()), member(), "sqlite_autoindex_images_1 (id=?)"),
        (
            text(TextColumn::Status, "queued"),
            member(),
            "glint_images_visibility (visibility=? AND deleted=? AND os_hidden=?)",
        ),
        (text(TextColumn::Status, "queued"), member(), "glint_images_owner (owner=? AND deleted=? AND os_hidden=?)"),
    ];
    for analyzed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder, analyzed).await;
        for (condition, who, expected) in &cases {
            let filter = ImageFilter { conditions: vec![condition.clone()], ..ImageFilter::default() };
            for after in [false, true] {
                let plan = plan(&db, &filter, who, &usual(Direction::Descending), after).await;
                let case = format!("{condition:?}, after a marker: {after}:\n{plan}");
                assert!(plan.contains(expected.trim_end_matches(')')) && !plan.contains("SCAN images"), "{case}");
            }
        }
    }
}

/// A visibility that is asked for leads the index.
#[tokio::test]
async fn visibilities() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder, false).await;
    for who in [member(), admin()] {
        let visibility = WantedVisibility::Only(Visibility::Public);
        let filter = ImageFilter { visibility, ..ImageFilter::default() };
        let plan = plan(&db, &filter, &who, &usual(Direction::Descending), false).await;
        assert_eq!(
            plan,
            "SEARCH images USING INDEX glint_images_visibility (visibility=? AND deleted=? AND os_hidden=?)"
        );
    }
    let nobody = Identity::default();
    let filter = ImageFilter { visibility: WantedVisibility::Only(Visibility::Private), ..ImageFilter::default() };
    let sort = usual(Direction::Descending);
    assert!(
        statement(query(&filter, &nobody, &sort), &all(), &Way::InOrder, Killed::Perhaps).is_none(),
        "nobody has private images of their own"
    );
}

/// Where many images have a tag or a property, each is asked for it in the order of the list. (condition, how it is asked)
#[tokio::test]
async fn what_many_have() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder, false).await;
    let cases = [
        (Condition::Tag("all".into()), "COVERING INDEX glint_image_tags_value (value=? AND deleted=? AND image_id=?)"),
        (
            Condition::Property("a".into(), "b".into()),
            "INDEX sqlite_autoindex_image_properties_1 (image_id=? AND name=?)",
        ),
    ];
    for (condition, expected) in cases {
        let filter = ImageFilter { conditions: vec![condition], ..ImageFilter::default() };
        let sort = usual(Direction::Descending);
        let in_order = statement(query(&filter, &member(), &sort), &all(), &Way::InOrder, Killed::Perhaps);
        let plan = explained(&db, in_order.unwrap()).await;
        assert_eq!(plan.matches(expected).count(), 3, "{plan}");
        assert!(!plan.contains("SCAN images"), "{plan}");
    }
}

/// A stretch is a range of the index in each order, and its end is found in that index alone.
#[tokio::test]
async fn stretches() {
    for analyzed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder, analyzed).await;
        for (key, name) in SortKey::ALL {
            for (direction, ends) in [(Direction::Ascending, "<"), (Direction::Descending, ">")] {
                let mut sort = usual(direction);
                sort.retain(|(tail, _)| *tail != key);
                sort.insert(0, (key, direction));
                let sort = keyset::total(&sort);
                for (who, after) in [(member(), false), (member(), true), (admin(), false), (admin(), true)] {
                    // One has a size, the other has none: NULL comes first in ascending order.
                    let (first, last) = match direction {
                        Direction::Ascending => (place(sort, None), place(sort, Some(5))),
                        Direction::Descending => (place(sort, Some(5)), place(sort, None)),
                    };
                    let stretch = Stretch { after: after.then_some(first), until: Some(last), limit: 25 };
                    let filter = ImageFilter::default();
                    let query = query(&filter, &who, sort);
                    let page = statement(query, &stretch, &Way::InOrder, Killed::Perhaps).unwrap();
                    let page = explained(&db, page).await;
                    let end = end(query, &stretch, 9).unwrap();
                    let end = explained(&db, end).await;
                    let case = format!("{name} {direction:?}, {who:?}:\n{page}\n{end}");
                    assert!(page.contains(&format!("{ends}(?,")) || page.contains(&format!("id{ends}?")), "{case}");
                    assert!(end.contains("SEARCH images USING COVERING INDEX glint_images_"), "{case}");
                    assert!(!page.contains("SCAN images") && !end.contains("SCAN images"), "{case}");
                }
            }
        }
    }
}
