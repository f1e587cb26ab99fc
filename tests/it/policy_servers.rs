//! Rules that another service decides: how it is asked, and what its answers mean.

use std::fs;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use percent_encoding::percent_decode_str;
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
    let wire = Wire::start(answer).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, rules.replace("{}", &format!("http://{}", wire.address))).unwrap();
    let app = TestApp::with(|config| {
        config.policy.policy_file = Some(file);
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

/// The fields of a form, each of which is JSON.
fn fields(form: &[u8]) -> Value {
    let form = std::str::from_utf8(form).unwrap();
    let field = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        let value = percent_decode_str(value).decode_utf8().unwrap();
        (name.to_owned(), serde_json::from_str(&value).unwrap())
    };
    Value::Object(form.split('&').map(field).collect())
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
            if as_json { serde_json::from_slice(&asked.body).unwrap() } else { fields(&asked.body) }
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
