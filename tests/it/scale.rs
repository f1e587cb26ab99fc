//! What many writers and many images cost, counted in statements, steps and commits: no clock is asked. Servers do not tell
//! their steps, and do not share commits by our doing: what is about these is for SQLite.

use std::time::Duration;

use futures_util::future::join_all;
use glint::config::DATABASE_FILE;
use glint::db::Counts;
use rusqlite::Connection;
use serde_json::json;
use tokio::time::timeout;

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, MEMBER, OTHER};
use crate::harness::database::{Engine, engine};

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

/// 64 writers at once: every one is answered, none with an error, and they share their commits. They come while another process
/// has the database, so that all of them wait.
#[tokio::test]
async fn writers_share_commits() {
    const WRITERS: usize = 64;
    if engine() != Engine::Sqlite {
        return;
    }
    let app = TestApp::new().await;
    let other = Connection::open(app.folder().join(DATABASE_FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let images = (0..WRITERS).map(|at| json!({"name": at.to_string(), "os_distro": "debian", "tags": ["a", "b"]}));
    let mut writers = Box::pin(join_all(images.map(|image| app.create(MEMBER, image))));
    let (ids, counts) = counted(&app, async {
        assert!(timeout(Duration::from_secs(1), &mut writers).await.is_err(), "somebody wrote beside another process");
        other.execute_batch("ROLLBACK").unwrap();
        writers.await
    })
    .await;
    assert!(counts.commits * 8 <= WRITERS as u64, "{} commits for {WRITERS} images", counts.commits);
    for id in &ids {
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

/// How many statements a request needs: (what, path, statements of SQLite, of a server, where each is a trip).
#[tokio::test]
async fn statements_a_request() {
    let app = TestApp::new().await;
    let mut last = String::new();
    for at in 0..30 {
        let image = json!({"name": format!("{at:02}"), "visibility": "public", "a": "1", "b": "2", "tags": ["x", "y"]});
        last = app.create(ADMIN, image).await;
    }
    let cases = [
        ("show", format!("/v2/images/{last}"), 2, 1),
        ("show: not found", "/v2/images/5c1d1f1e-0000-4000-8000-000000000001".into(), 1, 2),
        ("list: the images, and all that belongs to them", "/v2/images?limit=25".into(), 2, 1),
        ("list of one", "/v2/images?limit=1".into(), 2, 1),
        ("list of none: no children are asked for", "/v2/images?name=none".into(), 1, 1),
        ("list: the marker first", format!("/v2/images?limit=25&marker={last}"), 3, 2),
        ("list: whether few images have the tag first", "/v2/images?limit=25&tag=x".into(), 3, 2),
    ];
    for (what, path, of_sqlite, of_server) in cases {
        let (_, counts) = counted(&app, app.get(MEMBER, &path)).await;
        let statements = if engine() == Engine::Sqlite { of_sqlite } else { of_server };
        assert_eq!(counts.statements, statements, "{what}");
    }
}

/// An image has as many properties and tags as it was given, however many of them one statement inserts.
#[tokio::test]
async fn children_in_any_number() {
    let app = TestApp::new().await;
    for count in [0, 1, 2, 15, 16, 17, 32, 33, 100] {
        let names: Vec<String> = (0..count).map(|at| format!("p{at:03}")).collect();
        let mut image = json!({ "tags": names });
        for name in &names {
            image[name] = json!(format!("value of {name}"));
        }
        let id = app.create(MEMBER, image).await;
        let listed = app.get(MEMBER, &format!("/v2/images?id={id}")).await.json()["images"][0].take();
        for shown in [app.get(MEMBER, &format!("/v2/images/{id}")).await.json(), listed] {
            assert_eq!(shown["tags"].as_array().unwrap().len(), count, "{shown}");
            assert!(names.iter().all(|name| shown[name] == format!("value of {name}")), "{shown}");
        }
    }
}

/// What belongs to an image is shown as it was given, whatever characters are in it.
#[tokio::test]
async fn children_of_any_characters() {
    let app = TestApp::new().await;
    let texts = [
        "",
        "\"",
        "\\",
        "\\\"",
        "{\"a\": [1, null]}",
        "a:b,c",
        "\n\t\r",
        "\u{1}\u{1f}\u{7f}",
        "'",
        "äöü",
        "\u{2028}",
        "%_?$1",
    ];
    let mut image = json!({ "tags": texts });
    for (at, text) in texts.into_iter().enumerate() {
        image[format!("p{at}{text}")] = json!(text);
    }
    let id = app.create(MEMBER, image.clone()).await;
    let listed = app.get(MEMBER, &format!("/v2/images?id={id}")).await.json()["images"][0].take();
    for mut shown in [app.get(MEMBER, &format!("/v2/images/{id}")).await.json(), listed] {
        let mut tags: Vec<_> = std::mem::take(shown["tags"].as_array_mut().unwrap());
        tags.sort_by_key(|tag| texts.iter().position(|text| tag == text));
        assert_eq!(json!(tags), json!(texts));
        for (name, value) in image.as_object().unwrap().iter().filter(|(name, _)| *name != "tags") {
            assert_eq!(shown[name], *value, "{name:?}");
        }
    }
}

/// What a request costs does not grow with the images that are there: it may cost half as much again with ten times as
/// many. (what, caller, path)
#[tokio::test]
async fn steps_do_not_grow_with_the_images() {
    if engine() != Engine::Sqlite {
        return;
    }
    let cases = [
        ("show", MEMBER, "/v2/images/00000000-0000-4000-8000-000000000400"),
        ("list", MEMBER, "/v2/images"),
        ("list of an administrator", ADMIN, "/v2/images"),
        ("list of a project that sees few", OTHER, "/v2/images"),
        ("list of a project that sees few, sorted", OTHER, "/v2/images?sort=size:asc"),
        ("list of a project that sees few, filtered", OTHER, "/v2/images?size_min=1&status=active"),
        ("list by a status that no image has", MEMBER, "/v2/images?status=queued"),
        ("list of what nobody owns", MEMBER, "/v2/images?owner=nobody"),
        ("list of what is not so large", MEMBER, "/v2/images?size_min=1000000000000"),
        ("list of what is later", MEMBER, "/v2/images?created_at=gt:2033-11-14T23:00:00Z"),
        ("list of what is earlier", MEMBER, "/v2/images?created_at=lt:2023-11-14T22:13:50Z"),
        ("list by name", MEMBER, "/v2/images?name=name-400"),
        ("list by a common tag", MEMBER, "/v2/images?tag=all"),
        ("list of a project that sees few, by a common tag", OTHER, "/v2/images?tag=all"),
        ("list by a common tag, sorted", MEMBER, "/v2/images?tag=all&sort=name:asc"),
        ("list by a rare tag", MEMBER, "/v2/images?tag=rare"),
        ("list by a common property", MEMBER, "/v2/images?os_distro=debian"),
        ("list by a rare property", MEMBER, "/v2/images?number=400"),
        ("list sorted by name", MEMBER, "/v2/images?sort=name:asc"),
        ("list sorted by size", MEMBER, "/v2/images?sort_key=size"),
        ("list sorted by status", MEMBER, "/v2/images?sort=status"),
        ("a later page", MEMBER, "/v2/images?marker=00000000-0000-4000-8000-000000000040"),
        ("a later page, sorted", MEMBER, "/v2/images?sort=size:asc&marker=00000000-0000-4000-8000-000000000400"),
    ];
    let mut steps = Vec::new();
    for images in [500, 5000] {
        let app = TestApp::new().await;
        seed(&app, images);
        for (at, (what, caller, path)) in cases.into_iter().enumerate() {
            let (answer, counts) = counted(&app, app.get(caller, path)).await;
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
            match steps.get(at) {
                None => steps.push(counts.steps),
                Some(few) => assert!(counts.steps * 2 <= few * 3, "{what}: {few}, then {} steps", counts.steps),
            }
        }
    }
}

/// A page that takes many steps is begun on the thread of the request, broken off, and read whole on another.
#[tokio::test]
async fn what_takes_long_is_read_elsewhere() {
    if engine() != Engine::Sqlite {
        return;
    }
    let app = TestApp::new().await;
    seed(&app, 5000);
    for (limit, statements) in [(25, 2), (1000, 3)] {
        // A connection is opened elsewhere, too.
        app.get(MEMBER, "/v2/images?limit=1").await;
        let (page, counts) = counted(&app, app.get(MEMBER, &format!("/v2/images?limit={limit}"))).await;
        assert_eq!(page.json()["images"].as_array().unwrap().len(), limit);
        assert_eq!(counts.statements, statements, "limit {limit}");
    }
}

/// Writes `images` images, of which half are public or the member's, and few are seen by anybody else.
fn seed(app: &TestApp, images: u32) {
    let rows = format!(
        "CREATE TEMP TABLE seeds AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {images})
           SELECT i, printf('00000000-0000-4000-8000-%012d', i) AS id,
             strftime('%Y-%m-%d %H:%M:%f000', 1700000000 + i, 'unixepoch') AS at FROM n;
         INSERT INTO images (id, name, size, status, created_at, updated_at, deleted, disk_format, container_format, owner,
             min_disk, min_ram, protected, visibility, os_hidden)
           SELECT id, 'name-' || i, i * 1000, 'active', at, at, 0, 'raw', 'bare',
             CASE i % 2 WHEN 0 THEN '{member}' ELSE 'somebody' END, 0, 0, 0,
             CASE WHEN i < 40 THEN 'public' ELSE 'shared' END, 0 FROM seeds;
         INSERT INTO image_properties (image_id, name, value, created_at, deleted)
           SELECT id, 'os_distro', 'debian', at, 0 FROM seeds UNION ALL SELECT id, 'number', i, at, 0 FROM seeds;
         INSERT INTO image_tags (image_id, value, created_at, deleted)
           SELECT id, 'all', at, 0 FROM seeds UNION ALL SELECT id, 'rare', at, 0 FROM seeds WHERE i < 10;
         INSERT INTO image_locations (image_id, value, meta_data, status, created_at, deleted)
           SELECT id, 'file:///store/' || id, '{{}}', 'active', at, 0 FROM seeds;",
        member = MEMBER.project.unwrap()
    );
    Connection::open(app.folder().join(DATABASE_FILE)).unwrap().execute_batch(&rows).unwrap();
}

/// What another process has begun to write is waited for.
#[tokio::test]
async fn another_process_may_write() {
    if engine() != Engine::Sqlite {
        return;
    }
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
    // Where it stands is not said: servers know the time of a creation by the second.
    assert_eq!(images.iter().filter(|image| image["name"] == "last").count(), 1);
    for image in images.iter().filter(|image| image["name"] == "hasty") {
        assert_eq!((&image["a"], &image["b"], image["tags"].as_array().unwrap().len()), (&json!("1"), &json!("2"), 2));
    }
}
