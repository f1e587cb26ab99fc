//! The catalogue of metadata definitions: what is written comes back, who may do what, and what is refused.

use serde_json::{Value, json};

use crate::harness::app::{Answer, TestApp};
use crate::harness::callers::{ADMIN, ANONYMOUS, Caller, MEMBER, OTHER, READER};
use crate::harness::database::{Engine, engine};

const ROOT: &str = "/v2/metadefs/namespaces";

async fn post(app: &TestApp, path: &str, body: &Value) -> Answer {
    app.request(ADMIN, "POST", &format!("{ROOT}{path}")).json(body).send().await
}

/// A new namespace.
async fn given(app: &TestApp, namespace: &Value) {
    let answer = post(app, "", namespace).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// The status and the text of an answer.
fn told(answer: &Answer) -> (u16, String) {
    (answer.status, if answer.status < 400 { String::new() } else { answer.message() })
}

/// `value` without times.
fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.retain(|name, _| !["created_at", "updated_at"].contains(&name.as_str()));
            members.values_mut().for_each(|member| *member = timeless(member.take()));
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| *entry = timeless(entry.take())),
        _ => {}
    }
    value
}

fn everything() -> Value {
    json!({
        "namespace": "T::Full",
        "display_name": "Full",
        "description": "All there can be.",
        "visibility": "public",
        "owner": "p1",
        "resource_type_associations": [
            {"name": "OS::Glance::Image", "prefix": "hw_", "properties_target": "image"},
            {"name": "OS::Nova::Aggregate"},
        ],
        "properties": {
            "count": {"title": "Count", "type": "integer", "minimum": 1.9, "default": 3},
            "kinds": {"title": "Kinds", "type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
        },
        "objects": [
            {"name": "cpu", "required": ["model"], "properties": {"model": {"title": "Model", "type": "string"}}},
            {"name": "empty"},
        ],
        "tags": [{"name": "old"}, {"name": "new"}],
    })
}

#[tokio::test]
async fn a_namespace_comes_back_with_all_that_is_in_it() {
    let app = TestApp::new().await;
    let answer = post(&app, "", &everything()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), Some("http://images.test/v2/metadefs/namespaces/T::Full"));
    let made = answer.json();
    assert_eq!(made["created_at"], made["updated_at"]);
    let mut expected = everything();
    expected["protected"] = json!(false);
    expected["self"] = json!("/v2/metadefs/namespaces/T::Full");
    expected["schema"] = json!("/v2/schemas/metadefs/namespace");
    expected["properties"]["count"] = json!({"title": "Count", "type": "integer", "minimum": 1, "default": "3"});
    assert_eq!(timeless(made), expected);

    let object = |name: &str, required: Value, properties: Value| {
        json!({
            "name": name, "required": required, "properties": properties,
            "self": format!("/v2/metadefs/namespaces/T::Full/objects/{name}"),
            "schema": "/v2/schemas/metadefs/object",
        })
    };
    let model = json!({"title": "Model", "type": "string"});
    expected["objects"] =
        json!([object("cpu", json!(["model"]), json!({"model": model})), object("empty", json!([]), json!({}))]);
    expected["tags"] = json!([{"name": "new"}, {"name": "old"}]);
    assert_eq!(timeless(app.get(READER, &format!("{ROOT}/T::Full")).await.json()), expected);

    let prefixed = app.get(READER, &format!("{ROOT}/T::Full?resource_type=OS::Glance::Image")).await.json();
    expected["objects"][0] = object("cpu", json!(["hw_model"]), json!({"hw_model": model}));
    let plain = expected["properties"].take();
    expected["properties"] = json!({"hw_count": plain["count"], "hw_kinds": plain["kinds"]});
    assert_eq!(timeless(prefixed), expected);
}

/// (prefix asked for, name, what comes of it).
#[tokio::test]
async fn a_property_has_another_name_on_a_resource() {
    let app = TestApp::new().await;
    given(&app, &everything()).await;
    let not_there = |name: &str, prefix: &str| {
        let text = "does not start with the expected resource type association prefix of";
        (404, format!("Property {name} {text} '{prefix}'.|"))
    };
    let cases = [
        ("OS::Glance::Image", "hw_count", (200, String::new())),
        ("OS::Glance::Image", "count", not_there("count", "hw_")),
        ("OS::Glance::Image", "hw_none", (404, "Could not find property none|".to_owned())),
        ("OS::Nova::Aggregate", "count", not_there("count", "None")),
        ("nope", "count", (404, "The metadata definition resource-type with name=nope, was not found.|".to_owned())),
        ("", "count", (200, String::new())),
    ];
    for (resource_type, name, expected) in cases {
        let path = format!("{ROOT}/T::Full/properties/{name}?resource_type={resource_type}");
        let answer = app.get(MEMBER, &path).await;
        assert_eq!(told(&answer), expected, "{path}");
        if answer.status == 200 {
            let shown = json!({"name": "count", "title": "Count", "type": "integer", "minimum": 1, "default": "3"});
            assert_eq!(answer.json(), shown, "{path}");
        }
    }
}

/// (kind, a new thing of it, the same renamed), each through its whole life.
#[tokio::test]
async fn each_kind_is_made_renamed_and_deleted() {
    let app = TestApp::new().await;
    given(&app, &json!({"namespace": "n"})).await;
    let cases = [
        ("objects", json!({"name": "a", "description": "d"}), json!({"name": "b"}), "metadata object"),
        (
            "properties",
            json!({"name": "a", "title": "A", "type": "string"}),
            json!({"name": "b", "title": "B", "type": "string"}),
            "property",
        ),
        ("tags", json!({"name": "a"}), json!({"name": "b"}), "metadata tag"),
    ];
    for (kind, new, renamed, called) in cases {
        let path = |name: &str| format!("{ROOT}/n/{kind}/{name}");
        let missing = |name: &str| (404, format!("Could not find {called} {name}|"));
        let made = match kind {
            "tags" => app.request(ADMIN, "POST", &path("a")).send().await,
            _ => post(&app, &format!("/n/{kind}"), &new).await,
        };
        assert_eq!(made.status, 201, "{kind}: {}", made.text());
        assert_eq!(app.get(ADMIN, &path("a")).await.json()["name"], "a", "{kind}");
        let put = app.request(ADMIN, "PUT", &path("a")).json(&renamed).send().await;
        assert_eq!((put.status, put.json()["name"].clone()), (200, json!("b")), "{kind}");
        assert_eq!(told(&app.get(ADMIN, &path("a")).await), missing("a"), "{kind}");
        let put = app.request(ADMIN, "PUT", &path("a")).json(&renamed).send().await;
        assert_eq!(told(&put), missing("a"), "{kind}");
        let gone = app.request(ADMIN, "DELETE", &path("b")).send().await;
        assert_eq!(gone.status, 204, "{kind}");
        assert_eq!(told(&app.request(ADMIN, "DELETE", &path("b")).send().await), missing("b"), "{kind}");
    }
}

/// (path, body, what is told): names are taken once.
#[tokio::test]
async fn names_are_taken_once() {
    let app = TestApp::new().await;
    given(&app, &everything()).await;
    given(&app, &json!({"namespace": "other"})).await;
    let property = json!({"name": "count", "title": "C", "type": "string"});
    let in_full = "already exists in namespace=T::Full.";
    let (object, tag) = (format!("A metadata definition object with name=cpu {in_full}"), "case insensitive).|");
    let cases = [
        ("POST", "", json!({"namespace": "other"}), "The metadata definition namespace=other already exists.|"),
        ("POST", "/T::Full/objects", json!({"name": "cpu"}), &*format!("{object}|")),
        (
            "POST",
            "/T::Full/properties",
            property,
            &format!("A metadata definition property with name=count {in_full}|"),
        ),
        ("POST", "/T::Full/tags", json!({"tags": [{"name": "x"}, {"name": "x"}]}), tag),
        ("POST", "/T::Full/resource_types", json!({"name": "OS::Nova::Aggregate"}), "T::Full already exists.|"),
        ("PUT", "/other", json!({"namespace": "T::Full"}), "namespace with the same name of T::Full|"),
        ("PUT", "/T::Full/objects/empty", json!({"name": "cpu"}), "the same name=cpu in namespace=T::Full.|"),
        ("PUT", "/T::Full/tags/old", json!({"name": "new"}), tag),
    ];
    for (method, path, body, text) in cases {
        let answer = app.request(ADMIN, method, &format!("{ROOT}{path}")).json(&body).send().await;
        let (status, told) = told(&answer);
        assert!(status == 409 && told.ends_with(text), "{method} {path}: {status} {told}");
    }
    // Of what fails, nothing stays.
    for part in ["objects", "tags", "resource_type_associations"] {
        let answer = post(&app, "", &json!({"namespace": "twice", part: [{"name": "x"}, {"name": "x"}]})).await;
        assert_eq!(answer.status, 409, "{part}");
        assert_eq!(app.get(ADMIN, &format!("{ROOT}/twice")).await.status, 404, "{part}");
    }
    let types = app.get(ADMIN, "/v2/metadefs/resource_types").await.json();
    assert_eq!(
        timeless(types),
        json!({"resource_types": [{"name": "OS::Glance::Image"}, {"name": "OS::Nova::Aggregate"}]})
    );
    let tags = app.get(ADMIN, &format!("{ROOT}/T::Full/tags?sort_key=name")).await.json();
    assert_eq!(tags, json!({"tags": [{"name": "old"}, {"name": "new"}]}));
}

/// (the header, the tags that are sent, those that are there then).
#[tokio::test]
async fn tags_take_the_place_of_others_or_are_added() {
    let app = TestApp::new().await;
    given(&app, &everything()).await;
    let tags = |names: &[&str]| json!({"tags": names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()});
    let cases: [(Option<&str>, &[&str], &[&str]); 6] = [
        (None, &["a", "b"], &["a", "b"]),
        (Some("True"), &["c"], &["a", "b", "c"]),
        (Some("no"), &["d"], &["d"]),
        (None, &[], &["d"]),
        (Some(" ON "), &["e"], &["d", "e"]),
        (Some("y"), &["e", "f"], &["d", "e"]),
    ];
    for (append, sent, there) in cases {
        let ask = app.request(ADMIN, "POST", &format!("{ROOT}/T::Full/tags")).json(&tags(sent));
        let answer = match append {
            Some(append) => ask.header("x-openstack-append", append).send().await,
            None => ask.send().await,
        };
        if answer.status == 201 {
            assert_eq!(answer.json(), tags(sent), "{append:?} {sent:?}");
        } else {
            assert_eq!((answer.status, sent), (409, ["e", "f"].as_slice()));
        }
        let found = app.get(MEMBER, &format!("{ROOT}/T::Full/tags?sort_key=name&sort_dir=asc")).await.json();
        assert_eq!(found, tags(there), "{append:?} {sent:?}");
    }
}

/// What is protected is there until it is protected no more.
#[tokio::test]
async fn what_is_protected_stays() {
    let app = TestApp::new().await;
    let mut namespace = everything();
    namespace["protected"] = json!(true);
    given(&app, &namespace).await;
    let cases = [
        ("", "namespace T::Full"),
        ("/objects", "namespace T::Full"),
        ("/properties", "namespace T::Full"),
        ("/tags", "namespace T::Full"),
        ("/objects/cpu", "object cpu"),
        ("/properties/count", "property count"),
        ("/tags/old", "tag old"),
        ("/resource_types/OS::Nova::Aggregate", "resource-type-association OS::Nova::Aggregate"),
    ];
    for (path, what) in cases {
        let answer = app.request(ADMIN, "DELETE", &format!("{ROOT}/T::Full{path}")).send().await;
        let text = format!("Metadata definition {what} is protected and cannot be deleted.|");
        assert_eq!(told(&answer), (403, text), "{path}");
    }
    let put = app.request(ADMIN, "PUT", &format!("{ROOT}/T::Full")).json(&json!({"namespace": "T::Full"})).send().await;
    // What is left out has its default again.
    assert_eq!(
        (put.status, put.json()["visibility"].clone(), put.json()["owner"].clone()),
        (200, json!("private"), json!("adm"))
    );
    for (path, what) in cases.iter().rev() {
        let answer = app.request(ADMIN, "DELETE", &format!("{ROOT}/T::Full{path}")).send().await;
        assert_eq!(answer.status, 204, "{what}");
    }
    assert_eq!(app.get(ADMIN, &format!("{ROOT}/T::Full")).await.status, 404);
}

/// (query, the names on the page of an administrator, of a member of p1, and the name that the next page begins after).
#[tokio::test]
async fn lists() {
    let app = TestApp::new().await;
    for namespace in [
        json!({"namespace": "a", "visibility": "public", "display_name": "z"}),
        json!({"namespace": "b", "owner": "p1", "resource_type_associations": [{"name": "x", "prefix": "p_"}]}),
        json!({"namespace": "c", "owner": "p2", "resource_type_associations": [{"name": "x"}, {"name": "y"}]}),
        json!({"namespace": "d", "visibility": "public", "owner": "p2", "protected": true}),
    ] {
        given(&app, &namespace).await;
    }
    let cases = [
        ("", "d c b a", "d b a", None),
        ("sort_key=namespace&sort_dir=asc", "a b c d", "a b d", None),
        ("sort_key=namespace&sort_dir=asc&limit=2", "a b", "a b", Some("b")),
        ("sort_key=namespace&sort_dir=asc&limit=2&marker=b", "c d", "d", Some("d")),
        ("limit=2&marker=d", "c b", "b a", Some("b")),
        ("limit=0", "", "", None),
        ("visibility=public", "d a", "d a", None),
        ("visibility=private", "c b", "b", None),
        ("visibility=", "", "", None),
        ("resource_types=x", "c b", "b", None),
        ("resource_types=y,z", "c", "", None),
        ("resource_types=z", "", "", None),
        ("sort_key=protected&sort_dir=asc&marker=a", "b c d", "b d", None),
        ("sort_key=owner&sort_dir=asc", "a b c d", "a b d", None),
        ("sort_key=id&sort_dir=asc", "a b c d", "a b d", None),
    ];
    // What has no name is where the database has it.
    let by_display_name = match engine() {
        Engine::PostgreSql => [
            ("sort_key=display_name", "d c b a", "d b a", None),
            ("sort_key=display_name&marker=d&limit=2", "c b", "b a", Some("b")),
            ("sort_key=display_name&sort_dir=asc&marker=a", "b c d", "b d", None),
        ],
        Engine::Sqlite | Engine::MySql => [
            ("sort_key=display_name", "a d c b", "a d b", None),
            ("sort_key=display_name&marker=a&limit=2", "d c", "d b", Some("c")),
            ("sort_key=display_name&sort_dir=asc&marker=d", "a", "a", None),
        ],
    };
    for (query, for_admin, for_member, next) in cases.into_iter().chain(by_display_name) {
        for (caller, expected) in [(ADMIN, for_admin), (MEMBER, for_member)] {
            let answer = app.get(caller, &format!("{ROOT}?{query}")).await;
            let page = answer.json();
            let names: Vec<&str> = page["namespaces"]
                .as_array()
                .unwrap()
                .iter()
                .map(|found| found["namespace"].as_str().unwrap())
                .collect();
            assert_eq!(names.join(" "), expected, "{} {query}", caller.name);
            if caller == ADMIN {
                let after = page["next"].as_str().and_then(|next| next.rsplit_once("marker=")).map(|(_, name)| name);
                assert_eq!(after, next, "{query}");
            }
        }
    }
    let found = app.get(MEMBER, &format!("{ROOT}?resource_types=x")).await.json();
    let expected = json!([{"name": "x", "prefix": "p_"}]);
    assert_eq!(timeless(found["namespaces"][0]["resource_type_associations"].clone()), expected);
}

/// However many namespaces there are, a list is one trip of two statements, and one with all that is in it one of five.
#[tokio::test]
async fn statements_do_not_grow_with_what_there_is() {
    let app = TestApp::new().await;
    for at in 0..40 {
        let mut namespace = everything();
        namespace["namespace"] = json!(format!("n{at}"));
        given(&app, &namespace).await;
    }
    for (path, most) in [("?limit=40", 2), ("/n7", 5)] {
        let before = app.app.db.counts().statements;
        assert_eq!(app.get(MEMBER, &format!("{ROOT}{path}")).await.status, 200);
        assert_eq!(app.app.db.counts().statements - before, most, "{path}");
    }
}

/// What others hide is not there (T21), for whoever asks and whatever they ask for.
#[tokio::test]
async fn what_others_hide_is_not_there() {
    let app = TestApp::new().await;
    let mut hidden = everything();
    hidden["namespace"] = json!("hidden");
    hidden["visibility"] = json!("private");
    given(&app, &hidden).await;
    let object = json!({"name": "o"});
    let cases = [
        ("GET", "", None),
        ("PUT", "", Some(json!({"namespace": "hidden"}))),
        ("DELETE", "", None),
        ("GET", "/resource_types", None),
        ("POST", "/resource_types", Some(json!({"name": "t"}))),
        ("DELETE", "/resource_types/OS::Nova::Aggregate", None),
        ("GET", "/properties", None),
        ("POST", "/properties", Some(json!({"name": "p", "title": "P", "type": "string"}))),
        ("DELETE", "/properties", None),
        ("GET", "/properties/count", None),
        ("PUT", "/properties/count", Some(json!({"name": "p", "title": "P", "type": "string"}))),
        ("DELETE", "/properties/count", None),
        ("GET", "/objects", None),
        ("POST", "/objects", Some(object.clone())),
        ("DELETE", "/objects", None),
        ("GET", "/objects/cpu", None),
        ("PUT", "/objects/cpu", Some(object)),
        ("DELETE", "/objects/cpu", None),
        ("GET", "/tags", None),
        ("POST", "/tags", Some(json!({"tags": [{"name": "t"}]}))),
        ("DELETE", "/tags", None),
        ("GET", "/tags/old", None),
        ("POST", "/tags/t", None),
        ("PUT", "/tags/old", Some(json!({"name": "t"}))),
        ("DELETE", "/tags/old", None),
    ];
    for (method, path, body) in cases {
        let ask = |caller: Caller, name: &str| {
            let ask = app.request(caller, method, &format!("{ROOT}/{name}{path}"));
            match &body {
                Some(body) => ask.json(body),
                None => ask,
            }
        };
        let (hidden, nowhere) = (ask(OTHER, "hidden").send().await, ask(OTHER, "nowhere").send().await);
        assert_eq!(hidden.status, 404, "{method} {path}");
        assert_eq!(hidden.text().replace("hidden", "nowhere"), nowhere.text(), "{method} {path}");
        // Its own project sees it, and may not change it.
        let own = ask(MEMBER, "hidden").send().await;
        assert_eq!(own.status, if method == "GET" { 200 } else { 403 }, "{method} {path}");
    }
    assert_eq!(app.get(OTHER, &format!("{ROOT}?marker=hidden")).await.status, 404);
    let whole = app.get(ADMIN, &format!("{ROOT}/hidden")).await.json();
    assert_eq!((whole["tags"].as_array().map(Vec::len), whole["objects"].as_array().map(Vec::len)), (Some(2), Some(2)));
}

/// (method, path, body, status, the end of what is told): bodies that are none.
#[tokio::test]
async fn what_is_refused() {
    let app = TestApp::new().await;
    given(&app, &json!({"namespace": "n"})).await;
    let long = "x".repeat(81);
    let many: Vec<Value> = (0..10_001).map(|at| json!({"name": at.to_string()})).collect();
    let deep = "x".repeat(70_000);
    let typed = |member: &str, value: Value| json!({"namespace": "a", "properties": {"p": {"title": "P", "type": "string", member: value}}});
    let cases = [
        ("POST", "", json!([]), 400, "schema 'namespace': [] is not of type 'object'|"),
        ("POST", "", json!({}), 400, "schema 'namespace': 'namespace' is a required property|"),
        ("POST", "", json!({"namespace": ""}), 400, "A namespace needs a name.|"),
        ("POST", "", json!({"namespace": long}), 400, "' is too long|"),
        ("POST", "", json!({"namespace": "a", "self": "x"}), 403, "Attribute 'self' is read-only.|"),
        ("POST", "", json!({"namespace": "a", "x": 1, "b": 2}), 400, "('b', 'x' were unexpected)|"),
        (
            "POST",
            "",
            json!({"namespace": "a", "visibility": "shared", "protected": 1}),
            400,
            "'shared' is not one of ['public', 'private']|",
        ),
        ("POST", "", json!({"namespace": "a", "tags": [{"name": long}]}), 400, "Value is too long.|"),
        ("POST", "", json!({"namespace": "a", "tags": many}), 413, "10000 definitions of a kind at the most.|"),
        ("POST", "", json!({"namespace": "a", "tags": [{}]}), 400, "Mandatory field missing.|"),
        ("POST", "", json!({"namespace": "a", "objects": [{"name": "a", "x": 1}]}), 400, "Unknown attribute: x|"),
        (
            "POST",
            "",
            json!({"namespace": "a", "objects": [{"name": "a", "required": ["x", "x"]}]}),
            400,
            "['x', 'x'] has non-unique elements|",
        ),
        (
            "POST",
            "",
            json!({"namespace": "a", "properties": {long.as_str(): {"title": "P", "type": "string"}}}),
            400,
            "Value is too long.|",
        ),
        ("POST", "", typed("minLength", json!(-1)), 400, "-1 is less than the minimum of 0|"),
        ("POST", "", typed("enum", json!([1])), 400, "Value should be text.|"),
        ("POST", "", typed("required", json!(["a"])), 400, "Unknown attribute: required|"),
        ("POST", "", typed("default", json!("ü")), 400, "could not be decoded by Glance|"),
        ("POST", "", typed("description", json!(deep)), 400, "Value is too long.|"),
        ("POST", "", typed("enum", json!([&deep[..40_000], &deep[..40_001]])), 413, "65535 bytes at the most.|"),
        ("PUT", "/n", json!({"namespace": ""}), 400, "A namespace needs a name.|"),
        ("POST", "/n/tags", json!({}), 400, "Mandatory field missing.|"),
        ("POST", "/n/tags", json!({"tags": [{"name": long}]}), 400, "Value is too long.|"),
        ("POST", "/n/tags", json!({"tags": many}), 413, "10000 definitions of a kind at the most.|"),
        (
            "POST",
            "/n/objects",
            json!({"name": "o", "properties": {"p": {"title": "P", "type": "string", "x": 1}}}),
            400,
            "schema 'property': Additional properties are not allowed ('x' was unexpected)|",
        ),
        (
            "POST",
            "/n/objects",
            json!({"name": "o", "required": [deep, format!("{deep}y")]}),
            400,
            "Value is too long.|",
        ),
        (
            "POST",
            "/n/resource_types",
            json!({"name": "r", "created_at": "x"}),
            403,
            "Attribute 'created_at' is read-only.|",
        ),
    ];
    for (method, path, body, status, text) in cases {
        let answer = app.request(ADMIN, method, &format!("{ROOT}{path}")).json(&body).send().await;
        let (answered, told) = told(&answer);
        assert!(
            answered == status && told.ends_with(text),
            "{method} {path} {:.200}: {answered} {told:.300}",
            body.to_string()
        );
    }
    assert_eq!(app.get(ADMIN, &format!("{ROOT}/a")).await.status, 404);
    let nobody = Caller { name: "nobody", project: None, roles: "" };
    assert_eq!(app.request(nobody, "POST", ROOT).json(&json!({"namespace": "a"})).send().await.status, 401);
}

/// A body that a path takes.
fn fitting(path: &str) -> Value {
    match path.split('/').nth(2) {
        None => json!({"namespace": "n"}),
        Some("properties") => json!({"name": "p", "title": "P", "type": "string"}),
        Some("tags") if path.ends_with("/tags") => json!({"tags": [{"name": "t"}]}),
        Some(_) => json!({"name": "n"}),
    }
}

/// (method, path, status, message).
#[tokio::test]
async fn an_empty_catalogue() {
    let app = TestApp::new().await;
    assert_eq!(app.get(READER, "/v2/metadefs/resource_types").await.json(), json!({"resource_types": []}));
    let list = |query: &str| {
        let first = format!("/v2/metadefs/namespaces{query}");
        json!({"namespaces": [], "schema": "/v2/schemas/metadefs/namespaces", "first": first})
    };
    for query in ["", "?limit=0", "?visibility=public&resource_types=a%2Cb", "?visibility="] {
        assert_eq!(app.get(MEMBER, &format!("/v2/metadefs/namespaces{query}")).await.json(), list(query), "{query}");
    }
    let (not_there, undefined) = ("Namespace n not found|", "Metadata definition namespace=n was not found.|");
    let cases = [
        ("GET", "?limit=x", 400, "limit param must be an integer|"),
        ("GET", "?limit=-1", 400, "limit param must be positive|"),
        ("GET", "?sort_dir=zz", 400, "Invalid sort direction: zz|"),
        ("GET", "?visibility=zz", 400, "Invalid visibility value: zz|"),
        ("GET", "?marker=n", 404, undefined),
        ("POST", "", 403, "You are not authorized to complete add_metadef_namespace action.|"),
        ("GET", "/n", 404, undefined),
        ("PUT", "/n", 404, not_there),
        ("DELETE", "/n", 404, not_there),
        ("GET", "/n/resource_types", 404, not_there),
        ("POST", "/n/resource_types", 404, not_there),
        ("DELETE", "/n/resource_types/r", 404, not_there),
        ("GET", "/n/properties", 404, not_there),
        ("POST", "/n/properties", 404, not_there),
        ("DELETE", "/n/properties", 404, not_there),
        ("GET", "/n/properties/p", 404, not_there),
        ("PUT", "/n/properties/p", 404, not_there),
        ("DELETE", "/n/properties/p", 404, not_there),
        ("GET", "/n/objects", 404, undefined),
        ("GET", "/n/objects?limit=x", 400, "limit param must be an integer|"),
        ("POST", "/n/objects", 404, undefined),
        ("DELETE", "/n/objects", 404, not_there),
        ("GET", "/n/objects/o", 404, undefined),
        ("PUT", "/n/objects/o", 404, undefined),
        ("DELETE", "/n/objects/o", 404, undefined),
        ("GET", "/n/tags", 404, not_there),
        ("GET", "/n/tags?limit=-1", 400, "limit param must be positive|"),
        ("POST", "/n/tags", 404, not_there),
        ("DELETE", "/n/tags", 404, not_there),
        ("GET", "/n/tags/t", 404, not_there),
        ("POST", "/n/tags/t", 404, not_there),
        ("PUT", "/n/tags/t", 404, not_there),
        ("DELETE", "/n/tags/t", 404, not_there),
    ];
    for (method, path, status, message) in cases {
        let takes_body = matches!(method, "PUT" | "POST") && (method, path) != ("POST", "/n/tags/t");
        let ask = app.request(MEMBER, method, &format!("/v2/metadefs/namespaces{path}"));
        let ask = if takes_body { ask.json(&fitting(path)) } else { ask };
        let answer = ask.send().await;
        assert_eq!((answer.status, answer.message()), (status, message.to_owned()), "{method} {path}");
        if takes_body {
            let bare = app.request(MEMBER, method, &format!("/v2/metadefs/namespaces{path}")).send().await;
            assert_eq!(
                (bare.status, bare.message()),
                (400, "Body expected in request.|".to_owned()),
                "{method} {path}"
            );
        }
    }
    let nobody = Caller { name: "nobody", project: Some("p1"), roles: "other" };
    for path in ["resource_types", "namespaces"] {
        let expected: (u16, Value) = (404, json!("The resource could not be found.<br /><br />\n\n\n"));
        let answer = app.get(nobody, &format!("/v2/metadefs/{path}")).await;
        assert_eq!((answer.status, answer.json()["message"].clone()), expected, "{path}");
        assert_eq!(app.get(ANONYMOUS, &format!("/v2/metadefs/{path}")).await.status, 401, "{path}");
    }
}
