//! Lists of more images than are looked at in one stretch: whichever way a page is found, it is the same.

use std::collections::HashSet;

use serde_json::Value;

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, Caller, MEMBER, OTHER};

/// More than two stretches of a small page, and hardly more than one of a long one.
const IMAGES: usize = 2_400;

/// Images of which many meet a condition, and many are seen, but few of those that are seen first do.
async fn warehouse() -> TestApp {
    let app = TestApp::new().await;
    let (mut images, mut properties, mut tags, mut members) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for i in 0..IMAGES {
        let id = id(i);
        // Several images have the same time, name and size.
        let at = format!("2024-01-01 {:02}:{:02}:00.000000", i / 300, i / 5 % 60);
        let name = if i % 9 == 4 { "NULL".to_owned() } else { format!("'name-{}'", i * 37 % 400) };
        let size = if i % 7 == 3 { "NULL".to_owned() } else { (i * 61 % 500).to_string() };
        let owner = ["p1", "p2", "somebody"][if i < 1400 { 2 } else { i % 3 }];
        let visibility = match i {
            100..700 => "public",
            _ => ["shared", "private", "shared", "community", "shared"][i % 5],
        };
        let status = match i {
            _ if is_killed(i) => "killed",
            900..1300 => "queued",
            _ if i % 10 == 3 => "queued",
            _ => "active",
        };
        let format = if i % 4 == 1 { "NULL" } else { "'raw'" };
        images.push(format!(
            "('{id}', {name}, {size}, '{status}', '{at}', '{at}', false, {format}, 'bare', '{owner}', 0, 0, false, \
             '{visibility}', false)"
        ));
        properties.push(format!("('{id}', 'third', '{}', '{at}', false)", i % 3));
        properties.push(format!("('{id}', 'half', '{}', '{at}', {})", i % 2, i % 5 == 1));
        let tag = if (600..1650).contains(&i) { "middle" } else { "ends" };
        tags.push(format!("('{id}', '{tag}', '{at}', false)"));
        if i % 40 == 7 {
            tags.push(format!("('{id}', 'rare', '{at}', false)"));
        }
        if i % 50 == 0 {
            members.push(format!("('{id}', 'p1', false, 'accepted', '{at}', false)"));
        }
    }
    let columns = "id, name, size, status, created_at, updated_at, deleted, disk_format, container_format, owner, min_disk, \
         min_ram, protected, visibility, os_hidden";
    for (table, columns, rows) in [
        ("images", columns, images),
        ("image_properties", "image_id, name, value, created_at, deleted", properties),
        ("image_tags", "image_id, value, created_at, deleted", tags),
        ("image_members", "image_id, member, can_share, status, created_at, deleted", members),
    ] {
        app.row(&format!("INSERT INTO {table} ({columns}) VALUES {}", rows.join(", "))).await;
    }
    app
}

/// Whether this one was killed, as old releases did with an upload that failed: no list has it.
fn is_killed(i: usize) -> bool {
    i % 97 == 11
}

/// Ids are in no order that anything else is in.
fn id(i: usize) -> String {
    format!("{:08x}-0000-4000-8000-{i:012}", i * 2_654_435_761 % (1 << 32))
}

/// The ids on a page.
async fn ids(app: &TestApp, caller: Caller, query: &str) -> Vec<String> {
    let page = app.get(caller, &format!("/v2/images?{query}")).await;
    assert_eq!(page.status, 200, "{query}: {}", page.text());
    let id = |image: &Value| image["id"].as_str().unwrap().to_owned();
    page.json()["images"].as_array().unwrap().iter().map(id).collect()
}

/// All that a list has, in long pages.
async fn whole(app: &TestApp, caller: Caller, query: &str) -> Vec<String> {
    let mut all = ids(app, caller, &format!("{query}&limit=1000")).await;
    while let Some(last) = all.last().filter(|_| all.len() % 1000 == 0).cloned() {
        let more = ids(app, caller, &format!("{query}&limit=1000&marker={last}")).await;
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    all
}

/// A small page anywhere in a list has what a long one has there. (filter)
#[tokio::test]
async fn small_pages_are_parts_of_long_ones() {
    let app = warehouse().await;
    let killed: HashSet<String> = (0..IMAGES).filter(|i| is_killed(*i)).map(id).collect();
    let filters = [
        "",
        "tag=middle",
        "tag=ends",
        "tag=rare",
        "tag=middle&third=1",
        "half=0&third=1",
        "third=2",
        "status=queued",
        "status=queued&disk_format=raw",
        "size_min=100&size_max=480",
        "tag=middle&size_min=200",
        "created_at=lt:2024-01-01T04:00:00Z",
        "tag=ends&created_at=gt:2024-01-01T01:00:00Z",
        "visibility=public",
        "visibility=public&tag=middle",
        "visibility=shared&third=0",
        "visibility=all&tag=middle",
        "owner=p1",
        "owner=somebody&third=1",
        "min_ram=0",
        "min_ram=1",
    ];
    let orders = [
        "sort=created_at:desc",
        "sort=created_at:asc",
        "sort=name:asc",
        "sort=name:desc",
        "sort=size:asc",
        "sort=size:desc",
        "sort=id:asc",
        "sort=disk_format:asc",
        "sort=status:desc",
        "sort=updated_at:desc",
        "sort=name:asc,size:desc",
    ];
    for (at, filter) in filters.into_iter().enumerate() {
        for caller in [MEMBER, [ADMIN, OTHER][at % 2]] {
            // Each filter in the usual order, and in some of the others.
            for order in [at % 2, 2 + at % 9, 2 + (at * 4 + 5) % 9] {
                let query = format!("{}&{filter}", orders[order]);
                let whole = whole(&app, caller, &query).await;
                assert!(!whole.iter().any(|id| killed.contains(id)), "{} ?{query}", caller.name);
                assert!(at != 0 || whole.len() > 600, "{} sees {}", caller.name, whole.len());
                for (begin, limit) in [(0, 3), (whole.len() / 3, 2), (whole.len().saturating_sub(2), 4)] {
                    let mut page = format!("{query}&limit={limit}");
                    if let Some(last) = begin.checked_sub(1).map(|last| &whole[last]) {
                        page = format!("{page}&marker={last}");
                    }
                    let expected = &whole[begin..whole.len().min(begin + limit)];
                    assert_eq!(ids(&app, caller, &page).await, expected, "{} ?{page}", caller.name);
                }
            }
        }
    }
}

/// What a list has learnt of its beginning does not show: not when all that was there has gone, nor when it is back. (order, filter,
/// which images go)
#[tokio::test]
async fn beginnings_change() {
    let app = warehouse().await;
    let cases = [
        ("sort=created_at:desc", "third=2", "created_at > '2024-01-01 03:00:00'"),
        ("sort=created_at:asc", "half=0", "created_at < '2024-01-01 05:00:00'"),
        ("sort=created_at:desc", "tag=ends&third=1", "created_at > '2024-01-01 05:00:00'"),
        ("sort=name:asc", "tag=ends", "name IS NULL OR name < 'name-3'"),
        ("sort=size:desc", "", "size > 100 OR size IS NULL"),
        ("sort=disk_format:desc", "status=active", "created_at > '2024-01-01 04:00:00'"),
    ];
    for (order, filter, going) in cases {
        let (query, mut seen) = (format!("{order}&{filter}"), HashSet::new());
        for gone in ["false", "true", "false"] {
            app.row(&format!("UPDATE images SET deleted = {gone} WHERE {going}")).await;
            for caller in [MEMBER, ADMIN] {
                let page = ids(&app, caller, &format!("{query}&limit=3")).await;
                assert_eq!(page, whole(&app, caller, &query).await[..3], "{} ?{query}, gone: {gone}", caller.name);
                seen.insert((caller.name, page));
            }
        }
        assert_eq!(seen.len(), 4, "?{query}");
    }
}
