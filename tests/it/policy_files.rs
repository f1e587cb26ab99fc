//! The operator's policy files: what they change, when they are read again, and what is no policy.

use std::fs;
use std::path::Path;

use glint::app::App;
use glint::clock::Clock;
use glint::config::Config;
use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, Caller, MEMBER, OTHER, READER};

/// A service whose policy files are in `folder`.
async fn app_in(folder: &Path) -> TestApp {
    TestApp::with(|config| {
        config.policy.policy_file = Some(folder.join("policy.yaml"));
        config.policy.policy_dirs = vec![folder.join("policy.d"), folder.join("more.d")];
    })
    .await
}

async fn status(app: &TestApp, caller: Caller, method: &str, path: &str) -> u16 {
    app.request(caller, method, path).send().await.status
}

#[tokio::test]
async fn files_change_rules_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    let app = app_in(folder.path()).await;
    let id = app.create(MEMBER, json!({})).await;
    let path = format!("/v2/images/{id}");
    // Each step changes one file; then: may a reader list, and may a member see the image?
    for (name, text, list, show) in [
        ("policy.yaml", "get_images: '!'", 403, 200),
        ("policy.d/20.yaml", "get_images: role:admin or role:reader", 200, 200),
        ("policy.d/.hidden.yaml", "get_image: '!'", 200, 200),
        ("policy.d/folder/x.yaml", "get_image: '!'", 200, 200),
        ("policy.d/30.json", "{\"get_images\": \"!\"}", 403, 200),
        ("policy.d/10.yaml", "get_images: '@'\nget_image: '!'", 403, 404),
        ("more.d/a", "get_images: '@'", 200, 404),
        // What is no policy leaves everything as it was.
        ("more.d/b", "- get_images: '!'", 200, 404),
        ("more.d/b", "get_images: 7", 200, 404),
        ("more.d/b", "{", 200, 404),
        ("more.d/b", "get_images: '!'", 403, 404),
        ("policy.yaml", "", 403, 404),
    ] {
        write(name, text);
        let found = (status(&app, READER, "GET", "/v2/images").await, status(&app, MEMBER, "GET", &path).await);
        assert_eq!(found, (list, show), "after {name}: {text}");
    }
    // A rule that no file names any more has its default again.
    fs::remove_dir_all(folder.path().join("policy.d")).unwrap();
    fs::remove_dir_all(folder.path().join("more.d")).unwrap();
    fs::remove_file(folder.path().join("policy.yaml")).unwrap();
    assert_eq!(status(&app, READER, "GET", "/v2/images").await, 200);
    assert_eq!(status(&app, MEMBER, "GET", &path).await, 200);
}

/// A rule may ask for a property where the service itself needs none.
#[tokio::test]
async fn rules_ask_for_properties() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "add_member: \"'vip':%(class)s\"\ndelete_image: \"not 'vip':%(class)s\"\n";
    fs::write(folder.path().join("policy.yaml"), rules).unwrap();
    let app = app_in(folder.path()).await;
    for (class, shared, deleted) in [("vip", 200, 403), ("other", 403, 204)] {
        let id = app.create(MEMBER, json!({"class": class})).await;
        let members = app.request(MEMBER, "POST", &format!("/v2/images/{id}/members"));
        assert_eq!(members.json(&json!({"member": "p2"})).send().await.status, shared, "{class}");
        assert_eq!(status(&app, MEMBER, "DELETE", &format!("/v2/images/{id}")).await, deleted, "{class}");
    }
}

#[tokio::test]
async fn what_is_no_policy_keeps_the_service_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    for (text, says) in [
        ("- a", "it is no mapping from names of rules to checks"),
        ("get_image: 7", "policy rule \"get_image\": a rule is text or a list of lists of text, not a number"),
    ] {
        fs::write(&file, text).unwrap();
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::stand_alone(data.path().to_str().unwrap());
        config.policy.policy_file = Some(file.clone());
        let refused = App::open(config, Clock::default()).await.err().unwrap();
        let cause = std::error::Error::source(&refused).unwrap().to_string();
        assert!(cause.contains(says), "{text}: {cause}");
    }
}

/// The default rule and rules of the operator's own, and one that only the caller's user may pass.
#[tokio::test]
async fn rules_may_name_rules() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("policy.yaml"),
        "restricted: not ('vip':%(class)s and not role:vip)\nget_image: rule:restricted\nget_images: rule:missing\n",
    )
    .unwrap();
    let app = TestApp::with(|config| {
        config.policy.policy_file = Some(folder.path().join("policy.yaml"));
        config.policy.policy_default_rule = "locked".into();
    })
    .await;
    let id = app.create(MEMBER, json!({"class": "vip"})).await;
    let plain = app.create(MEMBER, json!({})).await;
    let vip = Caller { name: "vip", project: Some("p1"), roles: "member,vip" };
    for (caller, path, wanted) in [
        (MEMBER, format!("/v2/images/{id}"), 404),
        (ADMIN, format!("/v2/images/{id}"), 404),
        (vip, format!("/v2/images/{id}"), 200),
        (MEMBER, format!("/v2/images/{plain}"), 200),
        (ADMIN, "/v2/images".to_owned(), 403),
    ] {
        assert_eq!(status(&app, caller, "GET", &path).await, wanted, "{} {path}", caller.name);
    }
}

/// With old defaults everybody may do everything by the rules, and ownership keeps projects apart.
#[tokio::test]
async fn old_defaults_ask_for_ownership() {
    let app = TestApp::with(|config| config.policy.enforce_new_defaults = false).await;
    let nobody = Caller { name: "nobody", project: Some("p1"), roles: "" };
    let id = app.active(nobody, json!({"visibility": "shared", "tags": ["t"]}), b"data").await;
    let queued = app.create(ADMIN, json!({"owner": "p1", "visibility": "public"})).await;
    let shared = format!("/v2/images/{id}/members");
    let member = json!({"member": "p2"});
    let say = json!([{"op": "replace", "path": "/name", "value": "n"}]);
    let mine = (403, "You do not own this image|".to_owned());
    let refused = |text: &str| (403, text.to_owned());

    assert_eq!(app.request(OTHER, "POST", &shared).json(&member).send().await.status, 404);
    assert_eq!(app.request(nobody, "POST", &shared).json(&member).send().await.status, 200);
    let ask = |caller, method: &str, path: &str| app.request(caller, method, &format!("/v2/images/{path}"));
    for (ask, wanted) in [
        (ask(OTHER, "DELETE", &id), mine.clone()),
        (ask(OTHER, "PUT", &format!("{id}/tags/x")), refused(&format!("Not allowed to update tags for image {id}.|"))),
        (ask(OTHER, "DELETE", &format!("{id}/tags/t")), {
            refused(&format!("Not allowed to delete tags for image {id}.|"))
        }),
        (ask(OTHER, "POST", &format!("{id}/actions/deactivate")), mine.clone()),
        (ask(OTHER, "POST", &format!("{id}/actions/reactivate")), mine.clone()),
        (
            ask(OTHER, "PUT", &format!("{queued}/file")).header("content-type", "application/octet-stream").body("x"),
            refused(&format!("Not allowed to upload image data for image {queued}|")),
        ),
        (
            ask(OTHER, "POST", &format!("{id}/members")).json(&json!({"member": "p3"})),
            refused(&format!("Not allowed to create members for image {id}.|")),
        ),
        (
            ask(OTHER, "DELETE", &format!("{id}/members/p2")),
            refused(&format!("Not allowed to delete members for image {id}.|")),
        ),
        (
            ask(nobody, "PUT", &format!("{id}/members/p2")).json(&json!({"status": "accepted"})),
            refused(&format!("Not allowed to update members for image {id}.|")),
        ),
        (
            app.request(OTHER, "POST", "/v2/images").json(&json!({"owner": "p1"})),
            refused("You are not permitted to create images owned by 'p1'.|"),
        ),
    ] {
        let answer = ask.send().await;
        assert_eq!((answer.status, answer.message()), wanted);
    }
    let answer = app.patch(OTHER, &id, say.clone()).await;
    assert_eq!((answer.status, answer.message()), mine);
    for ask in [
        ask(OTHER, "PUT", &format!("{id}/members/p2")).json(&json!({"status": "accepted"})),
        ask(nobody, "PUT", &format!("{id}/tags/y")),
        ask(nobody, "POST", &format!("{id}/actions/deactivate")),
        ask(ADMIN, "POST", &format!("{id}/actions/reactivate")),
        ask(nobody, "DELETE", &format!("{id}/members/p2")),
        ask(nobody, "DELETE", &id),
    ] {
        let answer = ask.send().await;
        assert!(answer.status < 300, "{}", answer.text());
    }
}

/// Rules may be as open as can be: what belongs to others is changed by administrators only.
#[tokio::test]
async fn open_rules_do_not_give_images_away() {
    let folder = tempfile::tempdir().unwrap();
    let names = "get_image delete_image modify_image upload_image deactivate reactivate set_image_location";
    let rules: Vec<String> = names.split(' ').map(|name| format!("{name}: ''\n")).collect();
    fs::write(folder.path().join("policy.yaml"), rules.concat()).unwrap();
    let app = TestApp::with(|config| {
        config.policy.policy_file = Some(folder.path().join("policy.yaml"));
        config.api.show_multiple_locations = true;
    })
    .await;
    let id = app.active(MEMBER, json!({"visibility": "shared", "tags": ["t"]}), b"data").await;
    let public = app.active(ADMIN, json!({"owner": "p1", "visibility": "public"}), b"data").await;
    for (method, rest) in [
        ("DELETE", ""),
        ("PUT", "/tags/x"),
        ("DELETE", "/tags/t"),
        ("POST", "/actions/deactivate"),
        ("POST", "/actions/reactivate"),
    ] {
        for image in [&id, &public] {
            let wanted = if image == &id { 404 } else { 403 };
            assert_eq!(
                status(&app, OTHER, method, &format!("/v2/images/{image}{rest}")).await,
                wanted,
                "{method} {rest}"
            );
        }
    }
    for operation in [
        json!([{"op": "replace", "path": "/name", "value": "n"}]),
        json!([{"op": "replace", "path": "/locations", "value": []}]),
    ] {
        assert_eq!(app.patch(OTHER, &public, operation).await.status, 403);
    }
    assert_eq!(status(&app, MEMBER, "POST", &format!("/v2/images/{public}/actions/deactivate")).await, 204);
}
