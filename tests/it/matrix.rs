//! Every route asked by every kind of caller. The table is golden: a new route, or a caller that gets a new answer, shows
//! up there as a line to accept.

use std::fmt::Write;

use glint::api::routes::ROUTES;
use glint::clock::new_uuid;
use serde_json::json;

use crate::harness::app::{PATCH_TYPE, TestApp};
use crate::harness::callers::{ADMIN, ANONYMOUS, Caller, MEMBER, OTHER, READER};
use crate::harness::golden;

const CALLERS: [Caller; 5] = [ANONYMOUS, READER, MEMBER, ADMIN, OTHER];

#[tokio::test]
async fn route_by_caller() {
    let mut table = String::from(
        "The status that each caller gets. The image is of project p1, active, with tag `t`; where it is shared, p2 is a \
         member. The metadata\nnamespace is of p1, too, with an object, a property, a tag and a type of resource; it is \
         private unless it is public.\nreader, member: of p1. admin: of no matter which. other: member of p2.\n",
    );
    let app = TestApp::new().await;
    for visibility in ["private", "shared", "public"] {
        write!(table, "\n{visibility:<48}").unwrap();
        for caller in CALLERS {
            write!(table, "{:>11}", caller.name).unwrap();
        }
        table.push('\n');
        for route in ROUTES {
            for endpoint in route.methods {
                write!(table, "{:<48}", format!("{:<7}{}", endpoint.method.as_str(), route.path)).unwrap();
                for caller in CALLERS {
                    let status = status(&app, visibility, caller, endpoint.method.as_str(), route.path).await;
                    write!(table, "{status:>11}").unwrap();
                }
                table.push('\n');
            }
        }
    }
    golden::matches("routes-by-caller.txt", &table);
}

/// What `caller` gets for an image that nobody has touched yet.
async fn status(app: &TestApp, visibility: &str, caller: Caller, method: &str, pattern: &str) -> u16 {
    let with_image = pattern.starts_with("/images/") || pattern.starts_with("/stores/");
    let id = if with_image {
        image(app, visibility).await
    } else if pattern.starts_with("/metadefs/namespaces/") {
        namespace(app, visibility).await
    } else {
        "n".to_owned()
    };
    let second = match (method, pattern) {
        (_, members) if members.contains("members") => "p2",
        // A tag that is not there yet.
        ("POST", _) => "n",
        _ => "t",
    };
    let (first, second) = if pattern.starts_with("/stores/") { ("local", id.as_str()) } else { (id.as_str(), second) };
    let path = pattern.replacen("{}", first, 1).replacen("{}", second, 1);
    let ask = app.request(caller, method, &format!("/v2{path}"));
    let ask = match (method, pattern) {
        ("PATCH", _) => ask
            .header("content-type", PATCH_TYPE)
            .body(json!([{"op": "replace", "path": "/name", "value": "n"}]).to_string()),
        ("PUT", "/images/{}/file") => ask.header("content-type", "application/octet-stream").body("data"),
        ("POST", "/images/{}/locations") => ask.json(&json!({"url": "http://192.0.2.1/x"})),
        ("POST", "/images") => ask.json(&json!({"name": "n"})),
        ("POST", "/images/{}/members") => ask.json(&json!({"member": "p3"})),
        ("PUT", "/images/{}/members/{}") => ask.json(&json!({"status": "accepted"})),
        ("POST", "/metadefs/namespaces") => ask.json(&json!({"namespace": new_uuid().to_string()})),
        ("PUT", "/metadefs/namespaces/{}") => ask.json(&json!({"namespace": id})),
        ("POST" | "PUT", properties) if properties.contains("/properties") => {
            ask.json(&json!({"name": "n", "title": "n", "type": "string"}))
        }
        ("POST", "/metadefs/namespaces/{}/tags") => ask.json(&json!({"tags": [{"name": "n"}]})),
        ("POST", "/metadefs/namespaces/{}/tags/{}") => ask,
        ("POST" | "PUT", metadefs) if metadefs.starts_with("/metadefs/") => ask.json(&json!({"name": "n"})),
        _ => ask,
    };
    ask.send().await.status
}

async fn image(app: &TestApp, visibility: &str) -> String {
    let id = app.active(MEMBER, json!({"name": "i", "tags": ["t"]}), b"data").await;
    let shared = app.request(MEMBER, "POST", &format!("/v2/images/{id}/members")).json(&json!({"member": "p2"}));
    assert_eq!(shared.send().await.status, 200);
    let change = json!([{"op": "replace", "path": "/visibility", "value": visibility}]);
    assert_eq!(app.patch(ADMIN, &id, change).await.status, 200);
    id
}

async fn namespace(app: &TestApp, visibility: &str) -> String {
    let name = new_uuid().to_string();
    let visibility = if visibility == "public" { "public" } else { "private" };
    let t = json!({"name": "t"});
    let property = json!({"title": "t", "type": "string"});
    let new = json!({
        "namespace": name, "owner": "p1", "visibility": visibility, "objects": [t], "tags": [t],
        "resource_type_associations": [t], "properties": {"t": property},
    });
    let made = app.request(ADMIN, "POST", "/v2/metadefs/namespaces").json(&new).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    name
}
