//! Answers in gzip, where the paste file has the filter.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use serde_json::json;

use crate::harness::app::{Answer, TestApp};
use crate::harness::bytes;
use crate::harness::callers::MEMBER;

async fn app() -> TestApp {
    TestApp::with(|config| config.api.gzip = true).await
}

fn unpacked(answer: &Answer) -> Vec<u8> {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(answer.body.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// (`Accept-Encoding`, whether the answer is compressed)
#[tokio::test]
async fn who_can_read_it_gets_it() {
    let app = app().await;
    let cases = [
        (None, false),
        (Some("identity"), false),
        (Some("gzip"), true),
        (Some("deflate, gzip;q=1.0, *;q=0.5"), true),
        (Some("GZIP"), true),
        (Some("x-gzip"), true),
        (Some("gzip; q=0"), false),
        (Some("gzip;q=0.000"), false),
        (Some("gzipped"), false),
        (Some("*"), false),
    ];
    let plain = app.get(MEMBER, "/v2/schemas/image").await;
    for (accepted, compressed) in cases {
        let mut ask = app.request(MEMBER, "GET", "/v2/schemas/image");
        if let Some(accepted) = accepted {
            ask = ask.header("accept-encoding", accepted);
        }
        let answer = ask.send().await;
        assert_eq!(answer.header("content-encoding"), compressed.then_some("gzip"), "{accepted:?}");
        assert_eq!(answer.header("content-type"), plain.header("content-type"));
        assert!(!compressed || answer.body.len() < plain.body.len());
        assert!(if compressed { unpacked(&answer) == plain.body } else { answer.body == plain.body }, "{accepted:?}");
    }
    let off = TestApp::new().await;
    let answer = off.request(MEMBER, "GET", "/v2/images").header("accept-encoding", "gzip").send().await;
    assert_eq!(answer.header("content-encoding"), None);
}

#[tokio::test]
async fn images_are_compressed_as_they_come() {
    let app = app().await;
    let data = bytes::text(3, 0, 3_000_001);
    let id = app.active(MEMBER, json!({}), &data).await;
    let file = format!("/v2/images/{id}/file");
    let answer = app.request(MEMBER, "GET", &file).header("accept-encoding", "gzip").send().await;
    assert_eq!(
        (answer.status, answer.header("content-encoding"), answer.header("content-length")),
        (200, Some("gzip"), None)
    );
    assert!(unpacked(&answer) == data);
    let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!(answer.header("content-md5"), image["checksum"].as_str());

    let part = app.request(MEMBER, "GET", &file).header("accept-encoding", "gzip").header("range", "bytes=5-104");
    let answer = part.send().await;
    assert_eq!((answer.status, answer.header("content-range")), (206, Some("bytes 5-104/3000001")));
    assert!(unpacked(&answer) == data[5..105]);
}

/// (method, path, status)
#[tokio::test]
async fn what_has_no_body_stays_as_it_is() {
    let app = app().await;
    let id = app.create(MEMBER, json!({})).await;
    for (method, path, status) in
        [("GET", format!("/v2/images/{id}/file"), 204), ("DELETE", format!("/v2/images/{id}"), 204)]
    {
        let answer = app.request(MEMBER, method, &path).header("accept-encoding", "gzip").send().await;
        assert_eq!((answer.status, answer.header("content-encoding"), answer.body.len()), (status, None, 0));
    }
    let answer = app.request(MEMBER, "GET", "/v2/images/nope").header("accept-encoding", "gzip").send().await;
    assert_eq!((answer.status, answer.header("content-encoding")), (404, Some("gzip")));
    assert!(String::from_utf8(unpacked(&answer)).unwrap().contains("404"));
}
