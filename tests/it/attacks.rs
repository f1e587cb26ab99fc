//! Attacks on what others own, and on what the service alone decides: each has its test, here or where its subject is.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::app::{PATCH_TYPE, TestApp};
use crate::harness::callers::{ADMIN, Caller, MEMBER, OTHER, READER};

/// (attack, file, test)
const WITHSTOOD: &[(&str, &str, &str)] = &[
    ("asking whether an image exists", "images", "hidden_and_missing_images_answer_alike"),
    ("timing whether an image exists", "images", "hidden_and_missing_images_answer_alike"),
    ("asking whether anything else exists", "tasks", "others_see_their_own"),
    ("changing what is only to be read", "attacks", "what_is_public_is_changed_by_its_owner"),
    ("creating in somebody else's name", "identity/forged", "claims_beside_a_token_change_nothing"),
    ("giving an image away, or taking one", "identity/forged", "claims_beside_a_token_change_nothing"),
    ("making an image public", "attacks", "only_administrators_publish"),
    ("writing as a reader", "attacks", "readers_write_nothing"),
    ("filters that widen what is seen", "attacks", "filters_only_narrow"),
    ("sharing an image that one does not see", "members", "what_is_refused"),
    ("accepting in somebody else's name", "members", "what_is_refused"),
    ("a shared image in a list before it is accepted", "attacks", "shared_images_wait_outside"),
    ("flooding somebody's list with shared images", "attacks", "shared_images_wait_outside"),
    ("more members than there may be", "members", "the_member_quota_holds"),
    ("data of an image that is out of service", "attacks", "no_part_of_what_is_deactivated"),
    ("deleting what is protected", "attacks", "what_is_protected_stays"),
    ("forged identity headers", "identity/forged", "claims_without_a_token_are_nothing"),
    ("forged identity headers beside Keystone", "keystone/tokens", "where_a_token_may_stand"),
    ("tokens that were revoked", "keystone/memory", "answers_are_believed_for_a_while"),
    ("tokens that have ended", "keystone/memory", "no_answer_outlives_its_token"),
    ("tokens in the log", "identity/sight", "nothing_secret_is_logged"),
    ("definitions that are private", "metadefs", "what_others_hide_is_not_there"),
    ("tasks of others", "tasks", "tasks_are_for_administrators"),
    ("the cache, as no administrator", "off", "the_cache_is_off"),
    ("details of stores, as no administrator", "several_stores", "stores_are_told"),
    ("methods that do not exist", "off", "wrong_methods_are_told_the_right_ones"),
    ("methods in headers", "off", "methods_cannot_be_smuggled_in"),
    ("status, size and hashes from the client", "images", "what_cannot_be_patched"),
    ("status, size and hashes in headers", "bad_input", "headers_decide_nothing"),
    ("other data for an image that has some", "data", "what_cannot_be_uploaded"),
    ("an image without its last location", "locations", "locations_of_an_active_image"),
    ("the last copy, twice at once", "several_stores", "the_last_copy_survives_a_race"),
    ("locations on this machine, or of another scheme", "locations", "what_cannot_be_a_location"),
    ("the same, told by its address", "adoptions", "what_cannot_be_adopted"),
    ("another location in the place of the first", "attacks", "locations_are_not_for_everybody"),
    ("seeing where bytes are", "attacks", "locations_are_not_for_everybody"),
    ("the id of an image that was deleted", "images", "an_id_is_used_once_and_for_ever"),
    ("several writers at once", "data", "one_upload_wins"),
    ("a server that is killed during uploads", "crash", "killed_during_uploads"),
    ("a server that is killed during deletions", "crash", "killed_during_deletions"),
    ("names that are the service's", "images", "what_cannot_be_created"),
];

#[test]
fn every_attack_has_its_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let gone: Vec<_> = WITHSTOOD
        .iter()
        .filter(|(_, file, test)| {
            let text = fs::read_to_string(tests.join(format!("{file}.rs"))).unwrap_or_default();
            !text.contains(&format!("fn {test}("))
        })
        .collect();
    assert!(gone.is_empty(), "{gone:#?}");
}

/// An attempt: (who, method, path behind the image, body, the status of the answer).
type Attempt = (Caller, &'static str, &'static str, &'static str, u16);

/// Makes `attempts` on image `id`, which is as it was afterwards, its data too.
async fn in_vain(app: &TestApp, id: &str, attempts: &[Attempt]) {
    let path = format!("/v2/images/{id}");
    let look =
        async || (app.get(ADMIN, &path).await.text().to_owned(), app.get(ADMIN, &format!("{path}/file")).await.body);
    let before = look().await;
    for (caller, method, below, body, status) in attempts {
        let kind = match *method {
            "PATCH" => PATCH_TYPE,
            "PUT" if *below == "/file" => "application/octet-stream",
            _ => "application/json",
        };
        let below = below.replace("ID", id);
        let place = if below.starts_with("/v2") { below } else { format!("{path}{below}") };
        let ask = app.request(*caller, method, &place).header("content-type", kind);
        let answer = if body.is_empty() { ask.send().await } else { ask.body(*body).send().await };
        assert_eq!(answer.status, *status, "{} {method} {place} {body}: {}", caller.name, answer.text());
    }
    assert_eq!(look().await, before);
}

const RENAMED: &str = r#"[{"op": "replace", "path": "/name", "value": "mine"}]"#;
const PUBLISHED: &str = r#"[{"op": "replace", "path": "/visibility", "value": "public"}]"#;
const WITHOUT_PLACES: &str = r#"[{"op": "remove", "path": "/locations/0"}]"#;
const WITH_NO_PLACES: &str = r#"[{"op": "replace", "path": "/locations", "value": []}]"#;
const WITH_ANOTHER_PLACE: &str =
    r#"[{"op": "add", "path": "/locations/-", "value": {"url": "http://192.0.2.1/evil", "metadata": {}}}]"#;

#[tokio::test]
async fn what_is_public_is_changed_by_its_owner() {
    let app = TestApp::new().await;
    let id = app.active(ADMIN, json!({"name": "a", "owner": "p1", "visibility": "public"}), b"data").await;
    let attempts: [Attempt; 9] = [
        (OTHER, "PATCH", "", RENAMED, 403),
        (OTHER, "DELETE", "", "", 403),
        (OTHER, "PUT", "/file", "evil", 403),
        (OTHER, "PUT", "/tags/x", "", 403),
        (OTHER, "POST", "/members", r#"{"member": "p2"}"#, 403),
        (OTHER, "POST", "/actions/deactivate", "", 403),
        (OTHER, "PATCH", "", r#"[{"op": "replace", "path": "/owner", "value": "p2"}]"#, 403),
        (OTHER, "PATCH", "", WITH_ANOTHER_PLACE, 403),
        (OTHER, "PATCH", "", WITHOUT_PLACES, 403),
    ];
    in_vain(&app, &id, &attempts).await;
}

#[tokio::test]
async fn only_administrators_publish() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({}), b"data").await;
    let attempts: [Attempt; 3] = [
        (MEMBER, "PATCH", "", PUBLISHED, 403),
        (READER, "PATCH", "", PUBLISHED, 403),
        (MEMBER, "POST", "/v2/images", r#"{"visibility": "public"}"#, 403),
    ];
    in_vain(&app, &id, &attempts).await;
    let published = app.patch(ADMIN, &id, json!([{"op": "replace", "path": "/visibility", "value": "public"}])).await;
    assert_eq!((published.status, &published.json()["visibility"]), (200, &json!("public")));
}

#[tokio::test]
async fn readers_write_nothing() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({"name": "a", "tags": ["t"]}), b"data").await;
    let attempts: [Attempt; 10] = [
        (READER, "POST", "/v2/images", "{}", 403),
        (READER, "PATCH", "", RENAMED, 403),
        (READER, "PUT", "/file", "evil", 403),
        (READER, "DELETE", "", "", 403),
        (READER, "PUT", "/tags/x", "", 403),
        (READER, "DELETE", "/tags/t", "", 403),
        (READER, "POST", "/members", r#"{"member": "p2"}"#, 403),
        (READER, "POST", "/actions/deactivate", "", 403),
        (READER, "POST", "/locations", r#"{"url": "http://192.0.2.1/x"}"#, 409),
        (READER, "POST", "/v2/metadefs/namespaces", r#"{"namespace": "x"}"#, 403),
    ];
    in_vain(&app, &id, &attempts).await;
    assert_eq!(app.get(ADMIN, "/v2/images?visibility=all").await.json()["images"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_protected_stays() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({"protected": true}), b"data").await;
    let attempts: [Attempt; 6] = [
        (MEMBER, "DELETE", "", "", 403),
        (ADMIN, "DELETE", "", "", 403),
        (MEMBER, "DELETE", "/v2/stores/local/ID", "", 403),
        (ADMIN, "DELETE", "/v2/stores/local/ID", "", 403),
        (ADMIN, "PATCH", "", WITHOUT_PLACES, 403),
        (ADMIN, "PATCH", "", WITH_NO_PLACES, 403),
    ];
    in_vain(&app, &id, &attempts).await;
}

async fn names(app: &TestApp, caller: Caller, query: &str) -> Vec<Value> {
    let page = app.get(caller, &format!("/v2/images?{query}")).await.json();
    page["images"].as_array().unwrap().iter().map(|image| image["name"].clone()).collect()
}

#[tokio::test]
async fn filters_only_narrow() {
    let app = TestApp::new().await;
    for visibility in ["private", "shared"] {
        app.create(MEMBER, json!({"name": visibility, "visibility": visibility, "x": "y"})).await;
    }
    for query in [
        "owner=p1",
        "owner=p1&visibility=private",
        "visibility=private",
        "visibility=all",
        "visibility=shared&member_status=all",
        "visibility=shared&member_status=accepted&owner=p1",
        "os_hidden=true",
        "x=y",
        "name=in:private,shared",
        "sort=owner:asc&limit=1000",
        "is_admin=true",
        "deleted=true",
        "member=p1",
    ] {
        let answer = app.get(OTHER, &format!("/v2/images?{query}")).await;
        let nothing = answer.status == 200 && answer.json()["images"] == json!([]);
        assert!(nothing || answer.status == 400, "{query}: {}", answer.text());
    }
    assert_eq!(names(&app, MEMBER, "owner=p1").await.len(), 2);
}

#[tokio::test]
async fn shared_images_wait_outside() {
    let app = TestApp::new().await;
    app.create(OTHER, json!({"name": "own"})).await;
    for _ in 0..40 {
        let id = app.create(MEMBER, json!({"name": "pushed"})).await;
        let ask = app.request(MEMBER, "POST", &format!("/v2/images/{id}/members")).json(&json!({"member": "p2"}));
        assert_eq!(ask.send().await.status, 200);
    }
    assert_eq!(names(&app, OTHER, "").await, ["own"]);
    assert_eq!(names(&app, OTHER, "visibility=shared&member_status=accepted").await, ["own"]);
    let waiting = names(&app, OTHER, "visibility=shared&member_status=pending&limit=100").await;
    assert_eq!(waiting.iter().filter(|name| *name == "pushed").count(), 40);
}

#[tokio::test]
async fn no_part_of_what_is_deactivated() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({}), b"data").await;
    let deactivate = app.request(MEMBER, "POST", &format!("/v2/images/{id}/actions/deactivate"));
    assert_eq!(deactivate.send().await.status, 204);
    let file = format!("/v2/images/{id}/file");
    for (header, value) in
        [("x", "y"), ("range", "bytes=0-1"), ("content-range", "bytes 0-1/*"), ("range", "bytes=9-"), ("range", "x")]
    {
        let answer = app.request(MEMBER, "GET", &file).header(header, value).send().await;
        assert_eq!(answer.status, 403, "{header}: {value}");
        assert_eq!(answer.header("content-md5"), None);
    }
    assert_eq!(app.request(ADMIN, "GET", &file).header("range", "bytes=0-1").send().await.body, b"da"[..]);
}

/// With the defaults nobody sees where bytes are, and nobody puts others in their place.
#[tokio::test]
async fn locations_are_not_for_everybody() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({}), b"data").await;
    for caller in [MEMBER, ADMIN] {
        let shown = app.get(caller, &format!("/v2/images/{id}")).await.json();
        assert!(["direct_url", "locations"].iter().all(|name| shown.get(name).is_none()), "{shown}");
    }
    let attempts: [Attempt; 5] = [
        (MEMBER, "PATCH", "", WITH_ANOTHER_PLACE, 403),
        (MEMBER, "PATCH", "", WITHOUT_PLACES, 403),
        (MEMBER, "PATCH", "", WITH_NO_PLACES, 403),
        (MEMBER, "GET", "/locations", "", 403),
        (MEMBER, "POST", "/locations", r#"{"url": "http://192.0.2.1/evil"}"#, 409),
    ];
    in_vain(&app, &id, &attempts).await;
}
