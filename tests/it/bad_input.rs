//! Input that is wrong, hostile or far too much: a clear refusal, never a failure of ours, never a word too many.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::harness::app::{Answer, PATCH_TYPE, TestApp};
use crate::harness::callers::{ADMIN, ANONYMOUS, MEMBER, OTHER};
use crate::harness::database::{Engine, engine};

const OCTETS: &str = "application/octet-stream";

/// What no answer may ever say.
const SECRETS: [&str; 9] =
    ["panicked", ".rs:", "SELECT", "INSERT", "sqlite", "constraint", "glint_", "Traceback", "/images/tmp"];

/// Holds an answer to what every refusal is: the client's fault, and silent about our insides.
fn is_clean(app: &TestApp, answer: &Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
    let folder = app.folder().to_str().unwrap();
    for secret in SECRETS.into_iter().chain([folder]) {
        assert!(!answer.text().contains(secret), "{what} tells {secret}: {}", answer.text());
    }
}

/// (body, status, message) of a new image.
#[tokio::test]
async fn json_that_is_none() {
    let app = TestApp::new().await;
    // PostgreSQL cannot keep it.
    let nul = if engine() == Engine::PostgreSql { (400, UNFIT) } else { (201, "") };
    let (malformed, no_container) = ("Malformed JSON in request body.|", "Unexpected body type. Expected list/dict.|");
    let deep = |open: &str, close: &str| open.repeat(90_000) + "1" + &close.repeat(90_000);
    let cases: [(Vec<u8>, u16, &str); 31] = [
        (b"{".into(), 400, malformed),
        (b"}".into(), 400, malformed),
        (b"nul".into(), 400, malformed),
        (b"{\"name\": \"a\",}".into(), 400, malformed),
        (b"{'name': 'a'}".into(), 400, malformed),
        (b"{\"name\": \"a\"} x".into(), 400, malformed),
        (b"{\"name\": \"a\x00b\"}".into(), 400, malformed),
        (b"{\"name\": \"a\nb\"}".into(), 400, malformed),
        (b"{\"name\": \"\xff\"}".into(), 400, malformed),
        (b"\xff\xfe".into(), 400, malformed),
        (b"\xef\xbb\xbf{}".into(), 400, malformed),
        (b"\xff\xfe{\x00}\x00".into(), 400, malformed),
        // compat: the reference reads these, and refuses or fails later.
        (b"{\"min_ram\": NaN}".into(), 400, malformed),
        (b"{\"min_ram\": 1e400}".into(), 400, malformed),
        (b"{\"name\": \"\\ud800\"}".into(), 400, malformed),
        (b"{\"name\": \"\\udc00\\ud800\"}".into(), 400, malformed),
        (deep("[", "]").into(), 400, malformed),
        (deep("{\"a\":", "}").into(), 400, malformed),
        (b"null".into(), 400, no_container),
        (b"1".into(), 400, no_container),
        (b"\"a\"".into(), 400, no_container),
        (b"true".into(), 400, no_container),
        (b"".into(), 400, "Body expected in request.|"),
        (
            b"{\"min_ram\": 99999999999999999999}".into(),
            400,
            "'min_ram' value out of range, must not exceed 2147483647.|",
        ),
        (b"{\"min_ram\": 2147483648}".into(), 400, "'min_ram' value out of range, must not exceed 2147483647.|"),
        (format!("[{}]", vec!["1"; 100_000].join(",")).into(), 413, "A JSON body may have 100000 values at the most.|"),
        (
            format!("{{\"a\": \"{}\"}}", "x".repeat(10 << 20)).into(),
            413,
            "A JSON body may have 10485760 bytes at the most.|",
        ),
        (b"  {\"name\": \"spaces\"}\r\n\t".into(), 201, ""),
        (b"{\"name\": \"a\", \"name\": \"b\"}".into(), 201, ""),
        (b"{\"name\": \"\\u0000\", \"tags\": [\"\\u0000\"], \"a\\u0000b\": \"\\u0000\"}".into(), nul.0, nul.1),
        (b"{\"min_ram\": 1e2, \"min_disk\": -0, \"__proto__\": \"x\"}".into(), 201, ""),
    ];
    for (body, status, message) in cases {
        let what = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let answer = app.request(MEMBER, "POST", "/v2/images").body(body).send().await;
        if status == 201 {
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
        } else {
            assert_eq!((answer.status, answer.message()), (status, message.to_owned()), "{what}");
        }
    }
    let list = app.get(MEMBER, "/v2/images?sort=created_at:asc,name").await.json();
    let names: Vec<&str> =
        list["images"].as_array().unwrap().iter().filter_map(|image| image["name"].as_str()).collect();
    let kept = ["spaces", "b", "\0"];
    // Those of one second are in any order where times have whole seconds, but by their names.
    assert_eq!(
        names.iter().collect::<BTreeSet<_>>(),
        kept.iter().filter(|name| **name != "\0" || nul.0 == 201).collect()
    );
}

/// Every way in for JSON, with every kind of what is none: the status is the client's fault, and nothing changes.
#[tokio::test]
async fn every_body_is_read_with_care() {
    let app = TestApp::with(|config| config.api.enabled_import_methods = vec!["web-download".into()]).await;
    let id = app.create(MEMBER, json!({"name": "kept", "visibility": "shared"})).await;
    assert_eq!(
        app.request(MEMBER, "POST", &format!("/v2/images/{id}/members"))
            .json(&json!({"member": "p2"}))
            .send()
            .await
            .status,
        200
    );
    let before = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    let places = [
        (MEMBER, "POST", "/v2/images".to_owned()),
        (MEMBER, "PATCH", format!("/v2/images/{id}")),
        (MEMBER, "POST", format!("/v2/images/{id}/members")),
        (OTHER, "PUT", format!("/v2/images/{id}/members/p2")),
        (MEMBER, "POST", format!("/v2/images/{id}/import")),
        (ADMIN, "POST", format!("/v2/images/{id}/locations")),
        (ADMIN, "POST", "/v2/tasks".into()),
        (ADMIN, "PUT", "/v2/metadefs/namespaces/n".into()),
        (ADMIN, "POST", "/v2/metadefs/namespaces/n/objects".into()),
    ];
    let bodies: Vec<Vec<u8>> = vec![
        b"".into(),
        b"{".into(),
        b"null".into(),
        b"7".into(),
        b"\"x\"".into(),
        b"\xff".into(),
        b"\x00".into(),
        b"{\"\\ud800\": 1}".into(),
        b"[[[[[[[[]]]]]]]]".into(),
        b"[null]".into(),
        b"[{}]".into(),
        b"[{\"op\": {}, \"path\": [], \"value\": {}}]".into(),
        b"{\"status\": {}, \"member\": {}, \"method\": [], \"name\": {}, \"tags\": {\"a\": 1}}".into(),
        b"{\"status\": 7, \"member\": 7, \"method\": 7, \"name\": 7, \"locations\": 7}".into(),
        ("[".repeat(90_000)).into(),
        format!("[{}]", vec!["{}"; 45_000].join(",")).into(),
        format!("{{{}}}", (0..90_000).map(|at| format!("\"{at}\":7")).collect::<Vec<_>>().join(",")).into(),
    ];
    for (caller, method, path) in &places {
        for body in &bodies {
            let what = format!("{method} {path} {}", String::from_utf8_lossy(&body[..body.len().min(60)]));
            let ask = app.request(*caller, method, path).header("content-type", PATCH_TYPE).body(body.clone());
            let answer = ask.send().await;
            is_clean(&app, &answer, &what);
        }
    }
    let after = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!(before, after);
    assert_eq!(app.get(MEMBER, "/v2/images").await.json()["images"].as_array().unwrap().len(), 1);
}

/// However long what was wrong is, what is said about it is not.
#[tokio::test]
async fn refusals_are_short() {
    let app = TestApp::new().await;
    let long = "x'\u{e9}".repeat(300_000);
    let deep = (0..60).fold(json!(1), |inside, _| json!([inside]));
    for image in [
        json!({"name": long}),
        json!({"id": long}),
        json!({"disk_format": long}),
        json!({"tags": [long]}),
        json!({"p": [long]}),
        json!({"p": vec![7; 90_000]}),
        json!({"p": {long.as_str(): long}}),
        json!({"p": deep}),
        json!({"min_ram": long}),
    ] {
        let answer = app.request(MEMBER, "POST", "/v2/images").json(&image).send().await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().len() < 10_000, "{} bytes", answer.text().len());
    }
}

/// A patch of a million operations, one of as many as may be, and one more.
#[tokio::test]
async fn patches_are_bounded() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({"name": "n"})).await;
    let patch = |count: usize, operation: &str| {
        let body = format!("[{}]", vec![operation; count].join(","));
        app.request(MEMBER, "PATCH", &format!("/v2/images/{id}")).header("content-type", PATCH_TYPE).body(body).send()
    };
    let add = r#"{"op":"replace","path":"/name","value":"m"}"#;
    assert_eq!(patch(1_000_000, add).await.status, 413);
    assert_eq!(patch(1_000_000, "{}").await.status, 413);
    assert_eq!(patch(10_001, add).await.status, 413);
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json()["name"], "n");
    assert_eq!(patch(10_000, add).await.status, 200);
}

/// (method, path, whether JSON is expected there): what a client says about its body.
#[tokio::test]
async fn content_types() {
    let app = TestApp::new().await;
    let types =
        ["", "x", "text/plain", "text/html", "application/xml", "multipart/form-data; boundary=x", "image/png", "*/*"];
    let more = ["application/json-patch+json", "application/openstack-images-v2.2-json-patch", "a/b;c=\u{e9}"];
    for content_type in types.into_iter().chain(more).chain(["application/json"]) {
        let id = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
        let put = |method, path: &str, body: &'static str| {
            app.request(MEMBER, method, &format!("/v2/images/{id}{path}"))
                .header("content-type", content_type)
                .body(body)
        };
        for (method, path) in [("PATCH", ""), ("PUT", "/file")] {
            let answer = put(method, path, "[]").send().await;
            assert_eq!(answer.status, 415, "{method} {path} {content_type:?}");
            is_clean(&app, &answer, content_type);
        }
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json()["status"], "queued");
        // compat: elsewhere nobody looks.
        assert_eq!(put("POST", "/members", r#"{"member": "p2"}"#).send().await.status, 200, "{content_type:?}");
    }
    let id = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    let path = format!("/v2/images/{id}/file");
    let upload = app.request(MEMBER, "PUT", &path).header("content-type", "application/octet-stream; x=y");
    assert_eq!(upload.body("data").send().await.status, 204);
    assert!(app.request(MEMBER, "PUT", &path).header("content-type", OCTETS).body("x").send().await.status == 409);
}

/// Texts that would change a statement if they came to stand in it, or mean something to a pattern.
/// What is said of a value that the database cannot keep.
const UNFIT: &str =
    "The server could not comply with the request since it is either malformed or otherwise incorrect.|";

/// Those of `METACHARACTERS` that the database can keep: PostgreSQL has no NUL in its texts.
fn kept() -> impl Iterator<Item = &'static str> {
    METACHARACTERS.into_iter().filter(|text| engine() != Engine::PostgreSql || !text.contains('\0'))
}

const METACHARACTERS: [&str; 16] = [
    "' OR 1=1--",
    "'; DROP TABLE images; --",
    "\" OR \"\"=\"",
    "x' UNION ALL VALUES (1, 2, 3) --",
    "%",
    "_",
    "%%%",
    "*",
    "?",
    "\\",
    "\\'",
    "a\0b",
    "$1",
    "@name",
    "`",
    "\u{2019} OR 1=1",
];

/// Every filter means its text literally: it finds what has exactly this text, if anything can have it.
#[tokio::test]
async fn filters_are_literal() {
    let app = TestApp::new().await;
    app.create(MEMBER, json!({"name": "plain", "tags": ["plain"], "p": "plain"})).await;
    let columns = [
        "owner",
        "checksum",
        "os_hash_value",
        "os_hash_algo",
        "status",
        "id",
        "container_format",
        "disk_format",
        "min_ram",
        "min_disk",
        "size",
        "virtual_size",
        "marker",
        "limit",
        "sort_key",
        "sort_dir",
        "sort",
        "visibility",
        "member_status",
        "protected",
        "os_hidden",
        "created_at",
        "updated_at",
        "size_min",
        "size_max",
        "nothere_min",
        "nothere_max",
        "is_public",
        "changes-since",
    ];
    for text in kept() {
        app.create(MEMBER, json!({"name": text, "tags": [text], "p": text, text: "of this name"})).await;
        let url = encoded(text);
        let quoted = encoded(&format!("in:\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
        for query in [format!("name={url}"), format!("tag={url}"), format!("p={url}"), format!("{url}=of+this+name")] {
            let answer = app.get(MEMBER, &format!("/v2/images?{query}")).await;
            assert_eq!(answer.status, 200, "{query}: {}", answer.text());
            let found = answer.json()["images"].clone();
            let names: Vec<&str> =
                found.as_array().unwrap().iter().filter_map(|image| image["name"].as_str()).collect();
            assert_eq!(names, [text], "{query}");
        }
        assert!(app.get(MEMBER, &format!("/v2/images?name={quoted}")).await.status < 500, "{quoted}");
        for column in columns {
            let answer = app.get(MEMBER, &format!("/v2/images?{column}={url}")).await;
            match answer.status {
                200 => assert_eq!(answer.json()["images"], json!([]), "{column}={url}"),
                _ => is_clean(&app, &answer, &format!("{column}={url}")),
            }
        }
    }
    assert_eq!(app.get(MEMBER, "/v2/images").await.json()["images"].as_array().unwrap().len(), kept().count() + 1);
}

/// Tags, members and ids in paths mean their text, too.
#[tokio::test]
async fn places_are_literal() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({"visibility": "shared"})).await;
    for text in kept() {
        let url = encoded(text);
        let tag = format!("/v2/images/{id}/tags/{url}");
        assert_eq!(app.request(MEMBER, "DELETE", &tag).send().await.status, 404, "{text}");
        assert_eq!(app.request(MEMBER, "PUT", &tag).send().await.status, 204, "{text}");
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json()["tags"], json!([text]));
        assert_eq!(app.request(MEMBER, "DELETE", &tag).send().await.status, 204, "{text}");
        let members = format!("/v2/images/{id}/members");
        let member = format!("{members}/{url}");
        assert_eq!(app.get(MEMBER, &member).await.status, 404, "{text}");
        let added = app.request(MEMBER, "POST", &members).json(&json!({"member": text})).send().await;
        assert_eq!((added.status, &added.json()["member_id"]), (200, &json!(text)));
        assert_eq!(app.get(MEMBER, &member).await.json()["member_id"], text);
        assert_eq!(app.request(MEMBER, "DELETE", &member).send().await.status, 204, "{text}");
        for path in ["", "/file", "/members", "/members/x", "/tags/x", "/actions/deactivate", "/import"] {
            let answer = app.get(MEMBER, &format!("/v2/images/{url}{path}")).await;
            is_clean(&app, &answer, &format!("{text} {path}"));
        }
    }
}

/// Ids that try to be paths, or are written otherwise than ours, are no ids (T85).
#[tokio::test]
async fn ids_lead_nowhere_else() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({}), b"data").await;
    let strange = [
        "..".to_owned(),
        "%2e%2e".into(),
        "..%2f..%2fetc%2fpasswd".into(),
        "%2fetc%2fpasswd".into(),
        "..%5c..%5cetc".into(),
        "%00".into(),
        format!("{id}%00"),
        format!("{id}%0a"),
        format!("%20{id}"),
        format!("%7B{id}%7D"),
        format!("urn:uuid:{id}"),
        id.replace('-', ""),
        "x".repeat(36),
        "\u{665}".repeat(18).bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02x}").unwrap();
            text
        }),
        "1".repeat(10_000),
    ];
    for strange in strange {
        for (method, path) in [
            ("GET", ""),
            ("DELETE", ""),
            ("PATCH", ""),
            ("GET", "/file"),
            ("PUT", "/file"),
            ("GET", "/members"),
            ("PUT", "/tags/x"),
            ("POST", "/actions/deactivate"),
        ] {
            let ask = app.request(ADMIN, method, &format!("/v2/images/{strange}{path}"));
            let ask = match method {
                "PATCH" => ask.header("content-type", PATCH_TYPE).body("[]"),
                "PUT" if path == "/file" => ask.header("content-type", OCTETS).body("evil"),
                _ => ask,
            };
            let answer = ask.send().await;
            assert!([404, 405].contains(&answer.status), "{method} {strange}{path}: {}", answer.status);
            is_clean(&app, &answer, &strange);
        }
    }
    let upper = app.get(MEMBER, &format!("/v2/images/{}", id.to_uppercase())).await;
    // MariaDB's collation makes no difference between the two.
    assert!(upper.status == 404 || id.to_uppercase() == id || engine() == Engine::MySql);
    assert_eq!(app.stored_files(), [id.as_str()]);
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data");
}

/// As many conditions as a query may have are answered, and one more is refused.
#[tokio::test]
async fn queries_are_bounded() {
    let app = TestApp::new().await;
    let properties: serde_json::Map<String, Value> = (0..100).map(|at| (format!("p{at}"), json!("v"))).collect();
    let tags: Vec<String> = (0..100).map(|at| format!("t{at}")).collect();
    let mut image = json!({"name": "rich", "tags": tags});
    image.as_object_mut().unwrap().extend(properties);
    let id = app.create(MEMBER, image).await;
    let many = |count: usize, what: &dyn Fn(usize) -> String| (0..count).map(what).collect::<Vec<_>>().join("&");
    let cases: [(String, u16, usize); 13] = [
        (many(500, &|at| format!("p{}=v", at % 100)), 200, 1),
        (many(500, &|at| format!("p{at}=v")), 200, 0),
        (many(500, &|at| format!("tag=t{}", at % 100)), 200, 1),
        (many(501, &|at| format!("tag=t{}", at % 100)), 400, 0),
        (many(501, &|_| "name=rich".to_owned()), 200, 1),
        (many(500, &|_| "name=in:rich,%22x%22".to_owned()), 200, 1),
        (many(32, &|_| format!("name=in:{}rich", "x,".repeat(999))), 200, 1),
        (format!("sort={}&marker={id}", vec!["name:asc,size"; 4000].join(",")), 200, 0),
        (many(990, &|_| "sort_key=name".to_owned()) + &format!("&marker={id}"), 200, 0),
        (format!("name=in:{}rich", "x,".repeat(999)), 200, 1),
        (format!("name=in:{}rich", "x,".repeat(1000)), 400, 0),
        (many(1001, &|at| format!("p{at}=v")), 400, 0),
        (many(8, &|_| "sort_key=name".to_owned()), 200, 1),
    ];
    for (query, status, found) in cases {
        let answer = app.get(MEMBER, &format!("/v2/images?{query}")).await;
        let what = &query[..query.len().min(60)];
        assert_eq!(answer.status, status, "{what}: {}", &answer.text()[..answer.text().len().min(300)]);
        match status {
            200 => assert_eq!(answer.json()["images"].as_array().unwrap().len(), found, "{what}"),
            _ => is_clean(&app, &answer, what),
        }
    }
}

/// What is in a header never decides what only the service decides (T25), nor gets into an answer as another header.
#[tokio::test]
async fn headers_decide_nothing() {
    let app = TestApp::new().await;
    let claims = [
        ("x-image-meta-status", "active"),
        ("x-image-meta-size", "7"),
        ("x-image-meta-checksum", "00"),
        ("x-image-meta-owner", "p2"),
        ("x-image-meta-is-public", "true"),
        ("x-image-meta-property-os_glance_x", "y"),
        ("x-owner", "p2"),
    ];
    let ask = app.request(MEMBER, "POST", "/v2/images").json(&json!({"name": "n"}));
    let answer = claims.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await;
    let image = answer.json();
    assert_eq!((answer.status, &image["status"], &image["owner"]), (201, &json!("queued"), &json!("p1")));
    assert_eq!(
        (&image["size"], &image["checksum"], &image["visibility"]),
        (&Value::Null, &Value::Null, &json!("shared"))
    );
    assert_eq!(image["os_glance_x"], Value::Null);

    // What an image is called comes back in bodies only.
    let evil = "n\r\nX-Evil: yes\r\n\r\n<html>";
    let id = app.active(MEMBER, json!({"name": evil, "tags": [evil], "p": evil}), b"data").await;
    for path in [String::new(), "/file".into(), "/members".into()] {
        let answer = app.get(MEMBER, &format!("/v2/images/{id}{path}")).await;
        assert_eq!((answer.status, answer.header("x-evil")), (200, None), "{path}");
    }
    let evil = "/v2/images/a%0d%0aX-Evil:%20yes";
    let answer = app.request(MEMBER, "GET", evil).header("accept", "text/html").send().await;
    assert_eq!((answer.status, answer.header("x-evil")), (404, None));
    let tag = app.request(MEMBER, "GET", "/v2/images/%3Cscript%3E").header("accept", "text/html").send().await;
    assert!(tag.text().contains("&lt;script&gt;") && !tag.text().contains("<script>"), "{}", tag.text());
}

/// `Accept`, `Accept-Language` and their like may be anything.
#[tokio::test]
async fn preferences_are_optional() {
    let app = TestApp::new().await;
    let strange = [";", "q=1", "*/*;q=", "a/b;q=9", "\"", "de;q=x,,,", "*", "\t", &"x,".repeat(5000)];
    for value in strange {
        for name in ["accept-language", "accept-charset", "accept-encoding", "x-auth-token", "if-none-match", "range"] {
            let answer = app.request(MEMBER, "GET", "/v2/images").header(name, value).send().await;
            assert_eq!(answer.status, 200, "{name}: {value}");
        }
        let answer = app.request(MEMBER, "GET", "/v2/images/nope").header("accept", value).send().await;
        assert_eq!(answer.status, 404, "accept: {value}");
    }
    let german = app.request(MEMBER, "GET", "/v2/images/nope").header("accept-language", "de, fr;q=0.5").send().await;
    assert_eq!(german.message(), "No image found with ID nope|");
    assert_eq!(app.get(ANONYMOUS, "/v2/images").await.status, 401);
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut url, byte| {
        write!(url, "%{byte:02X}").unwrap();
        url
    })
}
