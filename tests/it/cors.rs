//! What the pages of other sites may do: the answers of oslo.middleware's CORS filter.

use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::callers::{ANONYMOUS, Caller, MEMBER};

const PAGE: &str = "https://dashboard.test";
const EVIL: &str = "https://evil.test";

/// The headers of an answer that are about pages of other sites, in the order of this list, as `name: value`.
const ABOUT_PAGES: [&str; 7] = [
    "vary",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-max-age",
    "access-control-allow-methods",
    "access-control-allow-headers",
];

const EXPOSED: &str = "X-Image-Meta-Checksum,X-Auth-Token,X-Subject-Token,X-Service-Token,X-OpenStack-Request-ID";

async fn asked(
    app: &TestApp,
    caller: Caller,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, Vec<(&'static str, String)>) {
    let mut ask = app.request(caller, method, path);
    for (name, value) in headers {
        ask = ask.header(name, value);
    }
    let answer = ask.send().await;
    let about = |name: &&'static str| Some((*name, answer.header(name)?.to_owned()));
    (answer.status, ABOUT_PAGES.iter().filter_map(about).collect())
}

fn named(origin: &str) -> Vec<(&'static str, String)> {
    vec![
        ("vary", "Origin".into()),
        ("access-control-allow-origin", origin.into()),
        ("access-control-allow-credentials", "true".into()),
    ]
}

fn exposed(origin: &str) -> Vec<(&'static str, String)> {
    let mut all = named(origin);
    all.push(("access-control-expose-headers", EXPOSED.into()));
    all
}

fn permitted(origin: &str, method: &str, headers: Option<&str>) -> Vec<(&'static str, String)> {
    let mut all = named(origin);
    all.push(("access-control-max-age", "3600".into()));
    all.push(("access-control-allow-methods", method.into()));
    all.extend(headers.map(|headers| ("access-control-allow-headers", headers.to_owned())));
    all
}

async fn with_origins(origins: &[&str]) -> TestApp {
    let origins: Vec<String> = origins.iter().map(|&origin| origin.to_owned()).collect();
    TestApp::with(|config| config.cors.allowed_origin = origins).await
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read() {
    let app = with_origins(&["https://other.test:8443", PAGE]).await;
    let cases = [
        (MEMBER, "/v2/images", PAGE, 200, exposed(PAGE)),
        (MEMBER, "/v2/images", "https://other.test:8443", 200, exposed("https://other.test:8443")),
        (MEMBER, "/v2/images/nope", PAGE, 404, exposed(PAGE)),
        (MEMBER, "/v2/%ff", PAGE, 400, exposed(PAGE)),
        (ANONYMOUS, "/v2/images", PAGE, 401, exposed(PAGE)),
        (ANONYMOUS, "/", PAGE, 300, exposed(PAGE)),
        (MEMBER, "/v2/images", EVIL, 200, vec![]),
        (MEMBER, "/v2/images", "https://other.test", 200, vec![]),
        (MEMBER, "/v2/images", "null", 200, vec![]),
        (MEMBER, "/v2/images", "*", 200, vec![]),
        // The health check stands beside the filter.
        (ANONYMOUS, "/healthcheck", PAGE, 200, vec![]),
    ];
    for (caller, path, origin, status, about) in cases {
        let answer = asked(&app, caller, "GET", path, &[("origin", origin)]).await;
        assert_eq!(answer, (status, about), "{path} {origin}");
    }
    assert_eq!(asked(&app, MEMBER, "GET", "/v2/images", &[]).await, (200, vec![]));
}

/// (path, origin, method wanted, headers wanted, what is permitted): the answer is 200 and empty whatever it is.
#[tokio::test]
async fn browsers_ask_first() {
    let app = with_origins(&[PAGE]).await;
    let cases = [
        ("/v2/images", PAGE, Some("GET"), None, permitted(PAGE, "GET", None)),
        ("/v2/nothere", PAGE, Some("DELETE"), None, permitted(PAGE, "DELETE", None)),
        ("/", PAGE, Some("PATCH"), None, permitted(PAGE, "PATCH", None)),
        (
            "/v2/images",
            PAGE,
            Some("PUT"),
            Some("x-auth-token, CONTENT-TYPE,,content-md5"),
            permitted(PAGE, "PUT", Some("x-auth-token,CONTENT-TYPE,content-md5")),
        ),
        ("/v2/images", PAGE, Some("GET"), Some("x-auth-token, x-evil"), vec![]),
        ("/v2/images", PAGE, Some("get"), None, vec![]),
        ("/v2/images", PAGE, Some("TRACE"), None, vec![]),
        ("/v2/images", PAGE, None, None, vec![]),
        ("/v2/images", EVIL, Some("GET"), None, vec![]),
    ];
    for (path, origin, method, headers, about) in cases {
        let mut sent = vec![("origin", origin)];
        sent.extend(method.map(|method| ("access-control-request-method", method)));
        sent.extend(headers.map(|headers| ("access-control-request-headers", headers)));
        let answer = asked(&app, ANONYMOUS, "OPTIONS", path, &sent).await;
        assert_eq!(answer, (200, about), "{path} {sent:?}");
    }
    for path in ["/", "/v2", "/v2/images", "/v2/images/x", "/v2/nothere", "/v3/images", "/%ff"] {
        let answer = app.request(ANONYMOUS, "OPTIONS", path).send().await;
        assert_eq!((answer.status, answer.text(), answer.header("content-type")), (200, "", None), "{path}");
    }
    // What the API itself answers well stays.
    let versions = app.request(ANONYMOUS, "OPTIONS", "/versions").header("origin", PAGE).send().await;
    assert_eq!((versions.status, versions.json()["versions"].is_array()), (200, true));
}

#[tokio::test]
async fn options_of_the_filter() {
    let app = TestApp::with(|config| {
        config.cors.allowed_origin = vec!["*".into(), PAGE.into()];
        config.cors.allow_credentials = false;
        config.cors.max_age = Some(0);
        config.cors.expose_headers = vec![];
        config.cors.allow_methods = vec!["HEAD".into()];
        config.cors.allow_headers = vec![];
    })
    .await;
    let plain = |origin: &str| vec![("vary", "Origin".to_owned()), ("access-control-allow-origin", origin.to_owned())];
    assert_eq!(asked(&app, MEMBER, "GET", "/v2/images", &[("origin", PAGE)]).await, (200, plain(PAGE)));
    assert_eq!(asked(&app, MEMBER, "GET", "/v2/images", &[("origin", EVIL)]).await, (200, plain("*")));
    let ask = [("origin", EVIL), ("access-control-request-method", "HEAD")];
    let mut permitted = plain("*");
    permitted.push(("access-control-allow-methods", "HEAD".into()));
    assert_eq!(asked(&app, MEMBER, "OPTIONS", "/v2/images", &ask).await, (200, permitted));
}

/// A page cannot send a request that changes something without asking first: what needs no question is not understood
/// (T92), or has no token.
#[tokio::test]
async fn forms_change_nothing() {
    let app = with_origins(&[PAGE]).await;
    let id = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let patch = app.request(MEMBER, "PATCH", &format!("/v2/images/{id}")).header("content-type", content_type);
        assert_eq!(patch.body("[]").send().await.status, 415, "{content_type}");
        let upload = app.request(MEMBER, "PUT", &format!("/v2/images/{id}/file")).header("content-type", content_type);
        assert_eq!(upload.body("data").send().await.status, 415, "{content_type}");
        let create = app.request(ANONYMOUS, "POST", "/v2/images").header("content-type", content_type);
        assert_eq!(create.body("{}").send().await.status, 401, "{content_type}");
    }
}
