//! The tasks API: who may, what is asked for, how it is listed, and what becomes of it.

use chrono::Duration;
use serde_json::{Value, json};

use crate::harness::app::{Answer, TestApp};
use crate::harness::callers::{ADMIN, ANONYMOUS, Caller, MEMBER, OTHER};

const OTHER_ADMIN: Caller = Caller { name: "other-admin", project: Some("p2"), roles: "admin" };

fn import(from: &str) -> Value {
    json!({"type": "import", "input": {"import_from": from, "import_from_format": "raw", "image_properties": {}}})
}

async fn post(app: &TestApp, caller: Caller, body: &Value) -> Answer {
    app.request(caller, "POST", "/v2/tasks").json(body).send().await
}

/// A task that has ended; its id.
async fn ended(app: &TestApp, caller: Caller, body: &Value) -> String {
    let answer = post(app, caller, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    while app.get(caller, &format!("/v2/tasks/{id}")).await.json()["status"] == "pending" {
        tokio::task::yield_now().await;
    }
    id
}

#[tokio::test]
async fn a_task_from_begin_to_end() {
    let app = TestApp::new().await;
    let asked = import("https://192.0.2.1/x");
    let answer = post(&app, ADMIN, &asked).await;
    assert_eq!(answer.status, 201);
    let task = answer.json();
    let id = task["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), Some(format!("http://images.test/v2/tasks/{id}").as_str()));
    for (name, value) in [
        ("type", json!("import")),
        ("status", json!("pending")),
        ("owner", json!(ADMIN.project)),
        ("user_id", json!("user-admin")),
        ("input", asked["input"].clone()),
        ("result", Value::Null),
        ("message", json!("")),
        ("self", json!(format!("/v2/tasks/{id}"))),
        ("schema", json!("/v2/schemas/task")),
    ] {
        assert_eq!(task[name], value, "{name}");
    }
    assert!(task["created_at"].as_str().unwrap().ends_with('Z') && task.get("expires_at").is_none());
    while app.get(ADMIN, &format!("/v2/tasks/{id}")).await.json()["status"] == "pending" {
        tokio::task::yield_now().await;
    }
    let task = app.get(ADMIN, &format!("/v2/tasks/{id}")).await.json();
    assert_eq!(task["status"], "failure");
    assert_eq!(task["message"], "This service does not carry out tasks of this type.");
    assert!(task["expires_at"].as_str().unwrap().ends_with('Z'));
    // It is listed without what went in and came out, until it has expired.
    let listed = app.get(ADMIN, "/v2/tasks").await.json();
    assert_eq!(listed["first"], "/v2/tasks");
    let entry = listed["tasks"][0].as_object().unwrap();
    assert_eq!(entry["id"], id.as_str());
    for name in ["input", "result", "message"] {
        assert!(!entry.contains_key(name), "{name}");
    }
    app.clock.advance(Duration::hours(49));
    assert_eq!(app.get(ADMIN, "/v2/tasks").await.json()["tasks"], json!([]));
    // Administrators see it by its id also when it is deleted.
    assert_eq!(app.get(ADMIN, &format!("/v2/tasks/{id}")).await.status, 200);
}

/// (body, message of the 400)
#[tokio::test]
async fn what_is_no_task() {
    let app = TestApp::new().await;
    let uri =
        "The given uri is not valid. Please specify a valid uri from the following list of supported uri ['http']|";
    let file = "File based imports are not allowed. Please use a non-local source of image data.|";
    let filtered = |uri: &str| format!("URI for legacy import task does not pass filtering: {uri}|");
    let schema = |text: &str| format!("Provided object does not match schema 'task': {text}|");
    let with = |name: &str, value: Value| {
        let mut body = import("http://192.0.2.1/");
        body[name] = value;
        body
    };
    for (body, message) in [
        (json!({}), "Task 'type' is required|".to_owned()),
        (json!([]), "Task 'type' is required|".into()),
        (json!({"type": "import"}), "Task 'input' is required|".into()),
        (
            with("type", json!("dance")),
            schema("'dance' is not one of ['import', 'api_image_import', 'location_import']"),
        ),
        (with("input", json!("x")), schema("'x' is not of type 'null', 'object'")),
        (with("status", json!("x")), schema("'x' is not one of ['pending', 'processing', 'success', 'failure']")),
        (with("owner", json!(1)), schema("1 is not of type 'string'")),
        (with("expires_at", json!(1)), schema("1 is not of type 'null', 'string'")),
        (with("input", Value::Null), "Invalid location: None|".into()),
        (json!({"type": "location_import", "input": null}), "Task 'input' is required|".into()),
        (json!({"type": "import", "input": {}}), "Invalid location: None|".into()),
        (json!({"type": "import", "input": {"import_from": 5}}), "Invalid location: 5|".into()),
        (import(""), "Invalid location: |".into()),
        (import("file:///etc/passwd"), file.into()),
        (import("filesystem:///etc/passwd"), file.into()),
        (import("swift+config://x"), uri.into()),
        (import("FILE:///etc/passwd"), uri.into()),
        (import("http://127.1/"), filtered("http://127.1/")),
        (import("http://192.0.2.1:22/"), filtered("http://192.0.2.1:22/")),
        (
            json!({"type": "import", "input": {"import_from": "http://192.0.2.1/", "image_id": ["x"]}}),
            "Invalid image id: ['x']|".into(),
        ),
    ] {
        let answer = post(&app, ADMIN, &body).await;
        assert_eq!((answer.status, answer.message()), (400, message), "{body}");
    }
    for (text, message) in [("", "Body expected in request.|"), ("{", "Malformed JSON in request body.|")] {
        let answer = app.request(ADMIN, "POST", "/v2/tasks").body(text).send().await;
        assert_eq!((answer.status, answer.message().as_str()), (400, message), "{text}");
    }
    assert_eq!(app.get(ADMIN, "/v2/tasks").await.json()["tasks"], json!([]));
}

/// The rule is asked before anything is read.
#[tokio::test]
async fn tasks_are_for_administrators() {
    let app = TestApp::new().await;
    let id = ended(&app, ADMIN, &import("http://192.0.2.1/")).await;
    for (method, path) in [
        ("POST", "/v2/tasks".to_owned()),
        ("GET", "/v2/tasks?limit=x".into()),
        ("GET", format!("/v2/tasks/{id}")),
        ("DELETE", format!("/v2/tasks/{id}")),
    ] {
        let refused = app.request(MEMBER, method, &path).send().await;
        let said = "You are not authorized to complete tasks_api_access action.|";
        assert_eq!((refused.status, refused.message().as_str()), (403, said), "{method} {path}");
        assert_eq!(app.request(ANONYMOUS, method, &path).send().await.status, 401);
    }
    let never = app.request(ADMIN, "DELETE", "/v2/tasks/x").send().await;
    assert_eq!((never.status, never.header("allow")), (405, Some("GET")));
    assert!(never.text().contains("This operation is currently not permitted on Glance Tasks."), "{}", never.text());
    let missing = app.get(ADMIN, "/v2/tasks/x").await;
    assert_eq!((missing.status, missing.message().as_str()), (404, "Could not find task x|"));
}

/// Where the rule lets others in, they see what is their project's.
#[tokio::test]
async fn others_see_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, "tasks_api_access: '@'").unwrap();
    let app = TestApp::with(|config| config.policy.policy_file = Some(file)).await;
    let mine = ended(&app, MEMBER, &import("http://192.0.2.1/")).await;
    app.clock.advance(Duration::seconds(1));
    let theirs = ended(&app, OTHER_ADMIN, &import("http://192.0.2.1/")).await;
    for (caller, seen) in [(MEMBER, vec![&mine]), (OTHER, vec![&theirs]), (ADMIN, vec![&theirs, &mine])] {
        let listed = app.get(caller, "/v2/tasks").await.json();
        let ids: Vec<_> = listed["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
        assert_eq!(ids, seen, "{}", caller.name);
    }
    assert_eq!(app.get(MEMBER, &format!("/v2/tasks/{theirs}")).await.status, 404);
    assert_eq!(app.get(OTHER, &format!("/v2/tasks?marker={mine}")).await.status, 400);
}

#[tokio::test]
async fn lists() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let mut body = import("http://192.0.2.1/");
        body["input"]["image_id"] = json!(format!("image-{}", n % 2));
        ids.push(ended(&app, ADMIN, &body).await);
        app.clock.advance(Duration::seconds(1));
    }
    let listed = |query: &'static str| {
        let app = &app;
        let ids = &ids;
        async move {
            let answer = app.get(ADMIN, &format!("/v2/tasks{query}")).await;
            if answer.status != 200 {
                return Err((answer.status, answer.message()));
            }
            let found = answer.json();
            let place = |task: &Value| ids.iter().position(|id| task["id"] == id.as_str()).unwrap();
            Ok((found["tasks"].as_array().unwrap().iter().map(place).collect::<Vec<_>>(), found["next"].clone()))
        }
    };
    let said = |text: &str| Err((400, format!("{text}|")));
    for (query, wanted) in [
        ("", Ok((vec![4, 3, 2, 1, 0], Value::Null))),
        ("?sort_dir=asc", Ok((vec![0, 1, 2, 3, 4], Value::Null))),
        ("?sort_key=id&sort_dir=asc", Ok((vec![0, 1, 2, 3, 4], Value::Null))),
        ("?sort_key=image_id&sort_dir=asc", Ok((vec![0, 2, 4, 1, 3], Value::Null))),
        ("?sort_key=deleted_at&sort_dir=asc", Ok((vec![0, 1, 2, 3, 4], Value::Null))),
        ("?image_id=image-1", Ok((vec![3, 1], Value::Null))),
        ("?status=failure&type=import&unknown=x", Ok((vec![4, 3, 2, 1, 0], Value::Null))),
        ("?status=success", Ok((vec![], Value::Null))),
        ("?limit=0", Ok((vec![], Value::Null))),
        ("?limit=x", said("limit param must be an integer")),
        ("?limit=-1", said("limit param must be positive")),
        ("?status=x", said("Invalid status value: x")),
        ("?type=location_import", said("Invalid type value: location_import")),
        ("?sort_key=nonsense", said("Sort key supplied was not valid.")),
        ("?sort_dir=up", said("Invalid sort direction: up")),
        ("?marker=x", said("Invalid marker format")),
        ("?created_at=x", said("Tasks cannot be narrowed by created_at.")),
        (
            "?marker=00000000-0000-4000-8000-000000000000",
            said("Task with the given id 00000000-0000-4000-8000-000000000000 was not found"),
        ),
    ] {
        assert_eq!(listed(query).await, wanted, "{query}");
    }
    // Page by page, in every order, everything comes once.
    for start in ["?limit=2", "?limit=2&sort_dir=asc", "?limit=2&sort_key=image_id", "?limit=1&sort_key=deleted_at"] {
        let mut path = format!("/v2/tasks{start}");
        let mut seen = Vec::new();
        loop {
            let page = app.get(ADMIN, &path).await.json();
            seen.extend(page["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => path = next.to_owned(),
                None => break,
            }
        }
        let whole = format!("/v2/tasks{}", start.replace("limit=2", "limit=9").replace("limit=1", "limit=9"));
        let whole = app.get(ADMIN, &whole).await.json();
        let whole: Vec<_> =
            whole["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
        assert_eq!(seen, whole, "{start}");
    }
}

#[tokio::test]
async fn tasks_of_an_image() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({})).await;
    let path = format!("/v2/images/{id}/tasks");
    assert_eq!(app.get(MEMBER, &path).await.json(), json!({"tasks": []}));
    let mut body = import("http://192.0.2.1/");
    body["input"]["image_id"] = json!(id);
    let task = ended(&app, ADMIN, &body).await;
    let rows = app.get(ADMIN, &path).await.json();
    let row = rows["tasks"][0].as_object().unwrap();
    assert_eq!(row["id"], task.as_str());
    assert_eq!(row["image_id"], id.as_str());
    assert_eq!(row["input"], body["input"]);
    assert_eq!((&row["deleted"], &row["deleted_at"]), (&json!(false), &Value::Null));
    let created = row["created_at"].as_str().unwrap();
    assert!(!created.ends_with('Z') && created.len() <= "2026-01-01T00:00:00.000000".len(), "{created}");
    // Whose task it is decides, not whose image.
    assert_eq!(app.get(OTHER, &path).await.status, 404);
    let owners = ADMIN.project == MEMBER.project;
    assert_eq!(app.get(MEMBER, &path).await.json()["tasks"].as_array().unwrap().is_empty(), !owners);
    app.clock.advance(Duration::hours(49));
    assert_eq!(app.get(ADMIN, &path).await.json(), json!({"tasks": []}));
    for (method, path) in [("GET", "/v2/images/x/tasks"), ("POST", path.as_str())] {
        assert_eq!(app.request(MEMBER, method, path).send().await.status, 404, "{method} {path}");
    }
}
