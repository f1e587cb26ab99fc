//! What is off or not there yet answers as the reference does where it is off; and every path says which methods it has.

use glint::api::routes::ROUTES;
use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, MEMBER, OTHER, READER};

/// (path, `Allow`): the 49 rows of the reference's router that refuse a method.
const REFUSING: [(&str, &str); 49] = [
    ("/schemas/image", "GET"),
    ("/schemas/images", "GET"),
    ("/schemas/member", "GET"),
    ("/schemas/members", "GET"),
    ("/schemas/task", "GET"),
    ("/schemas/tasks", "GET"),
    ("/schemas/metadefs/namespace", "GET"),
    ("/schemas/metadefs/namespaces", "GET"),
    ("/schemas/metadefs/resource_type", "GET"),
    ("/schemas/metadefs/resource_types", "GET"),
    ("/schemas/metadefs/property", "GET"),
    ("/schemas/metadefs/properties", "GET"),
    ("/schemas/metadefs/object", "GET"),
    ("/schemas/metadefs/objects", "GET"),
    ("/schemas/metadefs/tag", "GET"),
    ("/schemas/metadefs/tags", "GET"),
    ("/metadefs/resource_types", "GET"),
    ("/metadefs/namespaces/{}/resource_types", "GET, POST"),
    ("/metadefs/namespaces/{}/resource_types/{}", "DELETE"),
    ("/metadefs/namespaces", "GET, POST"),
    ("/metadefs/namespaces/{}", "GET, PUT, DELETE"),
    ("/metadefs/namespaces/{}/properties", "GET, POST, DELETE"),
    ("/metadefs/namespaces/{}/properties/{}", "GET, PUT, DELETE"),
    ("/metadefs/namespaces/{}/objects", "GET, POST, DELETE"),
    ("/metadefs/namespaces/{}/objects/{}", "GET, PUT, DELETE"),
    ("/metadefs/namespaces/{}/tags", "GET, POST, DELETE"),
    ("/metadefs/namespaces/{}/tags/{}", "GET, POST, PUT, DELETE"),
    ("/images", "GET, POST"),
    ("/images/{}", "GET, PATCH, DELETE"),
    ("/images/{}/import", "POST"),
    ("/stores/{}/{}", "DELETE"),
    ("/images/{}/actions/deactivate", "POST"),
    ("/images/{}/actions/reactivate", "POST"),
    ("/images/{}/file", "GET, PUT"),
    ("/images/{}/stage", "PUT"),
    ("/images/{}/locations", "POST"),
    ("/images/{}/tags/{}", "PUT, DELETE"),
    ("/images/{}/members", "GET, POST"),
    ("/images/{}/members/{}", "GET, PUT, DELETE"),
    ("/tasks", "GET, POST"),
    ("/tasks/{}", "GET, DELETE"),
    ("/info/import", "GET"),
    ("/info/stores", "GET"),
    ("/info/stores/detail", "GET"),
    ("/cache", "GET, DELETE"),
    ("/cache/{}", "DELETE, PUT"),
    ("/cache/nodes/{}", "GET"),
    ("/cache/clean", "POST"),
    ("/cache/prune", "POST"),
];

/// Paths of which the reference has no such row: a wrong method is 404 there.
const NOT_REFUSING: [&str; 2] = ["/images/{}/tasks", "/info/usage"];

#[tokio::test]
async fn wrong_methods_are_told_the_right_ones() {
    let app = TestApp::new().await;
    for (path, allow) in REFUSING {
        let place = path.replace("{}", "x");
        for method in ["HEAD", "TRACE", "PROPFIND", "DELETE", "PUT", "POST", "GET"] {
            // compat: what is listed and what is there differ for `/images/{}/locations`.
            let has = |route: &&glint::api::routes::Route| {
                route.path == path && route.methods.iter().any(|endpoint| endpoint.method.as_str() == method)
            };
            if ROUTES.iter().any(|route| has(&route)) {
                continue;
            }
            let answer = app.request(MEMBER, method, &format!("/v2{place}")).send().await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
        }
    }
    let listed = |path: &&str| REFUSING.iter().any(|(known, _)| known == path) || NOT_REFUSING.contains(path);
    let unknown: Vec<_> = ROUTES.iter().map(|route| route.path).filter(|path| !listed(path)).collect();
    assert!(unknown.is_empty(), "the reference has no {unknown:?}");
}

/// A method in a header is no method (T24).
#[tokio::test]
async fn methods_cannot_be_smuggled_in() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({})).await;
    for name in ["x-http-method-override", "x-method-override", "x-http-method"] {
        let ask = app.request(MEMBER, "GET", &format!("/v2/images/{id}")).header(name, "DELETE");
        assert_eq!(ask.send().await.status, 200, "{name}");
    }
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}?_method=DELETE")).await.status, 200);
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.status, 200);
}

fn refused(rule: &str) -> (u16, String) {
    (403, format!("You are not authorized to complete {rule} action.|"))
}

fn missing(text: &str) -> (u16, String) {
    (404, format!("{text}|"))
}

/// (method, path, what a member and an administrator get): the policy is asked first.
#[tokio::test]
async fn the_cache_is_off() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({})).await;
    let hidden = app.create(OTHER, json!({})).await;
    let none = missing("Caching via API is not supported at this site.");
    let cases = [
        ("GET", "/v2/cache".to_owned(), refused("cache_list"), none.clone()),
        ("DELETE", "/v2/cache".into(), refused("cache_delete"), none.clone()),
        ("POST", "/v2/cache/clean".into(), refused("cache_clean"), none.clone()),
        ("POST", "/v2/cache/prune".into(), refused("cache_prune"), none.clone()),
        ("GET", "/v2/cache/nodes/x".into(), refused("list_cached_nodes"), none.clone()),
        ("PUT", format!("/v2/cache/{id}"), refused("cache_image"), none.clone()),
        ("DELETE", format!("/v2/cache/{id}"), refused("cache_delete"), none.clone()),
        ("PUT", "/v2/cache/x".into(), missing("Image x not found."), missing("Image x not found.")),
        ("DELETE", "/v2/cache/x".into(), missing("Image x not found."), missing("Image x not found.")),
        ("PUT", format!("/v2/cache/{hidden}"), missing(&format!("Image {hidden} not found.")), none),
    ];
    for (method, path, member, admin) in cases {
        for (caller, expected) in [(MEMBER, member), (ADMIN, admin)] {
            let answer = app.request(caller, method, &path).send().await;
            assert_eq!((answer.status, answer.message()), expected, "{} {method} {path}", caller.name);
        }
    }
    // The middleware that has these is in no pipeline without a cache.
    for (method, path, status) in [
        ("GET", "/v2/cached_images", 404),
        ("DELETE", "/v2/cached_images", 404),
        ("DELETE", "/v2/cached_images/x", 404),
        ("GET", "/v2/queued_images", 404),
        ("DELETE", "/v2/queued_images", 404),
        ("PUT", "/v2/queued_images/x", 404),
        ("DELETE", "/v2/queued_images/x", 404),
        ("FOO", "/v2/queued_images/x", 501),
    ] {
        assert_eq!(app.request(ADMIN, method, path).send().await.status, status, "{method} {path}");
    }
}

/// (body, status, message) of an import with `web-download` switched on, and of a stage.
#[tokio::test]
async fn nothing_can_be_imported() {
    let app = TestApp::with(|config| config.api.enabled_import_methods = vec!["web-download".into()]).await;
    let id = app.create(MEMBER, json!({})).await;
    let path = format!("/v2/images/{id}/import");
    let cases = [
        ("", 400, "Body expected in request.|"),
        ("x", 400, "Malformed JSON in request body.|"),
        ("{}", 400, "Import request requires a 'method' field.|"),
        ("[]", 400, "Import request requires a 'method' field.|"),
        (r#"{"method": "x"}"#, 400, "Import request requires a 'name' field.|"),
        (r#"{"method": {}}"#, 400, "Import request requires a 'name' field.|"),
        (r#"{"method": {"name": "zz"}}"#, 400, "Unknown import method name 'zz'.|"),
        (r#"{"method": {"name": 7}}"#, 400, "Unknown import method name '7'.|"),
        (r#"{"method": {"name": null}}"#, 400, "Unknown import method name 'None'.|"),
        (r#"{"method": {"name": "glance-direct"}}"#, 400, "Unknown import method name 'glance-direct'.|"),
        (r#"{"method": {"name": "web-download"}, "all_stores": 1}"#, 400, "'all_stores' must be boolean value only|"),
        (
            r#"{"method": {"name": "web-download"}, "all_stores_must_succeed": "x"}"#,
            400,
            "'all_stores_must_succeed' must be boolean value only|",
        ),
        (r#"{"method": {"name": "web-download"}}"#, 501, "Image import is not implemented yet.|"),
    ];
    for (body, status, message) in cases {
        let answer = app.request(MEMBER, "POST", &path).body(body).send().await;
        assert_eq!((answer.status, answer.message()), (status, message.to_owned()), "{body}");
    }
    let wanted = json!({"method": {"name": "web-download"}});
    for (caller, path, status) in
        [(OTHER, path.as_str(), 404), (READER, &path, 403), (MEMBER, "/v2/images/x/import", 404)]
    {
        let answer = app.request(caller, "POST", path).json(&wanted).send().await;
        assert_eq!(answer.status, status, "{} {path}", caller.name);
    }
    let staged = app.request(MEMBER, "PUT", &format!("/v2/images/{id}/stage")).body("x").send().await;
    assert_eq!((staged.status, staged.message()), missing("'glance-direct' method is not available at this site."));
}
