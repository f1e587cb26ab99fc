//! The bytes of images: upload and download, whole and in parts, and what is left after an upload that failed.

use aws_lc_rs::digest::{SHA512, digest};
use glint::app::App;
use glint::config::Config;
use glint::db::leases::{self, Lease, Purpose};
use glint::db::moves;
use glint::model::lifecycle::Status;
use glint::work::reap;
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::bytes;
use crate::harness::callers::{ADMIN, MEMBER, OTHER, READER};

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

#[tokio::test]
async fn what_goes_in_comes_out() {
    let app = TestApp::new().await;
    let data = bytes::text(7, 0, 3_000_001);
    let id = app.active(MEMBER, json!({"name": "a"}), &data).await;
    let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["status"], "active");
    assert_eq!(image["size"], 3_000_001);
    assert_eq!(image["os_hash_algo"], "sha512");
    assert_eq!(image["os_hash_value"], hex(digest(&SHA512, &data).as_ref()));
    assert_eq!(image["stores"], "local");
    assert_eq!(image["direct_url"], Value::Null);
    assert_eq!(image["locations"], Value::Null);

    let answer = app.get(MEMBER, &format!("/v2/images/{id}/file")).await;
    assert_eq!((answer.status, answer.body.len()), (200, data.len()));
    assert!(answer.body == data);
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("content-md5"), image["checksum"].as_str());
    assert_eq!(answer.header("content-length"), Some("3000001"));
    assert_eq!(app.stored_files(), [id]);
}

#[tokio::test]
async fn the_hashes_are_those_of_the_data() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({}), b"abc").await;
    let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["checksum"], "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(
        image["os_hash_value"],
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    );
}

#[tokio::test]
async fn an_empty_image_is_an_image() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({}), b"").await;
    let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(0)));
    assert_eq!(image["checksum"], "d41d8cd98f00b204e9800998ecf8427e");
    let answer = app.get(MEMBER, &format!("/v2/images/{id}/file")).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

/// (headers of the request, status, body, `Content-Range`)
#[tokio::test]
async fn parts() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({}), b"0123456789").await;
    let checksum = app.get(MEMBER, &format!("/v2/images/{id}")).await.json()["checksum"].as_str().unwrap().to_owned();
    let cases = [
        ("range", "bytes=2-4", 206, "234", Some("bytes 2-4/10")),
        ("range", "bytes=7-", 206, "789", Some("bytes 7-9/10")),
        ("range", "bytes=-3", 206, "789", Some("bytes 7-9/10")),
        ("range", "bytes=0-99", 206, "0123456789", Some("bytes 0-9/10")),
        ("content-range", "bytes 1-3/10", 206, "123", Some("bytes 1-3/10")),
        ("content-range", "bytes 1-3/*", 206, "123", Some("bytes 1-3/10")),
    ];
    for (name, value, status, body, content_range) in cases {
        let answer = app.request(MEMBER, "GET", &format!("/v2/images/{id}/file")).header(name, value).send().await;
        assert_eq!((answer.status, answer.text()), (status, body), "{name}: {value}");
        assert_eq!(answer.header("content-range"), content_range, "{value}");
        assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()), "{value}");
        assert_eq!(answer.header("content-md5"), Some(checksum.as_str()), "of the whole image");
    }
    let refused = [
        (
            "range",
            "bytes=10-",
            416,
            "The Range requested is not available.|Invalid start position in Range header. Start position MUST be in the inclusive range [0, 9].",
        ),
        ("range", "nonsense", 416, "The Range requested is not available.|Invalid Range header."),
        (
            "range",
            "bytes=0-1,3-4",
            400,
            "Requests with multiple ranges are not supported in Glance. You may make multiple single-range requests instead.|",
        ),
    ];
    for (name, value, status, message) in refused {
        let answer = app.request(MEMBER, "GET", &format!("/v2/images/{id}/file")).header(name, value).send().await;
        assert_eq!((answer.status, answer.message()), (status, message.to_owned()), "{value}");
    }
}

#[tokio::test]
async fn an_image_without_data_has_nothing_to_send() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({})).await;
    let answer = app.get(MEMBER, &format!("/v2/images/{id}/file")).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
}

#[tokio::test]
async fn who_may_read_the_data() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({"visibility": "shared"}), b"data").await;
    let file = format!("/v2/images/{id}/file");
    let status = async |caller| app.get(caller, &file).await.status;
    assert_eq!(status(MEMBER).await, 200);
    assert_eq!(status(ADMIN).await, 200);
    assert_eq!(status(READER).await, 403, "readers see images and may not have their data");
    assert_eq!(status(OTHER).await, 404);
    app.request(MEMBER, "POST", &format!("/v2/images/{id}/members")).json(&json!({"member": "p2"})).send().await;
    assert_eq!(status(OTHER).await, 200, "a member, whatever it answered");

    let act = async |caller, action: &str| {
        app.request(caller, "POST", &format!("/v2/images/{id}/actions/{action}")).send().await
    };
    assert_eq!(act(OTHER, "deactivate").await.status, 403);
    assert_eq!(act(MEMBER, "deactivate").await.status, 204);
    assert_eq!(act(MEMBER, "deactivate").await.status, 204, "twice does no harm");
    let refused = app.get(MEMBER, &file).await;
    let message = "The requested image has been deactivated. Image data download is forbidden.|";
    assert_eq!((refused.status, refused.message()), (403, message.to_owned()));
    assert_eq!(status(ADMIN).await, 200);
    assert_eq!(act(MEMBER, "reactivate").await.status, 204);
    assert_eq!(act(MEMBER, "reactivate").await.status, 204);
    assert_eq!(status(MEMBER).await, 200);
    let queued = app.create(MEMBER, json!({})).await;
    let answer = app.request(MEMBER, "POST", &format!("/v2/images/{queued}/actions/deactivate")).send().await;
    assert_eq!((answer.status, answer.message()), (403, "Not allowed to deactivate image in status 'queued'|".into()));
}

/// What an upload refuses: (image, headers, body, status, message). The image stays as it was, and nothing is stored.
#[tokio::test]
async fn what_cannot_be_uploaded() {
    let app = TestApp::with(|config| config.quotas.image_size_cap = 100).await;
    let ready = json!({"disk_format": "raw", "container_format": "bare"});
    let octets = ("content-type", "application/octet-stream");
    let too_large = "The incoming image is too large: The provided image is too large.|";
    let cases: [(Value, &[(&str, &str)], usize, u16, &str); 12] = [
        (json!({}), &[octets], 3, 400, "Properties disk_format, container_format must be set prior to saving data.|"),
        (
            json!({"disk_format": "raw"}),
            &[octets],
            3,
            400,
            "Property container_format must be set prior to saving data.|",
        ),
        (
            ready.clone(),
            &[("content-type", "text/plain")],
            3,
            415,
            "The request media type text/plain is not supported by this server.\n|Invalid content type text/plain",
        ),
        (
            ready.clone(),
            &[],
            3,
            415,
            "The request media type ${CONTENT_TYPE} is not supported by this server.\n|Invalid content type None",
        ),
        (ready.clone(), &[octets, ("x-image-meta-store", "zz")], 3, 400, "Store for identifier zz not found|"),
        (
            ready.clone(),
            &[octets, ("x-image-meta-store", "os_glance_staging_store")],
            3,
            400,
            "Store for identifier os_glance_staging_store not found|",
        ),
        (
            ready.clone(),
            &[octets, ("x-openstack-image-size", "10")],
            3,
            400,
            "Size mismatch: expected 10 bytes, got 3 bytes|",
        ),
        (
            ready.clone(),
            &[octets, ("x-openstack-image-size", "2")],
            3,
            400,
            "Size exceeds: expected 2 bytes, got 3 bytes|",
        ),
        (
            ready.clone(),
            &[octets, ("x-openstack-image-size", "-5")],
            3,
            400,
            "Size exceeds: expected -5 bytes, got 3 bytes|",
        ),
        (
            ready.clone(),
            &[octets, ("x-openstack-image-size", "x")],
            3,
            400,
            "Invalid or missing image size in request headers.|",
        ),
        (
            ready.clone(),
            &[octets, ("x-openstack-image-size", "9223372036854775808")],
            3,
            400,
            "Invalid or missing image size in request headers.|",
        ),
        (ready.clone(), &[octets], 101, 413, too_large),
    ];
    for (image, headers, length, status, message) in cases {
        let id = app.create(MEMBER, image).await;
        let before = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
        let mut ask = app.request(MEMBER, "PUT", &format!("/v2/images/{id}/file")).body(bytes::text(1, 0, length));
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        let answer = ask.send().await;
        assert_eq!((answer.status, answer.message()), (status, message.to_owned()), "{headers:?}");
        let mut after = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
        after["updated_at"] = before["updated_at"].clone();
        assert_eq!(after, before, "{headers:?}");
        assert_eq!(app.stored_files(), [""; 0], "{headers:?}");
    }
    let id = app.create(MEMBER, ready).await;
    assert_eq!(app.upload(MEMBER, &id, &bytes::text(1, 0, 100)).send().await.status, 204, "exactly the cap");
    let again = app.upload(MEMBER, &id, b"x").send().await;
    let message = "Image status transition from active to saving is not allowed|";
    assert_eq!((again.status, again.message()), (409, message.to_owned()));
    assert_eq!(app.upload(READER, &id, b"x").send().await.status, 403);
}

/// Uploads that run over the cap without saying so beforehand leave nothing, and the image can be tried again.
#[tokio::test]
async fn a_failed_upload_can_be_tried_again() {
    let app = TestApp::with(|config| config.quotas.image_size_cap = 100).await;
    let id = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    for _ in 0..3 {
        let long = app.upload(MEMBER, &id, &[1; 101]).header("x-openstack-image-size", "0").send().await;
        assert_eq!(long.status, 413, "{}", long.text());
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json()["status"], "queued");
    }
    assert_eq!(app.upload(MEMBER, &id, b"fine").send().await.status, 204);
    assert_eq!(app.stored_files(), [id]);
}

/// Of fifty uploads at once to one image one wins, and the image has its bytes.
#[tokio::test(flavor = "multi_thread")]
async fn one_upload_wins() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    let data: Vec<_> = (0..50_u64).map(|at| bytes::text(at, 0, 200_000)).collect();
    let mut tasks = Vec::new();
    for data in &data {
        tasks.push(tokio::spawn(app.upload(MEMBER, &id, data).send()));
    }
    let mut winners = Vec::new();
    for (task, data) in tasks.into_iter().zip(&data) {
        match task.await.unwrap() {
            answer if answer.status == 204 => winners.push(data),
            answer => assert_eq!(answer.status, 409, "{}", answer.text()),
        }
    }
    assert_eq!(winners.len(), 1);
    assert!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.body == *winners[0]);
    assert_eq!(app.stored_files(), [id]);
}

#[tokio::test]
async fn an_image_deleted_during_its_upload() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let wait = futures_util::stream::once(async move {
        gone.await.unwrap();
        Ok(bytes::text(1, 0, 10))
    });
    let head = glint::api::Head {
        method: hyper::Method::PUT,
        uri: format!("/v2/images/{id}/file").parse().unwrap(),
        headers: [("content-type", "application/octet-stream"), ("accept", "application/json")]
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()))
            .chain(MEMBER.headers())
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect(),
        scheme: "http",
        request_id: String::new(),
    };
    let body = glint::api::RequestBody::new(None, Some(Box::pin(wait)));
    let upload = tokio::spawn(glint::api::routes::answer(app.app.clone(), head, body));
    let status = async || app.get(MEMBER, &format!("/v2/images/{id}")).await.json()["status"].clone();
    while status().await == "queued" {
        tokio::task::yield_now().await;
    }
    assert_eq!(status().await, "saving");
    assert_eq!(app.request(MEMBER, "DELETE", &format!("/v2/images/{id}")).send().await.status, 204);
    go.send(()).unwrap();
    assert_eq!(upload.await.unwrap().status(), 410);
    assert_eq!(app.stored_files(), [""; 0]);
}

/// A deletion that finds its image at another status than it was asked for at writes nothing: neither about what belongs to the
/// image, nor about who else is at work on it.
#[tokio::test]
async fn a_deletion_that_comes_too_late() {
    let app = TestApp::new().await;
    let image =
        json!({"disk_format": "raw", "container_format": "bare", "a": "b", "tags": ["t"], "visibility": "shared"});
    let id = app.active(MEMBER, image, b"data").await;
    let members = format!("/v2/images/{id}/members");
    app.request(MEMBER, "POST", &members).json(&json!({"member": "another"})).send().await;
    let shown = async || {
        let image = app.get(MEMBER, &format!("/v2/images/{id}")).await;
        (image.status, image.json(), app.get(MEMBER, &members).await.json())
    };
    let (db, now) = (&app.app.db, app.clock.now());
    let [reader, late, timely] =
        [Purpose::Adopt, Purpose::Delete, Purpose::Delete].map(|what| Lease::new(what, &id, "node"));
    moves::begin_delete(db, &reader, now).await.unwrap();
    let before = shown().await;
    assert_eq!((before.0, &before.1["a"], &before.2["members"][0]["member_id"]), (200, &json!("b"), &json!("another")));
    assert!(!moves::finish_delete(db, &late, Status::Queued, now).await.unwrap());
    assert_eq!(shown().await, before);
    assert!(leases::renew(db, &reader, now).await.unwrap());
    assert!(moves::finish_delete(db, &timely, Status::Active, now).await.unwrap());
    assert_eq!(shown().await.0, 404);
    assert!(!leases::renew(db, &reader, now).await.unwrap());
}

/// A node that starts undoes what it had begun itself before, and leaves to others what they are about.
#[tokio::test]
async fn a_node_starts_beside_an_upload() {
    let app = TestApp::new().await;
    for (node, expected) in [("another", "active"), ("stand-alone", "queued")] {
        let id = app.create(MEMBER, json!({"container_format": "bare", "disk_format": "raw"})).await;
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let data = futures_util::stream::once(async move {
            gone.await.unwrap();
            Ok(::bytes::Bytes::from_static(b"data"))
        });
        let upload = tokio::spawn(app.upload(MEMBER, &id, b"data").of_blocks(Box::pin(data)).send());
        app.until(&id, &["saving"]).await;
        let config = Config { node: node.into(), ..app.app.config.clone() };
        let starting = App::open(config, app.clock.clone()).await.unwrap();
        reap::at_start(&starting).await.unwrap();
        starting.close().await;
        go.send(()).unwrap();
        upload.await.unwrap();
        assert_eq!(app.until(&id, &["active", "queued"]).await, expected, "{node}");
    }
}

/// Wherever an upload is when its client goes away: the image is whole, or queued again with nothing left of it.
#[tokio::test]
async fn an_upload_given_up_at_any_moment() {
    let app = TestApp::new().await;
    let mut given_up = Vec::new();
    for waits in 0.. {
        let id = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
        if let Some(answer) = app.upload(MEMBER, &id, b"data").given_up_after(waits).await {
            assert_eq!(answer.status, 204);
            break;
        }
        given_up.push(id);
    }
    // How often it waits depends on the threads beside it; for the claim and for its end it always does.
    assert!(given_up.len() >= 2, "an upload waits more often: {}", given_up.len());
    for id in &given_up {
        if app.until(id, &["queued", "active"]).await == "queued" {
            assert_eq!(app.upload(MEMBER, id, b"data").send().await.status, 204);
        }
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data");
    }
    assert_eq!(app.stored_files().len(), given_up.len() + 1);
}
