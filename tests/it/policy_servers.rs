//! Rules that another service decides: how it is asked, and what its answers mean.

use std::fs;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use glint::config::{PropertyProtection, PropertyProtectionFormat};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, MEMBER, OTHER};
use crate::harness::wire::{Asked, Reply, Wire};

/// A service whose policy is `rules`, in which `{}` is the address of another one that answers with `answer`.
async fn service(
    rules: &str,
    as_json: bool,
    timeout: Duration,
    answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (TestApp, Wire, TempDir) {
    protecting("", rules, as_json, timeout, answer).await
}

/// The same, with rules for properties, if any.
async fn protecting(
    properties: &str,
    rules: &str,
    as_json: bool,
    timeout: Duration,
    answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (TestApp, Wire, TempDir) {
    let wire = Wire::start(answer).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, rules.replace("{}", &format!("http://{}", wire.address))).unwrap();
    let app = TestApp::with(|config| {
        config.policy.policy_file = Some(file);
        config.property_protection = (!properties.is_empty()).then(|| {
            let file = folder.path().join("properties.conf");
            fs::write(&file, properties).unwrap();
            PropertyProtection { file, format: PropertyProtectionFormat::Policies }
        });
        config.remote_checks.as_json = as_json;
        config.remote_checks.timeout = timeout;
    })
    .await;
    (app, wire, folder)
}

const PATIENCE: Duration = Duration::from_secs(20);

fn says(text: &str) -> Reply {
    Reply::Answer(200, String::new(), text.as_bytes().to_vec())
}

/// What is asked, in both forms.
#[tokio::test]
async fn the_question() {
    for as_json in [false, true] {
        let rules = "get_images: 'rule:elsewhere'\nelsewhere: '{}/list/%(project_id)s'\nget_image: '{}/show/%(name)s'";
        let (app, wire, _folder) = service(rules, as_json, PATIENCE, |_| says("True")).await;
        let id = app.create(MEMBER, json!({"name": "a", "x": "y", "tags": ["t"]})).await;
        assert_eq!(app.get(MEMBER, "/v2/images").await.status, 200);
        let seen = wire.seen();
        let [list, show] = &seen[..] else { panic!("{seen:?}") };
        let asked = [list, show].map(|asked| {
            assert_eq!(asked.method, "POST");
            let form = if as_json { "application/json" } else { "application/x-www-form-urlencoded" };
            assert_eq!(asked.header("content-type"), Some(form));
            if as_json { serde_json::from_slice(&asked.body).unwrap() } else { asked.form() }
        });
        let caller = json!({
            "user_id": "user-member", "user_domain_id": null, "system_scope": null, "domain_id": null,
            "project_id": "p1", "project_domain_id": null, "roles": ["member", "reader"], "is_admin_project": true,
            "service_user_id": null, "service_user_domain_id": null, "service_project_id": null,
            "service_project_domain_id": null, "service_roles": [],
        });
        assert_eq!(list.path, "/list/p1");
        assert_eq!(asked[0], json!({"rule": "get_images", "target": {"project_id": "p1"}, "credentials": caller}));
        assert_eq!((show.path.as_str(), &asked[1]["rule"]), ("/show/a", &json!("get_image")));
        let target = &asked[1]["target"];
        let values = json!({"image_id": id, "owner": "p1", "status": "queued", "protected": false, "size": null,
            "min_disk": 0, "tags": ["t"], "x": "y"});
        for (name, value) in values.as_object().unwrap() {
            assert_eq!(target[name], *value, "{name}");
        }
    }
}

/// What is said, and whether that allows it.
#[tokio::test]
async fn the_answer() {
    let answers = [
        (says("True"), 200),
        (says("\"True\""), 200),
        (Reply::Answer(500, String::new(), b"True".to_vec()), 200),
        (says("true"), 403),
        (says("True "), 403),
        (says("False"), 403),
        (says(""), 403),
        (says(&"True".repeat(100_000)), 403),
        (Reply::Answer(302, "Location: /yes\r\n".into(), Vec::new()), 403),
        (Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nTrue".to_vec()), 403),
        (Reply::Raw(b"220 smtp.test ESMTP\r\n".to_vec()), 403),
        (Reply::HangUp, 403),
    ];
    for (reply, status) in answers {
        let answer = reply.clone();
        let (app, _wire, _folder) = service("get_images: '{}/'", false, PATIENCE, move |_| answer.clone()).await;
        assert_eq!(app.get(MEMBER, "/v2/images").await.status, status, "{reply:.200?}");
    }
}

/// (rules, by path whether the service says yes, the status for a member and an administrator)
#[tokio::test]
async fn among_other_checks() {
    let yes = |asked: &Asked| says(if asked.path.starts_with("/yes") { "True" } else { "False" });
    for (rules, member, admin) in [
        ("get_images: '{}/yes and {}/yes2'", 200, 200),
        ("get_images: '{}/yes and {}/no'", 403, 403),
        ("get_images: '{}/no or {}/yes'", 200, 200),
        ("get_images: 'not {}/no'", 200, 200),
        ("get_images: 'not {}/yes'", 403, 403),
        ("get_images: 'role:admin or {}/no'", 403, 200),
        ("get_images: 'role:admin and {}/yes'", 403, 200),
        ("get_images: '{}/yes/%(gone)s'", 403, 403),
        ("context_is_admin: '{}/yes'\nget_images: '@'", 200, 200),
    ] {
        let (app, wire, _folder) = service(rules, false, PATIENCE, yes).await;
        let found = [MEMBER, ADMIN].map(|caller| app.get(caller, "/v2/images"));
        let found: Vec<u16> = join_all(found).await.iter().map(|answer| answer.status).collect();
        assert_eq!(found, [member, admin], "{rules}");
        assert!(wire.seen().len() <= 4, "{rules}: none is asked twice");
    }
    // Who is an administrator because another service says so, sees everything.
    let (app, _wire, _folder) =
        service("context_is_admin: '{}/yes/%(user)s'\nget_image: '@'", false, PATIENCE, yes).await;
    let id = app.create(MEMBER, json!({"visibility": "private"})).await;
    assert_eq!(app.get(OTHER, &format!("/v2/images/{id}")).await.status, 200);
}

/// A service that says nothing holds a request up no longer than it may, and only so many are asked at a time.
#[tokio::test]
async fn silence_is_bounded() {
    let wait = Duration::from_millis(300);
    let (app, wire, _folder) = service("get_images: '{}/'", false, wait, |_| Reply::Silence).await;
    let began = Instant::now();
    let answers = join_all((0..100).map(|_| app.get(MEMBER, "/v2/images"))).await;
    assert!(answers.iter().all(|answer| answer.status == 403));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(wire.open().1 <= 32, "{:?}", wire.open());
}

/// A rule that leads to more services than a question may ask denies.
#[tokio::test]
async fn services_are_bounded() {
    for (count, status) in [(16, 200), (17, 403)] {
        let checks: Vec<String> = (0..count).map(|at| format!("{{}}/{at}")).collect();
        let rules = format!("get_images: '{}'", checks.join(" and "));
        let (app, wire, _folder) = service(&rules, false, PATIENCE, |_| says("True")).await;
        assert_eq!(app.get(MEMBER, "/v2/images").await.status, status, "{count}");
        assert_eq!(wire.seen().len(), 16);
    }
}

/// Rules that a property protection file names are asked as any other, each once a request: (what is asked, who, status,
/// rules that the service is asked for).
#[tokio::test]
async fn of_single_properties() {
    let properties = "[^x_.*]\ncreate = writers\nread = readers\nupdate = writers\ndelete = writers\n\
                      [.*]\ncreate = @\nread = @\nupdate = @\ndelete = @\n";
    let rules = "readers: '{}/readers'\nwriters: 'role:admin or {}/writers'";
    let says = |asked: &Asked| {
        let fields = asked.form();
        assert_eq!(fields["target"], json!({}));
        let member = fields["credentials"]["project_id"] == "p1";
        says(if asked.path == "/readers" || member { "True" } else { "False" })
    };
    let (app, wire, _folder) = protecting(properties, rules, false, PATIENCE, says).await;
    let rules_asked = |from: usize| -> Vec<String> {
        let seen = wire.seen();
        seen[from..].iter().map(|asked| asked.form()["rule"].as_str().unwrap().to_owned()).collect()
    };
    let many = json!({"x_1": "a", "x_2": "b", "x_3": "c", "y": "d", "visibility": "community"});
    let id = app.create(MEMBER, many.clone()).await;
    assert_eq!(rules_asked(0), ["^x_.*:create", "^x_.*:read"], "not once for each property");
    app.create(MEMBER, many.clone()).await;
    let before = wire.seen().len();
    let listed = app.get(OTHER, "/v2/images?visibility=community").await;
    assert_eq!(listed.json()["images"].as_array().unwrap().len(), 2);
    assert_eq!(listed.json()["images"][1]["x_3"], "c");
    assert_eq!(rules_asked(before), ["^x_.*:read"], "not once for each image");

    let before = wire.seen().len();
    let changes = json!([
        {"op": "replace", "path": "/x_1", "value": "e"},
        {"op": "replace", "path": "/x_2", "value": "e"},
        {"op": "remove", "path": "/x_3"},
    ]);
    assert_eq!(app.patch(MEMBER, &id, changes).await.status, 200);
    assert_eq!(rules_asked(before), ["^x_.*:read", "^x_.*:update", "^x_.*:delete"]);
    let refused = app.request(OTHER, "POST", "/v2/images").json(&many).send().await;
    assert_eq!((refused.status, refused.message()), (403, "Attribute 'x_1' is reserved.|".to_owned()));
    app.create(ADMIN, many).await;
}

/// A service that does not answer hides what it should decide about, and is asked once.
#[tokio::test]
async fn of_single_properties_without_an_answer() {
    let properties = "[.*]\ncreate = @\nread = readers\nupdate = @\ndelete = @\n";
    let rules = "readers: '{}/'";
    let (app, wire, _folder) = protecting(properties, rules, false, PATIENCE, |_| Reply::HangUp).await;
    let id = app.create(MEMBER, json!({"a": "1", "b": "2"})).await;
    let before = wire.seen().len();
    let shown = app.get(MEMBER, &format!("/v2/images/{id}")).await;
    assert_eq!((shown.status, &shown.json()["a"], &shown.json()["b"]), (200, &Value::Null, &Value::Null));
    assert_eq!(wire.seen().len() - before, 1);
}
