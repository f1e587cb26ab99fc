//! Protected properties over the API: who may create, see, change and delete which.

use std::fs;

use glint::app::App;
use glint::clock::Clock;
use glint::config::{Config, PropertyProtection, PropertyProtectionFormat};
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, Caller, MEMBER};

const SPECIAL: Caller = Caller { name: "special", project: Some("p1"), roles: "member,reader,special" };

/// A section for each thing that `SPECIAL` may do and a plain member may not.
const BY_ROLES: &str = "\
[^create_.*]\ncreate = admin,special\nread = admin,member\nupdate = admin\ndelete = admin\n\
[^read_.*]\ncreate = admin\nread = admin,special\nupdate = admin\ndelete = admin\n\
[^update_.*]\ncreate = admin\nread = @\nupdate = special\ndelete = admin\n\
[^delete_.*]\ncreate = admin\nread = @\nupdate = !\ndelete = special\n\
[^blind_.*]\ncreate = @\nread = admin\nupdate = admin\ndelete = admin\n\
[^open_.*]\ncreate = @\nread = @\nupdate = @\ndelete = @\n";

async fn protected(format: PropertyProtectionFormat, text: &str, policy: &str) -> TestApp {
    TestApp::with(|config| {
        let folder = config.stores.staging.parent().unwrap().to_owned();
        let file = folder.join("property-protections.conf");
        fs::write(&file, text).unwrap();
        fs::write(folder.join("policy.yaml"), policy).unwrap();
        config.policy.policy_file = Some(folder.join("policy.yaml"));
        config.property_protection = Some(PropertyProtection { file, format });
    })
    .await
}

fn refused(name: &str) -> (u16, String) {
    (403, format!("Attribute '{name}' is reserved.|"))
}

#[tokio::test]
async fn by_roles() {
    let app = protected(PropertyProtectionFormat::Roles, BY_ROLES, "").await;
    check(&app).await;
}

/// The same, said in rules of the policy.
#[tokio::test]
async fn by_policies() {
    let text = BY_ROLES.replace("admin,special", "a_special").replace("admin,member", "a_member");
    let text = text.replace("= admin\n", "= context_is_admin\n");
    let policy = "special: role:special\na_special: role:special or role:admin\na_member: role:member or role:admin\n";
    let app = protected(PropertyProtectionFormat::Policies, &text, policy).await;
    check(&app).await;
}

async fn check(app: &TestApp) {
    // Creating: only what the caller may create, and the answer shows only what they may read.
    for (caller, name, status) in [
        (MEMBER, "create_a", 403),
        (SPECIAL, "create_a", 201),
        (ADMIN, "create_a", 201),
        (SPECIAL, "read_a", 403),
        (MEMBER, "open_a", 201),
        (MEMBER, "blind_a", 201),
        (MEMBER, "in_no_section", 403),
        (ADMIN, "in_no_section", 403),
    ] {
        let answer = app.request(caller, "POST", "/v2/images").json(&json!({name: "x"})).send().await;
        assert_eq!(answer.status, status, "{} {name}", caller.name);
        if status == 403 {
            assert_eq!(answer.message(), refused(name).1);
        } else {
            assert_eq!(answer.json()[name].is_null(), name == "blind_a" && caller.name != "admin", "{name}");
        }
    }

    let all = json!({"create_1": "v", "read_1": "v", "update_1": "v", "delete_1": "v", "open_1": "v", "owner": "p1"});
    let id = app.create(ADMIN, all).await;
    let path = format!("/v2/images/{id}");
    // Showing and listing: what may not be read is not there.
    for (caller, seen) in [
        (MEMBER, vec!["create_1", "delete_1", "open_1", "update_1"]),
        (SPECIAL, vec!["create_1", "delete_1", "open_1", "read_1", "update_1"]),
    ] {
        let shown = app.get(caller, &path).await.json();
        let listed = app.get(caller, "/v2/images").await.json()["images"].clone();
        let listed = listed.as_array().unwrap().iter().find(|image| image["id"] == id.as_str()).unwrap().clone();
        for image in [shown, listed] {
            let names = image.as_object().unwrap().keys().filter(|name| name.ends_with("_1"));
            let mut names: Vec<_> = names.map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, seen, "{}", caller.name);
        }
    }

    // Changing: (caller, operation, name, answer).
    let missing = |name: &str| {
        (409, format!("There was a conflict when trying to complete your request.|Property {name} does not exist."))
    };
    let fine = (200, String::new());
    for (caller, op, name, wanted) in [
        (MEMBER, "replace", "update_1", refused("update_1")),
        (MEMBER, "add", "update_1", refused("update_1")),
        (SPECIAL, "replace", "update_1", fine.clone()),
        (SPECIAL, "add", "update_1", fine.clone()),
        (SPECIAL, "replace", "create_1", refused("create_1")),
        (MEMBER, "add", "create_2", refused("create_2")),
        (SPECIAL, "add", "create_2", fine.clone()),
        (MEMBER, "replace", "read_1", missing("read_1")),
        (MEMBER, "remove", "read_1", missing("read_1")),
        (MEMBER, "add", "read_1", refused("read_1")),
        (SPECIAL, "remove", "read_1", refused("read_1")),
        (MEMBER, "remove", "delete_1", refused("delete_1")),
        (SPECIAL, "remove", "delete_1", fine.clone()),
        (SPECIAL, "remove", "delete_1", missing("delete_1")),
        (MEMBER, "replace", "open_1", fine.clone()),
        (MEMBER, "add", "blind_1", fine.clone()),
        (MEMBER, "remove", "open_1", fine.clone()),
        (MEMBER, "add", "in_no_section", refused("in_no_section")),
    ] {
        let mut operation = json!({"op": op, "path": format!("/{name}"), "value": "new"});
        if op == "remove" {
            operation.as_object_mut().unwrap().remove("value");
        }
        let answer = app.patch(caller, &id, json!([operation])).await;
        let said = if answer.status == 200 { String::new() } else { answer.message() };
        assert_eq!((answer.status, said), wanted, "{} {op} {name}", caller.name);
    }

    // What members could not see is still there after all that they changed.
    let tagged = app.request(MEMBER, "PUT", &format!("{path}/tags/t")).send().await;
    assert_eq!(tagged.status, 204);
    let left = app.get(ADMIN, &path).await.json();
    for (name, value) in [
        ("create_1", json!("v")),
        ("create_2", json!("new")),
        ("read_1", json!("v")),
        ("update_1", json!("new")),
        ("delete_1", Value::Null),
        ("blind_1", json!("new")),
        ("open_1", Value::Null),
    ] {
        assert_eq!(left.get(name).cloned().unwrap_or_default(), value, "{name}");
    }
}

/// A rule of the policy cannot see what its caller cannot.
#[tokio::test]
async fn rules_do_not_see_what_is_hidden() {
    let policy = "get_image: role:admin or 'yes':%(read_me)s\n";
    let app = protected(PropertyProtectionFormat::Roles, BY_ROLES, policy).await;
    let id = app.create(ADMIN, json!({"read_me": "yes", "owner": "p1"})).await;
    for (caller, status) in [(ADMIN, 200), (SPECIAL, 200), (MEMBER, 404)] {
        assert_eq!(app.get(caller, &format!("/v2/images/{id}")).await.status, status, "{}", caller.name);
    }
}

/// Without a file that can be read, the service does not start.
#[tokio::test]
async fn no_protection_no_service() {
    for (text, says) in [
        (None, "No such file"),
        (Some("[a\n"), "line 1: it stands before the first section"),
        (Some("[^(?!x)]\ncreate = @\nread = @\nupdate = @\ndelete = @\n"), "look-around"),
        (Some("[a]\ncreate = @\n"), "section [a] does not say who may read the property"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("protections.conf");
        if let Some(text) = text {
            fs::write(&file, text).unwrap();
        }
        let mut config = Config::stand_alone(folder.path().to_str().unwrap());
        config.property_protection = Some(PropertyProtection { file, format: PropertyProtectionFormat::Roles });
        let refused = App::open(config, Clock::default()).await.err().unwrap();
        let cause = std::error::Error::source(&refused).unwrap().to_string();
        assert!(cause.starts_with("property protection file ") && cause.contains(says), "{cause}");
    }
}
