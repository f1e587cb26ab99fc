//! Clients that go away in the middle: what they asked for is done whole, or not at all, and nothing is left half done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use glint::clock::new_uuid;
use glint::config::{Config, Driver, FileStore, HttpStore, StoreConfig};
use glint::db::leases;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::harness::app::{Answer, Ask, PATCH_TYPE, TestApp};
use crate::harness::callers::{ADMIN, MEMBER};
use crate::harness::database::{Engine, engine};
use crate::harness::database_wire::{AtCommit, DatabaseWire};

/// Long enough for an upload to come to where it is held up.
const A_WHILE: Duration = Duration::from_millis(500);

fn ready() -> Value {
    json!({"disk_format": "raw", "container_format": "bare"})
}

async fn shown(app: &TestApp, id: &str) -> Value {
    app.get(MEMBER, &format!("/v2/images/{id}")).await.json()
}

/// Nobody is at work on any image.
async fn no_lease_is_left(app: &TestApp) {
    let held = leases::abandoned(&app.app.db, Some(&app.app.config.node), app.clock.now(), 100).await.unwrap();
    assert_eq!(held, []);
}

/// The status that answers a request; none when its client went away because a commit of it was held up.
async fn until_held(wire: &DatabaseWire, request: impl Future<Output = Answer>) -> Option<u16> {
    tokio::select! {
        answer = request => Some(answer.status),
        () = wire.holds() => None,
    }
}

/// An upload that is given up while its claim waits in the database is as if it had never been: who sees the image `queued`
/// after that can upload to it.
#[tokio::test]
async fn a_claim_that_nobody_waits_for() {
    let app = TestApp::new().await;
    for at_once in [false, true] {
        let id = app.create(MEMBER, ready()).await;
        let untouched = shown(&app, &id).await;
        app.clock.advance(chrono::Duration::minutes(1));
        let held = app.hold(&format!("UPDATE images SET name = name WHERE id = '{id}'")).await;
        assert!(timeout(A_WHILE, app.upload(MEMBER, &id, b"lost").send()).await.is_err(), "it waits");
        held.release().await;
        if !at_once {
            app.at_rest().await;
            assert_eq!(shown(&app, &id).await, untouched);
        }
        let again = app.upload(MEMBER, &id, b"data").send().await;
        assert_eq!(again.status, 204, "at once: {at_once}, {}", again.text());
        app.at_rest().await;
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data");
        no_lease_is_left(&app).await;
    }
}

/// An upload whose claim is being committed when its client goes away, or when the connection to the server breaks: it is
/// undone as soon as it is there.
#[tokio::test]
async fn a_claim_whose_commit_is_on_its_way() {
    if engine() == Engine::Sqlite {
        return;
    }
    let wire = DatabaseWire::start().await;
    let app = TestApp::with(|config| wire.stand_before(&mut config.database)).await;
    for (case, broken) in [(AtCommit::Hold, false), (AtCommit::Break, true)] {
        let id = app.create(MEMBER, ready()).await;
        wire.set(case);
        let answer = until_held(&wire, app.upload(MEMBER, &id, b"lost").send()).await;
        assert_eq!(answer, broken.then_some(503), "{case:?}");
        wire.set(AtCommit::Pass);
        app.at_rest().await;
        assert_eq!(shown(&app, &id).await["status"], "queued", "{case:?}");
        no_lease_is_left(&app).await;
        assert_eq!(app.upload(MEMBER, &id, b"data").send().await.status, 204, "{case:?}");
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data");
    }
}

/// An upload whose last commit is on its way when its client goes away, or whose answer is lost: it is active.
#[tokio::test]
async fn an_upload_whose_end_is_on_its_way() {
    if engine() == Engine::Sqlite {
        return;
    }
    let wire = Arc::new(DatabaseWire::start().await);
    let app = TestApp::with(|config| wire.stand_before(&mut config.database)).await;
    for case in [AtCommit::Hold, AtCommit::Break] {
        let id = app.create(MEMBER, ready()).await;
        let claimed = Arc::clone(&wire);
        let data = stream::once(async move {
            claimed.set(case);
            Ok(bytes::Bytes::from_static(b"data"))
        });
        let upload = app.upload(MEMBER, &id, b"data").of_blocks(Box::pin(data)).send();
        let answer = until_held(&wire, upload).await;
        assert_eq!(answer, (case == AtCommit::Break).then_some(503), "{case:?}");
        wire.set(AtCommit::Pass);
        app.at_rest().await;
        assert_eq!(shown(&app, &id).await["status"], "active", "{case:?}");
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data");
        no_lease_is_left(&app).await;
    }
}

/// Work in several steps, (method, path, body), whose first commit is done and not answered: nobody goes on with it, and the
/// image is as it was.
#[tokio::test]
async fn work_that_began_without_an_answer() {
    if engine() == Engine::Sqlite {
        return;
    }
    let wire = DatabaseWire::start().await;
    let app = TestApp::with(|config| {
        two_stores(config);
        let driver = Driver::Http(HttpStore::default());
        config.stores.enabled.push(StoreConfig { id: "web".into(), description: None, weight: 0, driver });
        config.uri_filter.allowed_hosts = vec!["127.0.0.1".into()];
        config.uri_filter.allowed_ports = vec![];
        wire.stand_before(&mut config.database);
    })
    .await;
    let cases = [
        ("DELETE", "/v2/images/@", Value::Null),
        ("DELETE", "/v2/stores/more/@", Value::Null),
        ("PATCH", "/v2/images/@", json!([{"op": "remove", "path": "/locations/0"}])),
        ("POST", "/v2/images/@/locations", json!({"url": "http://127.0.0.1:9/x"})),
    ];
    for (method, path, body) in cases {
        let adds = method == "POST";
        let id = if adds { app.create(ADMIN, ready()).await } else { in_two_stores(&app).await };
        let before = state(&app, &id).await;
        wire.set(AtCommit::Break);
        let answer = change(&app, method, path, &body, &id).send().await;
        assert_eq!((answer.status, wire.set(AtCommit::Pass)), (503, AtCommit::Pass), "{method} {path}");
        app.at_rest().await;
        assert_eq!(state(&app, &id).await, before, "{method} {path}");
        no_lease_is_left(&app).await;
    }
}

/// Work that is left behind has places, and who comes when there is none waits.
#[tokio::test]
async fn no_more_work_is_left_behind_than_there_are_places() {
    let app = TestApp::with(|config| config.listener.connections_max = 2).await;
    let id = app.create(MEMBER, ready()).await;
    let other = app.create(MEMBER, ready()).await;
    let held = app.hold(&format!("UPDATE images SET name = name WHERE id = '{id}'")).await;
    while app.app.background.len() < 2 {
        assert!(timeout(A_WHILE, app.upload(MEMBER, &id, b"lost").send()).await.is_err(), "it waits");
    }
    assert!(timeout(A_WHILE, app.upload(MEMBER, &id, b"lost").send()).await.is_err(), "there is no place");
    assert_eq!(app.app.background.len(), 2);
    let mut waiting = Box::pin(app.upload(MEMBER, &other, b"data").send());
    assert!(timeout(A_WHILE, &mut waiting).await.is_err(), "there is no place");
    held.release().await;
    assert_eq!(waiting.await.status, 204);
    app.at_rest().await;
    assert_eq!(shown(&app, &id).await["status"], "queued");
}

/// An upload that fails, and whose client goes away while it is undone.
#[tokio::test]
async fn an_upload_that_fails_is_given_up() {
    let app = TestApp::with(|config| config.quotas.image_size_cap = 10).await;
    for waits in 0.. {
        let id = app.create(MEMBER, ready()).await;
        let long = app.upload(MEMBER, &id, &[1; 11]).header("x-openstack-image-size", "0");
        let answer = long.given_up_after(waits).await;
        app.at_rest().await;
        assert_eq!(shown(&app, &id).await["status"], "queued", "given up at wait {waits}");
        assert_eq!(app.stored_files(), [""; 0], "given up at wait {waits}");
        no_lease_is_left(&app).await;
        if let Some(answer) = answer {
            assert_eq!(answer.status, 413);
            break;
        }
    }
}

/// An upload that was taken for dead, so that somebody else uploaded: its end does not touch what is there by then.
#[tokio::test]
async fn an_upload_that_lost_its_lease() {
    let app = TestApp::new().await;
    for somebody_else in [true, false] {
        let id = app.create(MEMBER, ready()).await;
        let (go, gone) = oneshot::channel::<()>();
        let data = stream::once(async move {
            gone.await.unwrap();
            Ok(bytes::Bytes::from_static(b"late"))
        });
        let late = tokio::spawn(app.upload(MEMBER, &id, b"late").of_blocks(Box::pin(data)).send());
        app.until(&id, &["saving"]).await;
        app.row("DELETE FROM glint_leases").await;
        app.row(&format!("UPDATE images SET status = 'queued' WHERE id = '{id}'")).await;
        if somebody_else {
            assert_eq!(app.upload(MEMBER, &id, b"data").send().await.status, 204);
        }
        go.send(()).unwrap();
        assert_ne!(late.await.unwrap().status, 204);
        app.at_rest().await;
        no_lease_is_left(&app).await;
        if !somebody_else {
            assert!(!app.stored_files().contains(&id), "what came too late is gone");
            assert_eq!(app.upload(MEMBER, &id, b"data").send().await.status, 204);
        }
        assert_eq!(shown(&app, &id).await["status"], "active");
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data");
    }
}

/// A second store, and locations that clients see.
fn two_stores(config: &mut Config) {
    let Driver::File(local) = &config.stores.enabled[0].driver else { panic!("the first is of files") };
    let driver = Driver::File(FileStore::in_folder(format!("{}-more", local.datadirs[0].0)));
    config.stores.enabled.push(StoreConfig { id: "more".into(), description: None, weight: 0, driver });
    config.api.show_multiple_locations = true;
}

/// Requests that change something: (method, path, body). `@` is the id of an image that has its data in two stores, of a new
/// image, or part of a new name.
fn changes() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("DELETE", "/v2/images/@", Value::Null),
        ("DELETE", "/v2/stores/more/@", Value::Null),
        (
            "PATCH",
            "/v2/images/@",
            json!([{"op": "remove", "path": "/locations/0"}, {"op": "replace", "path": "/name", "value": "n"}]),
        ),
        (
            "PATCH",
            "/v2/images/@",
            json!([
                {"op": "replace", "path": "/name", "value": "n"},
                {"op": "add", "path": "/p", "value": "v"},
                {"op": "replace", "path": "/tags", "value": ["a", "b"]}
            ]),
        ),
        ("PUT", "/v2/images/@/tags/t", Value::Null),
        ("POST", "/v2/images/@/members", json!({"member": "p2"})),
        ("POST", "/v2/images/@/actions/deactivate", Value::Null),
        ("POST", "/v2/images", json!({"id": "@", "name": "n", "p": "v", "tags": ["a", "b"]})),
        (
            "POST",
            "/v2/metadefs/namespaces",
            json!({
                "namespace": "@", "tags": [{"name": "t"}], "objects": [{"name": "o"}],
                "properties": {"p": {"title": "P", "type": "string"}},
                "resource_type_associations": [{"name": "OS::Glance::Image"}]
            }),
        ),
    ]
}

#[tokio::test]
async fn a_change_is_made_whole_or_not_at_all() {
    for (method, path, body) in changes() {
        let app = TestApp::with(two_stores).await;
        let (mut before, mut states) = (String::new(), BTreeSet::new());
        for waits in 0.. {
            let new = !path.contains('@');
            let id = if new { new_uuid().to_string() } else { in_two_stores(&app).await };
            before = state(&app, &id).await;
            let answer = change(&app, method, path, &body, &id).given_up_after(waits).await;
            app.at_rest().await;
            states.insert(state(&app, &id).await);
            no_lease_is_left(&app).await;
            if let Some(answer) = answer {
                assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text());
                let either = BTreeSet::from([before.clone(), state(&app, &id).await]);
                assert!(states.is_subset(&either), "{method} {path}: {states:#?} beside {either:#?}");
                break;
            }
        }
        assert_ne!(states, BTreeSet::from([before]), "{method} {path} changes something");
    }
}

/// A task whose client goes away is not there, or ends.
#[tokio::test]
async fn a_task_that_nobody_waits_for() {
    let app = TestApp::new().await;
    let source = json!({"import_from": "http://192.0.2.1/", "import_from_format": "raw", "image_properties": {}});
    for waits in 0.. {
        let ask = app.request(ADMIN, "POST", "/v2/tasks").json(&json!({"type": "import", "input": source}));
        let answer = ask.given_up_after(waits).await;
        app.at_rest().await;
        let tasks = app.get(ADMIN, "/v2/tasks").await.json()["tasks"].clone();
        assert!(tasks.as_array().unwrap().iter().all(|task| task["status"] == "failure"), "{waits}: {tasks}");
        if let Some(answer) = answer {
            assert_eq!(answer.status, 201, "{}", answer.text());
            break;
        }
    }
}

/// An image with its data in both stores.
async fn in_two_stores(app: &TestApp) -> String {
    let id = app.active(ADMIN, json!({}), b"data").await;
    app.copy_into(&id, "more").await;
    id
}

fn change(app: &TestApp, method: &str, path: &str, body: &Value, id: &str) -> Ask {
    let ask = app.request(ADMIN, method, &path.replace('@', id));
    if body.is_null() {
        return ask;
    }
    let kind = if method == "PATCH" { PATCH_TYPE } else { "application/json" };
    ask.header("content-type", kind).body(body.to_string().replace('@', id).into_bytes())
}

/// What there is of `id`. A commit that was on its way when its client went away comes to its end at any time: what is seen
/// is looked at twice, so that it is of one moment.
async fn state(app: &TestApp, id: &str) -> String {
    let mut seen = seen_once(app, id).await;
    loop {
        let again = seen_once(app, id).await;
        if again == seen {
            return seen;
        }
        seen = again;
    }
}

/// The same by one look, without what is different each time.
async fn seen_once(app: &TestApp, id: &str) -> String {
    let mut lines = Vec::new();
    for path in ["/v2/images/@", "/v2/images/@/members", "/v2/images/@/file", "/v2/metadefs/namespaces/@"] {
        let answer = app.get(ADMIN, &path.replace('@', id)).await;
        let mut seen = serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!(answer.text()));
        strip_times(&mut seen);
        lines.push(format!("{path} {} {seen}", answer.status));
    }
    for folder in ["images", "images-more"] {
        lines.push(format!("{folder} {}", app.folder().join(folder).join(id).exists()));
    }
    lines.join("\n").replace(id, "@")
}

fn strip_times(seen: &mut Value) {
    match seen {
        Value::Object(map) => {
            map.retain(|name, _| !["created_at", "updated_at"].contains(&name.as_str()));
            map.values_mut().for_each(strip_times);
        }
        Value::Array(values) => values.iter_mut().for_each(strip_times),
        _ => {}
    }
}
