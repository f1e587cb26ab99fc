//! Taking rows away that were deleted long ago: which go, in which order, and what keeps them.

use std::fmt::Write;
use std::path::Path;

use chrono::{DateTime, Utc};
use glint::db::Db;
use glint::db::purge::{PurgeError, Purged};
use rusqlite::Connection;
use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::callers::MEMBER;

const OLD: &str = "2020-01-01 00:00:00.000000";
const YOUNG: &str = "2024-01-01 00:00:00.000000";

fn line() -> DateTime<Utc> {
    "2023-01-01T00:00:00Z".parse().unwrap()
}

/// `count` images, each with a row in every table that refers to it, and as many tasks; all deleted at `deleted_at`.
fn fill(file: &Path, name: &str, count: usize, deleted_at: &str) {
    let mut script = String::from("BEGIN;");
    for at in 0..count {
        let (image, times) = (format!("{name}-{at}"), format!("'{OLD}', '{OLD}', '{deleted_at}', 1"));
        write!(
            script,
            "INSERT INTO images (id, status, created_at, updated_at, deleted_at, deleted, min_disk, min_ram) \
             VALUES ('{image}', 'deleted', {times}, 0, 0);
             INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted_at, deleted) \
             VALUES ('{image}', 'p', 'v', {times});
             INSERT INTO image_tags (image_id, value, created_at, updated_at, deleted_at, deleted) \
             VALUES ('{image}', 't', {times});
             INSERT INTO image_locations (image_id, value, created_at, updated_at, deleted_at, deleted) \
             VALUES ('{image}', 'file:///x', {times});
             INSERT INTO image_members (image_id, member, can_share, created_at, updated_at, deleted_at, deleted) \
             VALUES ('{image}', 'm', 0, {times});
             INSERT INTO tasks (id, type, status, owner, created_at, updated_at, deleted_at, deleted) \
             VALUES ('{image}', 'import', 'success', 'o', {times});
             INSERT INTO task_info (task_id) VALUES ('{image}');"
        )
        .unwrap();
    }
    script.push_str("COMMIT");
    Connection::open(file).unwrap().execute_batch(&script).unwrap();
}

fn ask(file: &Path, sql: &str) -> i64 {
    Connection::open(file).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn rows(purged: &[Purged]) -> Vec<(&'static str, u64)> {
    purged.iter().map(|purged| (purged.table, purged.rows)).collect()
}

fn each(count: u64) -> Vec<(&'static str, u64)> {
    let tables = ["image_properties", "image_tags", "image_locations", "image_members", "task_info", "tasks"];
    tables.into_iter().map(|table| (table, count)).collect()
}

#[tokio::test]
async fn the_oldest_go_first_and_the_young_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.sqlite");
    let db = Db::open_sqlite(&file).await.unwrap();
    fill(&file, "old", 603, OLD);
    fill(&file, "older", 2, "2019-01-01 00:00:00.000000");
    fill(&file, "young", 3, YOUNG);
    // As the reference leaves a property that was taken off and set again.
    Connection::open(&file)
        .unwrap()
        .execute_batch("UPDATE image_properties SET deleted = 0 WHERE image_id = 'old-7'")
        .unwrap();

    assert_eq!(rows(&db.purge(line(), Some(2)).await.unwrap()), each(2));
    assert_eq!(ask(&file, "SELECT COUNT(*) FROM tasks WHERE id GLOB 'older-*'"), 0);
    assert_eq!(rows(&db.purge(line(), Some(0)).await.unwrap()), each(0));
    let mut all = each(603);
    all[0].1 -= 1;
    assert_eq!(rows(&db.purge(line(), None).await.unwrap()), all);
    assert_eq!(rows(&db.purge(line(), None).await.unwrap()), each(0));
    assert_eq!(ask(&file, "SELECT COUNT(*) FROM image_properties"), 4);
    assert_eq!(ask(&file, "SELECT COUNT(*) FROM task_info"), 3);
    assert_eq!(ask(&file, "SELECT COUNT(*) FROM images"), 608);

    let Err(PurgeError::Needed(image)) = db.purge_images(line(), None).await else { panic!("a property is left") };
    assert_eq!(image, "old-7");
    Connection::open(&file).unwrap().execute_batch("DELETE FROM image_properties WHERE image_id = 'old-7'").unwrap();
    db.purge_images(line(), None).await.unwrap();
    assert_eq!(ask(&file, "SELECT COUNT(*) FROM images"), 3);
    assert_eq!(ask(&file, "SELECT COUNT(*) FROM glint_purged_images"), 605);
    db.close().await;
}

/// More than are chosen at once.
#[tokio::test]
async fn many_rows_in_several_rounds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.sqlite");
    let db = Db::open_sqlite(&file).await.unwrap();
    fill(&file, "old", 2_101, OLD);
    assert_eq!(rows(&db.purge(line(), Some(2_100)).await.unwrap()), each(2_100));
    assert_eq!(rows(&db.purge(line(), Some(2_100)).await.unwrap()), each(1));
    db.close().await;
}

/// Nobody gets the id of an image that was purged, whoever else has had it meanwhile.
#[tokio::test]
async fn ids_of_purged_images_are_not_free() {
    let app = TestApp::new().await;
    let id = "0fc56bb7-0000-4000-8000-000000000001";
    let purge = async || {
        let later = app.clock.now() + chrono::TimeDelta::days(1);
        app.app.db.purge(later, None).await.unwrap();
        app.app.db.purge_images(later, None).await.unwrap().rows
    };
    assert_eq!(app.create(MEMBER, json!({"id": id, "tags": ["a"], "p": "v"})).await, id);
    let again = || app.request(MEMBER, "POST", "/v2/images").json(&json!({"id": id, "name": "other"})).send();
    for step in ["there", "deleted", "purged", "given away by the reference, deleted and purged"] {
        match step {
            "deleted" => {
                let deleted = app.request(MEMBER, "DELETE", &format!("/v2/images/{id}")).send().await;
                assert_eq!(deleted.status, 204);
            }
            "purged" => assert_eq!(purge().await, 1),
            "there" => {}
            _ => {
                let times = format!("'{OLD}', '{OLD}', '{OLD}', TRUE");
                app.row(&format!(
                    "INSERT INTO images (id, status, created_at, updated_at, deleted_at, deleted, min_disk, min_ram, \
                     protected, os_hidden) VALUES ('{id}', 'deleted', {times}, 0, 0, FALSE, FALSE)"
                ))
                .await;
                assert_eq!(purge().await, 1);
            }
        }
        let answer = again().await;
        assert_eq!(answer.status, 409, "{step}");
        assert!(answer.text().contains(&format!("Image ID {id} already exists!")), "{step}: {}", answer.text());
    }
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.status, 404);
    app.create(MEMBER, json!({"id": "0fc56bb7-0000-4000-8000-000000000002"})).await;
}
