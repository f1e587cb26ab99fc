//! The outside of the API: versions, methods, forms of errors, schemas, information, health.

use glint::config::Callers;
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, ANONYMOUS, MEMBER};
use crate::harness::golden;

/// (path, status): who asks for no version that exists is told which there are, without having to say who it is.
#[tokio::test]
async fn versions() {
    let app = TestApp::new().await;
    let listed = ["/", "/v1", "/v3", "/v3/images", "/v2.19/images", "/v2.14/images", "/v2.16", "/v2.18", "/foo", "//"];
    for path in listed {
        assert_eq!(app.get(ANONYMOUS, path).await.status, 300, "{path}");
    }
    for path in ["/versions", "/versions/", "/versions/foo"] {
        assert_eq!(app.get(ANONYMOUS, path).await.status, 200, "{path}");
    }
    assert_eq!(app.request(ANONYMOUS, "HEAD", "/").send().await.status, 300);
    let known = ["/v2", "/v2.0", "/v2.1", "/v2.9", "/v2.13", "/v2.15", "/v2.17", "//v2"];
    for version in known {
        assert_eq!(app.get(ANONYMOUS, &format!("{version}/images")).await.status, 401, "{version}");
        assert_eq!(app.get(MEMBER, &format!("{version}/images")).await.status, 200, "{version}");
    }
    let by_type = [
        ("/images", "application/vnd.openstack.images-v2.3", 200),
        ("//images", "application/vnd.openstack.images-v2", 200),
        ("/v2/images", "application/vnd.openstack.images-v2.3", 404),
        ("/images", "application/vnd.openstack.images-v2.3;q=1", 200),
        ("/images", "application/vnd.openstack.images-v2.3;q=0.5", 300),
        ("/images", "application/vnd.openstack.images-v2.3, */*", 300),
        ("/images", "application/vnd.openstack.images-v3", 300),
        ("/v2/images", "application/vnd.openstack.images-", 300),
        ("/v2/images", "application/json, application/vnd.openstack.images-v2.3", 200),
        ("/versions", "application/vnd.openstack.images-v3", 200),
    ];
    for (path, accept, status) in by_type {
        let answer = app.request(MEMBER, "GET", path).header("accept", accept).send().await;
        assert_eq!(answer.status, status, "{path} {accept}");
    }
    let root = app.get(MEMBER, "/v2").await;
    assert_eq!((root.status, root.header("location")), (302, Some("http://images.test/v2/")));
    assert_eq!(app.get(MEMBER, "/v2/").await.status, 404);
    for path in ["/v2//images", "///v2//images", "/v2%2Fimages", "/v2/%2F%2Fimages"] {
        assert_eq!(app.get(MEMBER, path).await.status, 200, "{path}");
    }
    assert_eq!(app.get(MEMBER, "/v2/images/").await.status, 404);

    let document = app.get(ANONYMOUS, "/versions").await.json();
    golden::matches("versions.json", &format!("{document:#}\n"));
    let behind = TestApp::with(|config| config.api.public_endpoint = Some("https://cloud/image".into())).await;
    let document = behind.get(ANONYMOUS, "/").await.json();
    assert_eq!(document["versions"][0]["links"][0]["href"], "https://cloud/image/v2/");
}

/// (headers, the base of the links)
#[tokio::test]
async fn links_lead_to_the_proxy_in_front() {
    let cases: [(&[(&str, &str)], &str); 13] = [
        (&[], "http://images.test"),
        (&[("x-forwarded-proto", "https")], "https://images.test"),
        (
            &[("x-forwarded-proto", "HTTPS, http"), ("x-forwarded-host", "cloud.test:8443, inner")],
            "https://cloud.test:8443",
        ),
        (&[("x-forwarded-host", "cloud.test"), ("x-forwarded-prefix", "/image/")], "http://cloud.test/image"),
        (&[("forwarded", "for=192.0.2.1; Proto=https;host=\"a.test:8443\", proto=http;host=b")], "https://a.test:8443"),
        (&[("forwarded", "for=192.0.2.1"), ("x-forwarded-proto", "https")], "http://images.test"),
        (&[("x-forwarded-proto", "gopher")], "http://images.test"),
        (&[("x-forwarded-host", "a b")], "http://images.test"),
        (&[("x-forwarded-host", "")], "http://images.test"),
        (&[("x-forwarded-host", "a/b")], "http://images.test"),
        (&[("x-forwarded-prefix", "image")], "http://images.test"),
        (&[("x-forwarded-prefix", "/a?b")], "http://images.test"),
        (&[("x-forwarded-prefix", "/")], "http://images.test"),
    ];
    let ignored = TestApp::new().await;
    let believed = TestApp::with(|config| config.api.enable_proxy_headers_parsing = true).await;
    for (headers, base) in cases {
        for (app, base) in [(&ignored, "http://images.test"), (&believed, base)] {
            let ask = |method, path| {
                let ask = app.request(MEMBER, method, path);
                headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
            };
            let document = ask("GET", "/versions").send().await.json();
            assert_eq!(document["versions"][0]["links"][0]["href"], format!("{base}/v2/"), "{headers:?}");
            let root = ask("GET", "/v2").send().await;
            assert_eq!(root.header("location"), Some(format!("{base}/v2/").as_str()), "{headers:?}");
            let created = ask("POST", "/v2/images").json(&json!({})).send().await;
            let href = created.json()["self"].as_str().unwrap().to_owned();
            assert_eq!(created.header("location"), Some(format!("{base}{href}").as_str()), "{headers:?}");
        }
    }
    for (host, base) in [
        ("", "http://localhost"),
        ("a.test:80", "http://a.test"),
        ("a.test:8080", "http://a.test:8080"),
        ("[::1]:80", "http://[::1]"),
    ] {
        let document = ignored.request(ANONYMOUS, "GET", "/versions").header("host", host).send().await.json();
        assert_eq!(document["versions"][0]["links"][0]["href"], format!("{base}/v2/"), "{host}");
    }
}

/// (method, path, status, `Allow`)
#[tokio::test]
async fn methods() {
    let app = TestApp::new().await;
    let cases = [
        ("PUT", "/v2/images", 405, Some("GET, POST")),
        ("HEAD", "/v2/images", 405, Some("GET, POST")),
        ("FOO", "/v2/images", 405, Some("GET, POST")),
        ("PUT", "/v2/images/x", 405, Some("GET, PATCH, DELETE")),
        ("DELETE", "/v2/images/x/file", 405, Some("GET, PUT")),
        ("GET", "/v2/images/x/actions/deactivate", 405, Some("POST")),
        ("GET", "/v2/images/x/tags/y", 405, Some("PUT, DELETE")),
        ("DELETE", "/v2/images/x/members", 405, Some("GET, POST")),
        ("POST", "/v2/images/x/members/y", 405, Some("GET, PUT, DELETE")),
        ("POST", "/v2/schemas/image", 405, Some("GET")),
        ("POST", "/v2/info/import", 405, Some("GET")),
        ("POST", "/v2/info/usage", 404, None),
        ("GET", "/v2/nothere", 404, None),
        ("FOO", "/v2/nothere", 501, None),
        ("GET", "/v2/images/a/b/c", 404, None),
        ("TRACE", "/v2/images", 405, Some("GET, POST")),
        ("HEAD", "/v2/images/x", 405, Some("GET, PATCH, DELETE")),
        ("HEAD", "/v2/nothere", 404, None),
        ("HEAD", "/v2", 302, None),
        ("HEAD", "/versions", 200, None),
        ("FOO", "/versions", 200, None),
        ("FOO", "/", 300, None),
        ("POST", "/v3", 300, None),
        ("OPTIONS", "/v2/images", 200, None),
    ];
    for (method, path, status, allow) in cases {
        let answer = app.request(MEMBER, method, path).send().await;
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {path}");
    }
    for (method, path) in [("GET", "/v2/images/x"), ("DELETE", "/v2/images/x"), ("GET", "/v2/schemas/image")] {
        let answer = app.request(MEMBER, method, path).body("x").send().await;
        let message = "A body is not expected with this request.|";
        assert_eq!((answer.status, answer.message()), (400, message.to_owned()), "{method} {path}");
    }
    assert_eq!(app.request(MEMBER, "GET", "/v2/images").body("x").send().await.status, 200, "taken and not read");
    for (caller, path, status) in
        [(MEMBER, "/v2/images/x", 405), (MEMBER, "/v2/nothere", 404), (ANONYMOUS, "/v2/images", 401)]
    {
        let answer = app.request(caller, "HEAD", path).send().await;
        let found = (answer.status, answer.header("content-type"), answer.text());
        assert_eq!(found, (status, Some("text/html; charset=UTF-8"), ""), "{path}");
    }
}

/// (`Accept`, content type of the answer)
#[tokio::test]
async fn errors_come_in_the_form_that_is_asked_for() {
    let app = TestApp::new().await;
    let cases = [
        (Some("application/json"), "application/json"),
        (Some("*/*"), "text/html; charset=UTF-8"),
        (Some("text/plain"), "text/plain; charset=UTF-8"),
        (Some(""), "text/plain; charset=UTF-8"),
        (None, "text/plain; charset=UTF-8"),
    ];
    for (accept, content_type) in cases {
        let ask = app.request(MEMBER, "GET", "/v2/images/nope");
        let ask = match accept {
            Some(accept) => ask.header("accept", accept),
            None => ask.without("accept"),
        };
        let answer = ask.send().await;
        assert_eq!(answer.header("content-type"), Some(content_type), "{accept:?}");
        assert!(answer.text().contains("No image found with ID nope"), "{}", answer.text());
    }
}

/// Who sends no token is told where to get one, if it is known.
#[tokio::test]
async fn where_to_get_a_token() {
    let built_in = Some("Keystone uri=\"http://images.test/identity\"");
    for (callers, source) in
        [(Callers::BuiltIn, built_in), (Callers::TrustedHeaders, None), (Callers::FakeTokens, None)]
    {
        let app = TestApp::with(|config| config.callers = callers).await;
        let unknown = app.get(ANONYMOUS, "/v2/images").await;
        assert_eq!((unknown.status, unknown.header("www-authenticate")), (401, source));
    }
}

/// The tokens of tests say who calls: (token, images in the list); none for whom nothing is said.
#[tokio::test]
async fn tokens_that_spell_it_out() {
    let app = TestApp::with(|config| config.callers = Callers::FakeTokens).await;
    let ask = |method, token: &str| app.request(ANONYMOUS, method, "/v2/images").header("x-auth-token", token);
    for (owner, visibility) in [("a", "public"), ("a", "private")] {
        let image = json!({"visibility": visibility});
        let answer = ask("POST", &format!("user:{owner}:admin")).json(&image).send().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    for (token, seen) in [
        ("user:a:reader", Some(2)),
        ("user:b:reader", Some(1)),
        ("user:none:reader", Some(1)),
        ("user:b", None),
        ("user", None),
    ] {
        let answer = ask("GET", token).send().await;
        let images = (answer.status == 200).then(|| answer.json()["images"].as_array().unwrap().len());
        assert_eq!(images, seen, "{token}");
    }
}

/// Paths that are not UTF-8, or try to leave their place, are nothing.
#[tokio::test]
async fn strange_paths() {
    let app = TestApp::new().await;
    let cases = [
        ("/v2/images/%ff%fe", 400),
        ("/v2/images/..%2f..%2fetc", 404),
        ("/v2/images/..", 404),
        ("/v2/images/%00", 404),
        ("/v2/images/11111111-2222-3333-4444-55555555555", 404),
        ("/v2/images/{11111111-2222-3333-4444-555555555555}", 404),
        ("/v2/images/%2e%2e", 404),
    ];
    for (path, status) in cases {
        let path = path.replace('{', "%7B").replace('}', "%7D");
        assert_eq!(app.get(MEMBER, &path).await.status, status, "{path}");
    }
    let long = format!("/v2/images/{}", "x".repeat(10_000));
    assert_eq!(app.get(MEMBER, &long).await.status, 404);
}

#[tokio::test]
async fn schemas() {
    let app = TestApp::new().await;
    let names = ["image", "images", "member", "members", "task", "tasks"];
    let metadefs = [
        "namespace",
        "namespaces",
        "resource_type",
        "resource_types",
        "property",
        "properties",
        "object",
        "objects",
        "tag",
        "tags",
    ];
    let paths = names.map(str::to_owned).into_iter().chain(metadefs.map(|name| format!("metadefs/{name}")));
    let mut all = serde_json::Map::new();
    for path in paths {
        let answer = app.get(MEMBER, &format!("/v2/schemas/{path}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
        all.insert(path, answer.json());
    }
    golden::matches("schemas.json", &format!("{:#}\n", Value::Object(all)));
    assert_eq!(app.get(MEMBER, "/v2/schemas/nope").await.status, 404);
}

#[tokio::test]
async fn information() {
    let app = TestApp::new().await;
    let import = json!({"description": "Import methods available.", "type": "array", "value": []});
    assert_eq!(app.get(MEMBER, "/v2/info/import").await.json(), json!({"import-methods": import}));
    assert_eq!(
        app.get(MEMBER, "/v2/info/stores").await.json(),
        json!({"stores": [{"id": "local", "default": "true"}]})
    );
    assert_eq!(app.get(MEMBER, "/v2/info/usage").await.json(), json!({"usage": {}}));
    assert_eq!(app.get(MEMBER, "/v2/info/stores/detail").await.status, 403);
    let detail = app.get(ADMIN, "/v2/info/stores/detail").await.json();
    let folder = app.folder().join("images");
    let properties = json!({"data_dir": folder, "chunk_size": 65536, "thin_provisioning": false});
    let store = json!({"id": "local", "default": "true", "type": "file", "properties": properties, "weight": 0});
    assert_eq!(detail, json!({"stores": [store]}));
}

#[tokio::test]
async fn health() {
    let folder = tempfile::tempdir().unwrap();
    let (disable, enable) = (folder.path().join("disable"), folder.path().join("marker"));
    std::fs::write(&enable, "").unwrap();
    let app = TestApp::with(|config| {
        config.healthcheck.disable_by_file_path = Some(disable.clone());
        config.healthcheck.enable_by_file_paths = vec![enable.clone()];
    })
    .await;
    let document =
        |reason: &str| format!("{{\n    \"detailed\": false,\n    \"reasons\": [\n        \"{reason}\"\n    ]\n}}");
    let cases = [
        ("GET", "/healthcheck", None, "text/plain; charset=UTF-8", "OK".to_owned()),
        ("POST", "/healthcheck", None, "text/plain; charset=UTF-8", "OK".into()),
        ("OPTIONS", "//healthcheck/x", None, "text/plain; charset=UTF-8", "OK".into()),
        ("GET", "/healthcheck", Some("*/*"), "text/plain; charset=UTF-8", "OK".into()),
        ("GET", "/healthcheck", Some("image/png"), "text/plain; charset=UTF-8", "OK".into()),
        ("GET", "/healthcheck", Some("x"), "text/plain; charset=UTF-8", "OK".into()),
        ("GET", "/healthcheck", Some("application/json"), "application/json", document("OK")),
        ("GET", "/healthcheck", Some("text/html;q=0.5, application/json"), "application/json", document("OK")),
    ];
    for (method, path, accept, content_type, text) in cases {
        let ask = app.request(ANONYMOUS, method, path).without("accept");
        let ask = accept.into_iter().fold(ask, |ask, accept| ask.header("accept", accept));
        let answer = ask.send().await;
        let found = (answer.status, answer.header("content-type"), answer.text());
        assert_eq!(found, (200, Some(content_type), text.as_str()), "{method} {path} {accept:?}");
    }
    let page =
        app.request(ANONYMOUS, "GET", "/healthcheck").header("accept", "application/json, text/html").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=UTF-8")));
    golden::matches("healthcheck.html", &format!("{}\n", page.text()));
    let ask = |method| app.request(ANONYMOUS, method, "/healthcheck").without("accept").send();
    let head = ask("HEAD").await;
    assert_eq!((head.status, head.text(), head.header("content-type")), (204, "", None));

    std::fs::write(&disable, "").unwrap();
    let sick = ask("GET").await;
    assert_eq!((sick.status, sick.text()), (503, "DISABLED BY FILE"));
    assert_eq!((ask("HEAD").await.status, ask("HEAD").await.text()), (503, ""));
    std::fs::remove_file(&disable).unwrap();
    std::fs::remove_file(&enable).unwrap();
    let answer = app.get(ANONYMOUS, "/healthcheck").await;
    assert_eq!((answer.status, answer.text()), (503, document("FILE PATH MISSING").as_str()));
    std::fs::write(&enable, "").unwrap();
    assert_eq!(ask("GET").await.status, 200);

    app.app.db.close().await;
    let answer = ask("GET").await;
    assert_eq!((answer.status, answer.text()), (503, "DATABASE UNAVAILABLE"));
    let away = app.get(MEMBER, "/v2/images").await;
    let message = "The server is currently unavailable. Please try again at a later time.|";
    assert_eq!((away.status, away.message()), (503, message.to_owned()));
}
