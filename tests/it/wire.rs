//! HTTP itself, byte by byte on a real socket: what clients and attackers send, and what they get.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::spawn_blocking;

use crate::harness::app::TestApp;
use crate::harness::bytes;
use crate::harness::callers::MEMBER;
use crate::harness::database::{Engine, engine};
use crate::harness::raw::Raw;
use crate::harness::socket::{Listening, is_closed};

/// The headers that make a request a member's.
fn member() -> String {
    let lines: Vec<String> = MEMBER.headers().iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    lines.concat()
}

fn put_head(id: &str, more: &str) -> String {
    let member = member();
    format!(
        "PUT /v2/images/{id}/file HTTP/1.1\r\nHost: t\r\nContent-Type: application/octet-stream\r\n{member}{more}\r\n"
    )
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: t\r\n{}\r\n", member())
}

/// A service, an image that waits for data, and a connection.
async fn waiting_image() -> (TestApp, Listening, String) {
    let app = TestApp::with(|config| {
        config.listener.address.set_port(0);
        config.listener.grace = Duration::from_secs(5);
    })
    .await;
    let id = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    let listening = Listening::start(&app.app).await;
    (app, listening, id)
}

async fn talk<T: Send + 'static>(
    listening: &Listening,
    conversation: impl FnOnce(&mut Raw) -> T + Send + 'static,
) -> T {
    let mut raw = listening.connect();
    spawn_blocking(move || conversation(&mut raw)).await.unwrap()
}

async fn image_status(app: &TestApp, id: &str) -> String {
    app.get(MEMBER, &format!("/v2/images/{id}")).await.json()["status"].as_str().unwrap().to_owned()
}

/// Waits until `id` is `status`: what follows a hang-up happens behind the scenes.
async fn becomes(app: &TestApp, id: &str, status: &str) {
    let begun = Instant::now();
    while image_status(app, id).await != status {
        assert!(begun.elapsed() < Duration::from_secs(20), "still {}", image_status(app, id).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_a_row_are_answered_in_a_row() {
    let (_app, listening, id) = waiting_image().await;
    talk(&listening, move |raw| {
        let paths = ["/versions".to_owned(), format!("/v2/images/{id}"), "/v2/images/nope".to_owned()];
        raw.send(paths.iter().map(|path| get(path)).collect::<String>()).unwrap();
        let statuses: Vec<u16> = paths.iter().map(|_| raw.answer().unwrap().status).collect();
        assert_eq!(statuses, [200, 200, 404]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_is_told_to_go_on() {
    let (app, listening, id) = waiting_image().await;
    let upload = put_head(&id, "Content-Length: 4\r\nExpect: 100-continue\r\n");
    talk(&listening, move |raw| {
        raw.send(upload).unwrap();
        assert_eq!(raw.answer().unwrap().status, 100);
        raw.send("data").unwrap();
        assert_eq!(raw.answer().unwrap().status, 204);
    })
    .await;
    assert_eq!(image_status(&app, &id).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_is_told_no_before_it_sends() {
    let (_app, listening, _) = waiting_image().await;
    let upload = put_head("nope", "Content-Length: 99999999999\r\nExpect: 100-continue\r\n");
    talk(&listening, move |raw| {
        raw.send(upload).unwrap();
        assert_eq!(raw.answer().unwrap().status, 404);
        assert!(is_closed(raw));
    })
    .await;
}

/// A client that sends regardless still gets to read why it was refused, and can use the connection again.
#[tokio::test(flavor = "multi_thread")]
async fn an_early_refusal_reaches_a_client_that_is_still_sending() {
    let (_app, listening, _) = waiting_image().await;
    let length = 64 << 20;
    let upload = put_head("nope", &format!("Content-Length: {length}\r\n"));
    talk(&listening, move |raw| {
        raw.send(upload).unwrap();
        let block = vec![7; 1 << 20];
        for _ in 0..length / block.len() {
            raw.send(&block).unwrap();
        }
        assert_eq!(raw.answer().unwrap().status, 404);
        raw.send(get("/versions")).unwrap();
        assert_eq!(raw.answer().unwrap().status, 200);
    })
    .await;
}

/// (framing of the body, body as sent, status, status of the image)
#[tokio::test(flavor = "multi_thread")]
async fn sized_and_chunked_bodies() {
    let cases = [
        ("Content-Length: 4\r\n", "data".to_owned(), 204, "active"),
        ("Content-Length: 0\r\n", String::new(), 204, "active"),
        ("Transfer-Encoding: chunked\r\n", "2\r\nda\r\n2;x=y\r\nta\r\n0\r\n\r\n".to_owned(), 204, "active"),
        ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n".to_owned(), 204, "active"),
        ("Transfer-Encoding: chunked\r\n", "4\r\ndata\r\n0\r\nX-Auth-Token: x\r\n\r\n".to_owned(), 204, "active"),
        ("", String::new(), 204, "active"),
        ("Transfer-Encoding: chunked\r\n", "zz\r\ndata\r\n0\r\n\r\n".to_owned(), 400, "queued"),
        ("Transfer-Encoding: chunked\r\n", "4\r\ndataXX0\r\n\r\n".to_owned(), 400, "queued"),
        (
            "Transfer-Encoding: chunked\r\nX-OpenStack-Image-Size: 4\r\n",
            "4\r\ndata\r\n0\r\n\r\n".to_owned(),
            204,
            "active",
        ),
        (
            "Transfer-Encoding: chunked\r\nX-OpenStack-Image-Size: 5\r\n",
            "4\r\ndata\r\n0\r\n\r\n".to_owned(),
            400,
            "queued",
        ),
    ];
    for (framing, body, status, becoming) in cases {
        let (app, listening, id) = waiting_image().await;
        let upload = put_head(&id, framing) + &body;
        let answered = talk(&listening, move |raw| {
            raw.send(upload).unwrap();
            raw.answer().unwrap().status
        })
        .await;
        assert_eq!(answered, status, "{framing}{body}");
        becomes(&app, &id, becoming).await;
    }
}

/// Requests that mean one thing to us and another to a proxy in front are refused, and the connection closed.
#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_requests() {
    let (_app, listening, _) = waiting_image().await;
    let cases = [
        "GET /versions HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "GET /versions HTTP/1.1\r\nHost: t\r\nContent-Length: +3\r\n\r\nabc",
        "GET /versions HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "GET /versions HTTP/1.1\r\nHost : t\r\n\r\n",
        "GET /versions HTTP/1.1\r\nHost: t\r\nX: a\r\n b\r\n\r\n",
        "GET  /versions HTTP/1.1\r\nHost: t\r\n\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
    ];
    for case in cases {
        talk(&listening, move |raw| {
            raw.send(case).unwrap();
            let answer = raw.answer();
            assert!(
                answer.is_err() || answer.as_ref().is_ok_and(|answer| answer.status == 400),
                "{case:?}: {answer:?}"
            );
            assert!(is_closed(raw), "{case:?}");
        })
        .await;
    }
}

/// Where a length and chunks stand side by side, the chunks count, and what a proxy may have taken for a part of the body
/// is not taken for a request: there is one answer, and then the end.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled_behind_a_body() {
    let hidden = "GET /versions HTTP/1.1\r\nHost: t\r\n\r\n";
    let framings = [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 99\r\n",
        "transfer-encoding: CHUNKED\r\ncontent-length: 0\r\n",
    ];
    for framing in framings {
        let (app, listening, id) = waiting_image().await;
        let upload = put_head(&id, framing) + "4\r\ndata\r\n0\r\n\r\n" + hidden;
        talk(&listening, move |raw| {
            raw.send(upload).unwrap();
            assert_eq!(raw.answer().unwrap().status, 204, "{framing}");
            assert!(is_closed(raw), "{framing}");
        })
        .await;
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data", "{framing}");
    }
    let refused = [
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4, 5\r\n",
        "Content-Length: -4\r\n",
        "Content-Length: 0x4\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length:\r\n",
    ];
    for framing in refused {
        let (app, listening, id) = waiting_image().await;
        let upload = put_head(&id, framing) + "4\r\ndata\r\n0\r\n\r\n" + hidden;
        talk(&listening, move |raw| {
            raw.send(upload).unwrap();
            let answer = raw.answer();
            let status = answer.as_ref().map(|answer| answer.status);
            assert!(
                answer.is_err() || status.is_ok_and(|status| [400, 431].contains(&status)),
                "{framing}: {status:?}"
            );
            assert!(is_closed(raw), "{framing}");
        })
        .await;
        assert_eq!(image_status(&app, &id).await, "queued", "{framing}");
    }
}

/// What belongs to the chunks of a body is bounded, and decides nothing.
#[tokio::test(flavor = "multi_thread")]
async fn chunks_carry_bytes_only() {
    let long = "x".repeat(1 << 20);
    let cases = [
        (format!("4;a={long}\r\ndata\r\n0\r\n\r\n"), 400, "queued"),
        (format!("4\r\ndata\r\n0\r\nX-Trailer: {long}\r\n\r\n"), 400, "queued"),
        ("ffffffffffffffff1\r\ndata\r\n0\r\n\r\n".into(), 400, "queued"),
        ("-4\r\ndata\r\n0\r\n\r\n".into(), 400, "queued"),
        ("4\r\ndata\r\n0\r\nX-Roles: admin\r\nContent-Length: 9\r\n\r\n".into(), 204, "active"),
    ];
    for (body, status, becoming) in cases {
        let (app, listening, id) = waiting_image().await;
        let upload = put_head(&id, "Transfer-Encoding: chunked\r\n") + &body;
        let answered = talk(&listening, move |raw| {
            // The other side may have had enough before it has read it all.
            let _ = raw.send(upload);
            raw.answer().map_or(400, |answer| answer.status)
        })
        .await;
        assert_eq!(answered, status, "{}", &body[..body.len().min(40)]);
        becomes(&app, &id, becoming).await;
    }
}

/// JSON that never ends is read as far as JSON may go, whatever its form on the wire, and the rest is not kept.
#[tokio::test(flavor = "multi_thread")]
async fn endless_json_is_cut_off() {
    let (_app, listening, id) = waiting_image().await;
    for head in ["POST /v2/images", &format!("PATCH /v2/images/{id}"), &format!("POST /v2/images/{id}/members")] {
        let head = format!(
            "{head} HTTP/1.1\r\nHost: t\r\n{}Content-Type: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
            member(),
            crate::harness::app::PATCH_TYPE
        );
        let (status, sent) = talk(&listening, move |raw| {
            raw.send(head).unwrap();
            let block = format!("10000\r\n{}\r\n", "[".repeat(1 << 16));
            raw.stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            for sent in 0..4096 {
                if raw.send(&block).is_err() {
                    return (0, sent);
                }
                if let Ok(answer) = raw.answer() {
                    return (answer.status, sent);
                }
            }
            (0, 4096)
        })
        .await;
        assert_eq!(status, 413, "after {sent} blocks");
    }
}

/// Headers that are no text, or have a meaning elsewhere, are no reason to fail.
#[tokio::test(flavor = "multi_thread")]
async fn strange_headers() {
    let (_app, listening, _) = waiting_image().await;
    let cases: [(&[u8], u16); 10] = [
        (b"X-OpenStack-Request-Id: \xff\xfe\r\n", 200),
        (b"X-OpenStack-Request-Id: a\tb\r\n", 200),
        (b"Accept: \xff\r\n", 200),
        (b"Accept-Language: \xe9\r\n", 200),
        (b"X-Auth-Token: \xff\r\n", 200),
        (b"Origin: \xff\r\nAccess-Control-Request-Method: \xff\r\n", 200),
        (b"Expect: 200-ok\r\n", 200),
        (b"Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", 200),
        (b"X-Roles: admin\0\r\n", 400),
        (b"X\0: y\r\n", 400),
    ];
    for (header, status) in cases {
        let request =
            [b"GET /v2/images HTTP/1.1\r\nHost: t\r\n".as_slice(), member().as_bytes(), header, b"\r\n"].concat();
        let answered = talk(&listening, move |raw| {
            raw.send(request).unwrap();
            raw.answer().unwrap().status
        })
        .await;
        assert_eq!(answered, status, "{}", String::from_utf8_lossy(header));
    }
    // A Host that could break a link is in no link.
    for host in [&b"\xff"[..], b"", b"a b", b"a/b"] {
        for path in ["/v2", "/versions"] {
            let lines = [b"GET ".as_slice(), path.as_bytes(), b" HTTP/1.1\r\nHost: ", host, b"\r\n"].concat();
            let request = [&lines, member().as_bytes(), b"\r\n"].concat();
            let status = talk(&listening, move |raw| {
                raw.send(request).unwrap();
                raw.answer().unwrap().status
            })
            .await;
            assert!(status < 500, "{}: {status}", String::from_utf8_lossy(host));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_bounded() {
    let (_app, listening, _) = waiting_image().await;
    let big = "x".repeat(1 << 20);
    let cases = [
        (format!("GET /versions HTTP/1.1\r\nHost: t\r\nX-Big: {big}\r\n\r\n"), 431),
        (format!("GET /versions HTTP/1.1\r\nHost: t\r\n{}\r\n", "X-N: 1\r\n".repeat(10_000)), 431),
        (format!("GET /{big} HTTP/1.1\r\nHost: t\r\n\r\n"), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: t\r\n\r\n", "x".repeat(70_000)), 414),
        (format!("GET /versions HTTP/1.1\r\nHost: t\r\nX-OpenStack-Request-Id: {}\r\n\r\n", "r".repeat(65)), 431),
        (format!("GET /versions HTTP/1.1\r\nHost: t\r\n{}\r\n", "X-N: 1\r\n".repeat(100)), 200),
    ];
    for (request, status) in cases {
        talk(&listening, move |raw| {
            // The other side may answer and close before it has read it all.
            let _ = raw.send(&request);
            let answer = raw.answer().map(|answer| answer.status);
            assert_eq!(answer.ok(), Some(status), "{}…", &request[..60]);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_bodies_are_bounded() {
    let (_app, listening, id) = waiting_image().await;
    let post = |body: &str| {
        let member = member();
        format!("POST /v2/images HTTP/1.1\r\nHost: t\r\n{member}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let deep = format!("{}{}", "[".repeat(90_000), "]".repeat(90_000));
    let huge = format!("{{\"name\": \"{}\"}}", "x".repeat(11 << 20));
    let cases = [
        (post(&deep), 400),
        (post(&huge), 413),
        (post("{\"min_ram\": 1e400}"), 400),
        (post("{\"name\": \"\\ud800\"}"), 400),
        (post("{\"name\": \"a\", \"name\": \"b\"}"), 201),
        // The reference's tables on MySQL have no room for it.
        (post("{\"name\": \"\u{1f4be}\"}"), if engine() == Engine::MySql { 400 } else { 201 }),
        (post(&format!("[{}]", vec!["{}"; 40_000].join(","))), 400),
    ];
    for (request, status) in cases {
        let answered = talk(&listening, move |raw| {
            raw.send(&request).unwrap();
            raw.answer().unwrap().status
        })
        .await;
        assert_eq!(answered, status);
    }
    let many = format!("[{}]", vec!["{\"op\":\"add\",\"path\":\"/a\",\"value\":\"b\"}"; 100_000].join(","));
    let patch = format!(
        "PATCH /v2/images/{id} HTTP/1.1\r\nHost: t\r\n{}Content-Type: {}\r\nContent-Length: {}\r\n\r\n{many}",
        member(),
        crate::harness::app::PATCH_TYPE,
        many.len()
    );
    let answered = talk(&listening, move |raw| {
        raw.send(&patch).unwrap();
        raw.answer().unwrap().status
    })
    .await;
    assert_eq!(answered, 413);
}

/// However far a client has come when it hangs up, the image can take data again, and nothing else is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_leaves_nothing() {
    for sent in [0, 1, 1000, 1 << 20, (3 << 20) - 1] {
        let (app, listening, id) = waiting_image().await;
        let head = put_head(&id, &format!("Content-Length: {}\r\n", 3 << 20));
        talk(&listening, move |raw| {
            raw.send(head).unwrap();
            raw.send(bytes::text(1, 0, sent)).unwrap();
        })
        .await;
        let begun = Instant::now();
        while app.upload(MEMBER, &id, b"data").send().await.status != 204 {
            assert!(begun.elapsed() < Duration::from_secs(20), "after {sent} bytes the image is still not free");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(app.stored_files(), std::slice::from_ref(&id), "after {sent} bytes");
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data");
    }
}

/// A client that sends nothing, or takes nothing, is cut off; others are not disturbed.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_stall_are_cut_off() {
    let app = TestApp::with(|config| {
        config.listener.address.set_port(0);
        config.listener.head_timeout = Duration::from_millis(300);
        config.listener.stall_timeout = Duration::from_millis(300);
    })
    .await;
    let id = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    let full = app.active(MEMBER, json!({}), &bytes::text(1, 0, 32 << 20)).await;
    let listening = Listening::start(&app.app).await;

    let slow_head = talk(&listening, |raw| {
        raw.send("GET /versions HTTP/1.1\r\nHos").unwrap();
        raw.answer().map(|answer| answer.status)
    });
    assert!(slow_head.await.is_err_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof));

    let upload = put_head(&id, "Content-Length: 100\r\n");
    let stalled = talk(&listening, move |raw| {
        raw.send(upload + "some").unwrap();
        raw.answer().unwrap().status
    });
    assert_eq!(stalled.await, 400);
    becomes(&app, &id, "queued").await;

    let download = get(&format!("/v2/images/{full}/file"));
    let taken = talk(&listening, move |raw| {
        raw.send(download).unwrap();
        std::thread::sleep(Duration::from_millis(1500));
        let mut taken = 0;
        while let Ok(count @ 1..) = std::io::Read::read(&mut raw.stream, &mut [0; 16 << 10]) {
            taken += count;
        }
        taken
    });
    assert!(taken.await < 32 << 20, "the rest was not kept for it");
    assert_eq!(app.get(MEMBER, "/versions").await.status, 200);
}

/// At the stop no new connection is taken, running requests end well, and those that do not end are cut.
#[tokio::test(flavor = "multi_thread")]
async fn stopping() {
    let (app, listening, id) = waiting_image().await;
    let other = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    let (mut idle, mut busy, mut stuck) = (listening.connect(), listening.connect(), listening.connect());
    busy.send(put_head(&id, "Content-Length: 4\r\n") + "da").unwrap();
    stuck.send(put_head(&other, "Content-Length: 4\r\n") + "da").unwrap();
    becomes(&app, &id, "saving").await;
    becomes(&app, &other, "saving").await;
    let address = listening.address;
    let stopped = listening.stop();
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5), "still taking connections");
    }
    spawn_blocking(move || {
        assert!(is_closed(&mut idle));
        busy.stream.write_all(b"ta").unwrap();
        assert_eq!(busy.answer().unwrap().status, 204);
        assert!(is_closed(&mut busy));
    })
    .await
    .unwrap();
    assert_eq!(image_status(&app, &id).await, "active");
    stopped.await.unwrap();
    becomes(&app, &other, "queued").await;
    assert_eq!(app.stored_files(), [id]);
}
