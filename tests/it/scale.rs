//! What many writers and many images cost, counted in statements, steps and commits: no clock is asked.

use std::time::Duration;

use futures_util::future::join_all;
use glint::config::DATABASE_FILE;
use glint::db::Counts;
use rusqlite::Connection;
use serde_json::json;
use tokio::time::timeout;

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, MEMBER};

/// What the database did meanwhile.
async fn counted<T>(app: &TestApp, work: impl Future<Output = T>) -> (T, Counts) {
    let before = app.app.db.counts();
    let done = work.await;
    let after = app.app.db.counts();
    let counts = Counts {
        statements: after.statements - before.statements,
        steps: after.steps - before.steps,
        commits: after.commits - before.commits,
    };
    (done, counts)
}

/// 64 writers at once: every one is answered, none with an error, and they share their commits.
#[tokio::test]
async fn writers_share_commits() {
    const WRITERS: usize = 64;
    const EACH: usize = 4;
    let app = TestApp::new().await;
    let writers = (0..WRITERS).map(|writer| {
        let app = &app;
        async move {
            let mut ids = Vec::new();
            for at in 0..EACH {
                let image = json!({"name": format!("{writer}-{at}"), "os_distro": "debian", "tags": ["a", "b"]});
                ids.push(app.create(MEMBER, image).await);
            }
            ids
        }
    });
    let (ids, counts) = counted(&app, join_all(writers)).await;
    let created = (WRITERS * EACH) as u64;
    assert!(counts.commits * 8 <= created, "{} commits for {created} images", counts.commits);
    for id in ids.iter().flatten() {
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json()["os_distro"], "debian");
    }
}

/// A writer alone has a commit of its own.
#[tokio::test]
async fn a_writer_alone_commits_at_once() {
    let app = TestApp::new().await;
    let (_, counts) = counted(&app, app.create(MEMBER, json!({"name": "alone"}))).await;
    assert_eq!(counts.commits, 1);
}

/// Work that fails leaves nothing, and does not take with it what shares its commit.
#[tokio::test]
async fn failures_leave_their_neighbours_alone() {
    const TAKEN: &str = "5c1d1f1e-0000-4000-8000-000000000001";
    let app = TestApp::new().await;
    app.create(MEMBER, json!({"id": TAKEN, "name": "first"})).await;
    let writers = (0..64).map(|writer| {
        let app = &app;
        async move {
            let image = match writer % 2 {
                0 => json!({"name": "good", "tags": ["good"]}),
                _ => json!({"id": TAKEN, "name": "bad", "tags": ["bad"], "bad": "bad"}),
            };
            app.request(MEMBER, "POST", "/v2/images").json(&image).send().await.status
        }
    });
    let statuses = join_all(writers).await;
    for (writer, status) in statuses.into_iter().enumerate() {
        assert_eq!(status, if writer % 2 == 0 { 201 } else { 409 }, "writer {writer}");
    }
    let images = app.get(MEMBER, "/v2/images?limit=1000").await.json();
    let count = |name: &str| images["images"].as_array().unwrap().iter().filter(|image| image["name"] == name).count();
    assert_eq!((count("first"), count("good"), count("bad")), (1, 32, 0));
    let first = app.get(MEMBER, &format!("/v2/images/{TAKEN}")).await.json();
    assert_eq!((&first["tags"], first.get("bad")), (&json!([]), None));
}

/// How many statements a request needs: (what, path, statements).
#[tokio::test]
async fn statements_a_request() {
    let app = TestApp::new().await;
    let mut last = String::new();
    for at in 0..30 {
        let image = json!({"name": format!("{at:02}"), "visibility": "public", "a": "1", "b": "2", "tags": ["x", "y"]});
        last = app.create(ADMIN, image).await;
    }
    let cases = [
        ("show: the image, properties, tags, locations", format!("/v2/images/{last}"), 4),
        ("show: not found", "/v2/images/5c1d1f1e-0000-4000-8000-000000000001".into(), 4),
        ("list", "/v2/images?limit=25".into(), 4),
        ("list of one", "/v2/images?limit=1".into(), 4),
        ("list of none: no children are asked for", "/v2/images?name=none".into(), 1),
    ];
    for (what, path, statements) in cases {
        let (_, counts) = counted(&app, app.get(MEMBER, &path)).await;
        assert_eq!(counts.statements, statements, "{what}");
    }
}

/// What another process has begun to write is waited for.
#[tokio::test]
async fn another_process_may_write() {
    let app = TestApp::new().await;
    let other = Connection::open(app.folder().join(DATABASE_FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE glint_schema SET step = step").unwrap();
    let creating = app.create(MEMBER, json!({"name": "patient"}));
    let committing = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        other.execute_batch("COMMIT").unwrap();
    };
    let (id, ()) = tokio::join!(creating, committing);
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.status, 200);
}

/// Callers that hang up in the middle of reading and writing leave nothing half done, and nobody waiting.
#[tokio::test]
async fn callers_may_hang_up() {
    let app = TestApp::new().await;
    let hasty = (0..200).map(|at| {
        let app = &app;
        async move {
            let image = json!({"name": "hasty", "a": "1", "b": "2", "tags": ["x", "y"]});
            let both = async {
                app.create(MEMBER, image).await;
                app.get(MEMBER, "/v2/images?limit=1000").await;
            };
            timeout(Duration::from_micros(at * 100), both).await.is_err()
        }
    });
    let hung_up = join_all(hasty).await.into_iter().filter(|hung_up| *hung_up).count();
    assert!(hung_up > 0, "nobody was hasty enough");
    app.create(MEMBER, json!({"name": "last"})).await;
    let page = app.get(MEMBER, "/v2/images?limit=1000").await.json();
    let images = page["images"].as_array().unwrap();
    assert_eq!(images[0]["name"], "last");
    for image in &images[1..] {
        assert_eq!((&image["a"], &image["b"], image["tags"].as_array().unwrap().len()), (&json!("1"), &json!("2"), 2));
    }
}
