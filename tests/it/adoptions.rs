//! The Locations API: bytes on a web server become an image's, are read for their hash, and what cannot be is undone. And
//! which of several stores a download prefers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use glint::config::{Config, Driver, HttpStore, StoreConfig};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::app::{Answer, TestApp};
use crate::harness::callers::{ADMIN, Caller, MEMBER, OTHER, READER};
use crate::harness::web::{Says, Web};
use crate::harness::wire::{Reply, Wire};

const SERVICE: Caller = Caller { name: "service", project: Some("services"), roles: "service" };

const MD5: &str = "781e5e245d69b566979b86e28d23f2c7";
const SHA1: &str = "87acec17cd9dcd20a716cc2cf67417b71c8a7016";
const SHA512: &str = "bb96c2fc40d2d54617d6f276febe571f623a8dadf0b734855299b0e107fda32cf6b69f2da32b36445d73690b93cbd0f7bfc20e0f7f28553d2a4428f23b716e90";

fn with_web(config: &mut Config) {
    let driver = Driver::Http(HttpStore::default());
    config.stores.enabled.push(StoreConfig { id: "web".into(), description: None, weight: 0, driver });
    config.uri_filter.allowed_hosts = vec!["127.0.0.1".into()];
    config.uri_filter.allowed_ports = vec![];
    config.api.http_retries = 2;
}

/// A server with ten bytes anywhere, at `/late` when it is asked for them a second time.
async fn server() -> Web {
    let asked = Arc::new(AtomicUsize::new(0));
    Web::serve(move |path| match path {
        "/late" if asked.fetch_add(1, Ordering::SeqCst) == 1 => Says::status(500),
        "/missing" => Says::status(404),
        "/short" => Says("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n".into(), b"short".to_vec()),
        _ => Says::bytes(b"0123456789"),
    })
    .await
}

fn ready() -> Value {
    json!({"disk_format": "raw", "container_format": "bare"})
}

async fn add(app: &TestApp, caller: Caller, id: &str, body: Value) -> Answer {
    app.request(caller, "POST", &format!("/v2/images/{id}/locations")).json(&body).send().await
}

/// The image when nobody is at work on it any more.
async fn settled(app: &TestApp, id: &str) -> Value {
    for _ in 0..1000 {
        let image = app.get(ADMIN, &format!("/v2/images/{id}")).await.json();
        if image.get("os_glance_import_task").is_none() {
            return image;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("never done");
}

/// The first task of an image, as its owner sees it, when it has ended.
async fn ended_task(app: &TestApp, id: &str) -> Value {
    for _ in 0..1000 {
        let tasks = app.get(MEMBER, &format!("/v2/images/{id}/tasks")).await.json();
        let task = tasks["tasks"][0].clone();
        if task["expires_at"].is_string() {
            return task;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("never ends");
}

/// (`do_secure_hash`, what is said of the bytes, status, checksum, algorithm, hash) of what comes of it.
#[tokio::test]
async fn bytes_are_adopted() {
    let web = server().await;
    let sha512 = SHA512.to_uppercase();
    let cases = [
        (true, None, "active", Some(MD5), Some("sha512"), Some(SHA512)),
        (true, Some(("sha512", SHA512)), "active", Some(MD5), Some("sha512"), Some(SHA512)),
        (true, Some(("sha512", &*sha512)), "active", Some(MD5), Some("sha512"), Some(SHA512)),
        (true, Some(("sha1", SHA1)), "active", Some(MD5), Some("sha1"), Some(SHA1)),
        (true, Some(("md5", MD5)), "active", Some(MD5), Some("md5"), Some(MD5)),
        (true, Some(("md5", "00000000000000000000000000000000")), "queued", None, None, None),
        (false, None, "active", None, None, None),
        (false, Some(("sha1", SHA1)), "active", None, Some("sha1"), Some(SHA1)),
    ];
    for (reads, said, status, checksum, algorithm, hash) in cases {
        let app = TestApp::with(|config| {
            with_web(config);
            config.api.do_secure_hash = reads;
        })
        .await;
        let id = app.create(MEMBER, ready()).await;
        let mut body = json!({"url": web.url("/a")});
        if let Some((algorithm, value)) = said {
            body["validation_data"] = json!({"os_hash_algo": algorithm, "os_hash_value": value});
        }
        let answer = add(&app, MEMBER, &id, body).await;
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{said:?}");
        let image = settled(&app, &id).await;
        assert_eq!(image["status"], status, "{said:?}");
        let task = ended_task(&app, &id).await;
        let expected = if status == "active" { "success" } else { "failure" };
        assert_eq!((&task["status"], &task["type"]), (&json!(expected), &json!("location_import")), "{said:?}");
        assert_eq!((&task["input"]["loc_url"], &task["owner"]), (&json!(web.url("/a")), &json!("p1")));
        let result = if status == "active" { json!({"image_id": id}) } else { Value::Null };
        assert_eq!((&task["result"], task["message"] != ""), (&result, status != "active"), "{task}");
        let told = [&image["checksum"], &image["os_hash_algo"], &image["os_hash_value"]];
        assert_eq!(told, [&json!(checksum), &json!(algorithm), &json!(hash)], "{said:?}");
        let file = app.get(MEMBER, &format!("/v2/images/{id}/file")).await;
        let locations = app.get(ADMIN, &format!("/v2/images/{id}/locations")).await.json();
        if status == "active" {
            assert_eq!((image["size"].as_i64(), file.text()), (Some(10), "0123456789"));
            assert_eq!(locations, json!([{"url": web.url("/a"), "metadata": {"store": "web"}}]));
        } else {
            assert_eq!((&image["size"], file.status, locations), (&Value::Null, 204, json!([])));
            let again = add(&app, MEMBER, &id, json!({"url": web.url("/b")})).await;
            assert_eq!((again.status, settled(&app, &id).await["status"].clone()), (202, json!("active")));
        }
    }
}

/// (path on the server, what is said, status that the image has at last, whether it has a hash)
#[tokio::test]
async fn servers_that_fail() {
    let (app, web) = (TestApp::with(with_web).await, server().await);
    let said = json!({"os_hash_algo": "sha1", "os_hash_value": SHA1});
    for (path, said, status, hashed) in [
        ("/late", None, "active", true),
        ("/short", None, "active", false),
        ("/short", Some(&said), "queued", false),
        ("/missing", None, "queued", false),
    ] {
        let id = app.create(MEMBER, ready()).await;
        let mut body = json!({"url": web.url(path)});
        if let Some(said) = said {
            body["validation_data"] = said.clone();
        }
        assert_eq!(add(&app, MEMBER, &id, body).await.status, 202);
        let image = settled(&app, &id).await;
        assert_eq!((&image["status"], image["os_hash_value"].is_string()), (&json!(status), hashed), "{path}");
    }
    let bare = app.create(MEMBER, json!({})).await;
    assert_eq!(add(&app, MEMBER, &bare, json!({"url": web.url("/a")})).await.status, 202);
    assert_eq!(settled(&app, &bare).await["status"], "queued", "no formats, no data");
}

/// (caller, body, status, message), of a queued image that p1 owns and shares with nobody. `@` is the web server.
#[tokio::test]
async fn what_cannot_be_adopted() {
    let (app, web) = (TestApp::with(with_web).await, server().await);
    let id = app.create(MEMBER, ready()).await;
    let good = web.url("/a");
    let schema = |text: &str| format!("Provided object does not match schema 'location': {text}|");
    let said = |said: Value| json!({"url": good, "validation_data": said});
    let not_admitted = |url: &str| format!("URI for add location does not pass filtering: {url}|");
    let no_store = "http store must be enabled to use location API by normal user.|";
    let cases = [
        (MEMBER, json!([]), 400, schema("[] is not of type 'object'")),
        (MEMBER, json!({}), 400, schema("'url' is a required property")),
        (MEMBER, json!({"url": 7}), 400, schema("7 is not of type 'string'")),
        (MEMBER, said(json!(null)), 400, schema("None is not of type 'object'")),
        (MEMBER, said(json!({"x": 1})), 400, schema("Additional properties are not allowed ('x' was unexpected)")),
        (
            MEMBER,
            said(json!({"os_hash_algo": "md5"})),
            400,
            schema("'os_hash_value' is a dependency of 'os_hash_algo'"),
        ),
        (MEMBER, said(json!({"os_hash_value": "a"})), 400, schema("'os_hash_algo' is a dependency of 'os_hash_value'")),
        (
            MEMBER,
            said(json!({"os_hash_algo": "crc", "os_hash_value": "ab"})),
            400,
            schema("'crc' is not one of ['sha1', 'sha256', 'sha512', 'md5']"),
        ),
        (
            MEMBER,
            said(json!({"os_hash_algo": "md5", "os_hash_value": "xy"})),
            400,
            "os_hash_value (xy) is not a valid hexadecimal value|".into(),
        ),
        (
            MEMBER,
            said(json!({"os_hash_algo": "md5", "os_hash_value": "ab"})),
            400,
            "os_hash_value: (ab) is not the correct size for (md5) (should be (16) bytes)|".into(),
        ),
        (MEMBER, json!({"url": "file:///etc/passwd"}), 403, no_store.into()),
        (MEMBER, json!({"url": "rbd://a/b/c/d"}), 403, no_store.into()),
        (MEMBER, json!({"url": ""}), 403, no_store.into()),
        (MEMBER, json!({"url": "http://169.254.169.254/x"}), 400, not_admitted("http://169.254.169.254/x")),
        (MEMBER, json!({"url": "http://localhost/x"}), 400, not_admitted("http://localhost/x")),
        (SERVICE, json!({"url": "http://[::1]/x"}), 404, String::new()),
        (READER, json!({"url": good}), 403, "You are not authorized to complete add_image_location action.|".into()),
        (OTHER, json!({"url": good}), 404, format!("No image found with ID {id}|")),
    ];
    for (caller, body, status, message) in cases {
        let answer = add(&app, caller, &id, body.clone()).await;
        assert_eq!(answer.status, status, "{} {body}", caller.name);
        assert!(message.is_empty() || answer.message() == message, "{} {body}: {}", caller.name, answer.message());
    }
    assert!(web.asked().is_empty(), "nothing was asked of the server");
    assert_eq!(settled(&app, &id).await["status"], "queued");
    let active = app.active(MEMBER, json!({}), b"data").await;
    let answer = add(&app, MEMBER, &active, json!({"url": good})).await;
    let text = "It's not allowed to add locations if image status is active.|";
    assert_eq!((answer.status, answer.message()), (409, text.to_owned()));
}

/// A service may name what a user may not; what is none of the stores' is found out later, and nothing is read.
#[tokio::test]
async fn services_may_name_more() {
    let app = TestApp::with(with_web).await;
    let shared = json!({"disk_format": "raw", "container_format": "bare", "visibility": "community"});
    for url in ["file:///etc/passwd", "rbd://a/b/c/d", "gopher://x/", "HTTP://127.0.0.1/"] {
        let id = app.create(MEMBER, shared.clone()).await;
        assert_eq!(add(&app, SERVICE, &id, json!({"url": url})).await.status, 202, "{url}");
        let image = settled(&app, &id).await;
        assert_eq!((&image["status"], &image["size"]), (&json!("queued"), &Value::Null), "{url}");
    }
    let id = app.create(MEMBER, shared).await;
    let answer = add(&app, SERVICE, &id, json!({"url": "http://[::1]/x"})).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

/// Many at once: one is let through, whatever the others name.
#[tokio::test]
async fn one_at_a_time() {
    let (app, web) = (TestApp::with(with_web).await, server().await);
    let id = app.create(MEMBER, ready()).await;
    let many = (0..8).map(|at| add(&app, MEMBER, &id, json!({"url": web.url(&format!("/{at}"))})));
    let statuses: Vec<u16> = futures_util::future::join_all(many).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [202, 409].contains(status)), "{statuses:?}");
    assert_eq!(settled(&app, &id).await["status"], "active");
    let unseen = app.get(SERVICE, &format!("/v2/images/{id}/locations")).await;
    assert_eq!(unseen.status, 404, "being a service shows nobody more images");
    let community = json!([{"op": "replace", "path": "/visibility", "value": "community"}]);
    assert_eq!(app.patch(MEMBER, &id, community).await.status, 200);
    assert_eq!(app.get(SERVICE, &format!("/v2/images/{id}/locations")).await.status, 200);
    let locations = app.get(ADMIN, &format!("/v2/images/{id}/locations")).await.json();
    assert_eq!(locations.as_array().unwrap().len(), 1);
    for (caller, status) in [(MEMBER, 403), (READER, 403), (OTHER, 403)] {
        assert_eq!(app.get(caller, &format!("/v2/images/{id}/locations")).await.status, status, "{}", caller.name);
    }
}

/// (status of the image, its hash) when the process died, and what the next one makes of it.
#[tokio::test]
async fn an_adoption_that_was_cut_off() {
    let (app, web) = (TestApp::with(with_web).await, server().await);
    for (status, expected, hashed) in
        [("queued", "queued", false), ("importing", "queued", false), ("active", "active", true)]
    {
        let id = app.create(MEMBER, ready()).await;
        if status != "queued" {
            assert_eq!(add(&app, MEMBER, &id, json!({"url": web.url("/a")})).await.status, 202);
            settled(&app, &id).await;
        }
        app.row(&format!("UPDATE images SET status = '{status}', os_hash_value = NULL WHERE id = '{id}'")).await;
        app.row(&format!("DELETE FROM image_properties WHERE image_id = '{id}' AND name = 'os_glance_import_task'"))
            .await;
        app.row(&format!(
            "INSERT INTO image_properties (image_id, name, value, created_at, deleted) \
             VALUES ('{id}', 'os_glance_import_task', 't', '2026-01-01 00:00:00', false)"
        ))
        .await;
        app.row(&format!(
            "INSERT INTO glint_leases (image_id, purpose, holder, token, store, expires_at) \
             VALUES ('{id}', 'adopt', 'stand-alone', 't', '', '2020-01-01 00:00:00')"
        ))
        .await;
        let answer = add(&app, MEMBER, &id, json!({"url": web.url("/b")})).await;
        assert_eq!(answer.status, 409, "{}", answer.text());
        glint::work::reap::at_start(&app.app).await.unwrap();
        let image = settled(&app, &id).await;
        assert_eq!((&image["status"], image["os_hash_value"].is_string()), (&json!(expected), hashed), "{status}");
        let locations = app.get(ADMIN, &format!("/v2/images/{id}/locations")).await.json();
        assert_eq!(locations.as_array().unwrap().len(), usize::from(expected == "active"), "{status}");
    }
}

/// An addition that was taken for dead, so that another one has begun: its end leaves that one's lock alone.
#[tokio::test]
async fn an_addition_that_lost_its_lease() {
    let wire = Wire::start(|asked| match asked.path.as_str() {
        "/first" => Reply::Late(Duration::from_millis(300), 404, String::new(), Vec::new()),
        _ => Reply::Silence,
    })
    .await;
    let app = TestApp::with(with_web).await;
    let id = app.create(MEMBER, ready()).await;
    let url = |path: &str| json!({"url": format!("http://{}{path}", wire.address)});
    assert_eq!(add(&app, MEMBER, &id, url("/first")).await.status, 202);
    app.row("DELETE FROM glint_leases").await;
    app.row("DELETE FROM image_properties").await;
    assert_eq!(add(&app, MEMBER, &id, url("/second")).await.status, 202);
    let ended = async || {
        let tasks = app.get(MEMBER, &format!("/v2/images/{id}/tasks")).await.json();
        tasks["tasks"].as_array().unwrap().iter().any(|task| task["status"] == "failure")
    };
    while !ended().await {
        sleep(Duration::from_millis(10)).await;
    }
    let image = app.get(ADMIN, &format!("/v2/images/{id}")).await.json();
    assert!(image["os_glance_import_task"].is_string(), "{image}");
}

/// Wherever an addition is when its client goes away, it goes on or was never begun: no image stays locked.
#[tokio::test]
async fn an_addition_given_up_at_any_moment() {
    let (app, web) = (TestApp::with(with_web).await, server().await);
    let mut given_up = Vec::new();
    for waits in 0.. {
        let id = app.create(MEMBER, ready()).await;
        let body = json!({"url": web.url("/a")});
        let ask = app.request(MEMBER, "POST", &format!("/v2/images/{id}/locations")).json(&body);
        if let Some(answer) = ask.given_up_after(waits).await {
            assert_eq!(answer.status, 202);
            break;
        }
        given_up.push(id);
    }
    assert!(!given_up.is_empty(), "an addition waits at least once");
    // What was begun is done when those have been.
    app.app.background.close();
    app.app.background.wait().await;
    for id in &given_up {
        let image = app.get(ADMIN, &format!("/v2/images/{id}")).await.json();
        assert!(image.get("os_glance_import_task").is_none(), "{image}");
        assert!(["queued", "active"].contains(&image["status"].as_str().unwrap()), "{image}");
    }
}

/// Who deletes an image while its bytes are read is not waited for, and nothing comes back.
#[tokio::test]
async fn deleted_while_it_is_read() {
    let (app, web) = (TestApp::with(with_web).await, server().await);
    let id = app.create(MEMBER, ready()).await;
    let said = json!({"os_hash_algo": "sha1", "os_hash_value": SHA1});
    let body = json!({"url": web.url("/short"), "validation_data": said});
    assert_eq!(add(&app, MEMBER, &id, body).await.status, 202);
    assert_eq!(app.request(MEMBER, "DELETE", &format!("/v2/images/{id}")).send().await.status, 204);
    app.app.background.close();
    app.app.background.wait().await;
    assert_eq!(app.get(ADMIN, &format!("/v2/images/{id}")).await.status, 404);
}

/// (what is preferred, caller, status, what comes) of an image that is in a file, and with other bytes on the web.
#[tokio::test]
async fn a_store_can_be_preferred() {
    let (app, web) = (
        TestApp::with(|config| {
            with_web(config);
            config.api.show_multiple_locations = true;
        })
        .await,
        server().await,
    );
    let id = app.active(MEMBER, json!({}), b"9876543210").await;
    let location = json!({"url": web.url("/a"), "metadata": {}});
    let added = app.patch(MEMBER, &id, json!([{"op": "add", "path": "/locations/-", "value": location}])).await;
    assert_eq!(added.status, 200, "{}", added.text());
    let (file, web_bytes) = ("9876543210", "0123456789");
    let not_configured = |store: &str| format!("Store '{store}' is not configured.|");
    let cases = [
        ("", MEMBER, 200, file.to_owned()),
        ("?prefer=", MEMBER, 200, file.into()),
        ("?prefer=,%20,", MEMBER, 200, file.into()),
        ("?prefer=web", MEMBER, 200, web_bytes.into()),
        ("?prefer=local", MEMBER, 200, file.into()),
        ("?prefer=%20web%20,", MEMBER, 200, web_bytes.into()),
        ("?prefer=web,local", MEMBER, 200, file.into()),
        ("?prefer=zz", MEMBER, 400, not_configured("zz")),
        ("?prefer=web,zz", MEMBER, 400, not_configured("zz")),
        ("?prefer=os_glance_staging_store", MEMBER, 400, not_configured("os_glance_staging_store")),
        ("?prefer=local&prefer=web", MEMBER, 200, web_bytes.into()),
        ("?prefer=web", READER, 403, "You are not authorized to complete download_image action.|".into()),
    ];
    for (query, caller, status, expected) in cases {
        let answer = app.get(caller, &format!("/v2/images/{id}/file{query}")).await;
        let told = if answer.status == 200 { answer.text().to_owned() } else { answer.message() };
        assert_eq!((answer.status, told), (status, expected), "{query}");
    }
    let part = app.request(MEMBER, "GET", &format!("/v2/images/{id}/file?prefer=web")).header("range", "bytes=0-1");
    assert_eq!(part.send().await.text(), "98", "the other store can give a part");
    let single = TestApp::with(|config| config.stores.multi = false).await;
    let id = single.active(MEMBER, json!({}), b"data").await;
    let answer = single.get(MEMBER, &format!("/v2/images/{id}/file?prefer=local")).await;
    let text = "Store selection for download is not available when multiple backends are not enabled.|";
    assert_eq!((answer.status, answer.message()), (400, text.to_owned()));
}
