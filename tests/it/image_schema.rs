//! Properties to which the operator gives a form: in the schema documents, at creation, in changes.

use glint::app::App;
use glint::clock::Clock;
use glint::config::Config;
use glint::model::property_schema::BASE;
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::callers::MEMBER;

/// A service whose `schema-image.json` says this.
async fn app() -> TestApp {
    let properties = json!({
        "kernel_id": {"type": ["null", "string"], "pattern": "^[0-9a-f]{4}$", "description": "Which kernel."},
        "policy": {"type": "string", "enum": ["keep", "delete"]},
        "level": {"type": "integer", "minimum": 1, "maximum": 9},
        "label": {"type": "string", "minLength": 2, "maxLength": 4},
    });
    TestApp::with(|config| {
        config.image_properties.clone_from(properties.as_object().unwrap());
        config.required_image_properties = vec!["policy".into(), "name".into()];
    })
    .await
}

#[tokio::test]
async fn the_documents_tell() {
    let app = app().await;
    let document = app.get(MEMBER, "/v2/schemas/image").await.json();
    let list = app.get(MEMBER, "/v2/schemas/images").await.json();
    for document in [&document, &list["properties"]["images"]["items"]] {
        let policy = json!({"type": "string", "enum": ["keep", "delete"], "is_base": false});
        assert_eq!(document["properties"]["policy"], policy);
        assert_eq!(document["required"], json!(["policy", "name"]));
        assert_eq!(document["properties"]["disk_format"].get("is_base"), None);
    }
    let plain = TestApp::new().await.get(MEMBER, "/v2/schemas/image").await.json();
    assert_eq!(plain.get("required"), None);
    let mut names: Vec<&str> = plain["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut base = BASE.to_vec();
    names.sort_unstable();
    base.sort_unstable();
    assert_eq!(names, base);
}

/// (property, value, what is wrong with it)
fn cases() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("kernel_id", json!("12ab"), ""),
        ("kernel_id", json!("12AB"), "'12AB' does not match '^[0-9a-f]{4}$'"),
        ("kernel_id", json!(5), "5 is not of type 'null', 'string'"),
        ("kernel_id", Value::Null, ""),
        ("policy", json!("keep"), ""),
        ("policy", json!("burn"), "'burn' is not one of ['keep', 'delete']"),
        ("level", json!(1), ""),
        ("level", json!(9.0), ""),
        ("level", json!(0), "0 is less than the minimum of 1"),
        ("level", json!(10), "10 is greater than the maximum of 9"),
        ("level", json!("5"), "'5' is not of type 'integer'"),
        ("level", json!(true), "True is not of type 'integer'"),
        ("label", json!("é€"), ""),
        ("label", json!("x"), "'x' is too short"),
        ("label", json!("xxxxx"), "'xxxxx' is too long"),
        ("label", Value::Null, "None is not of type 'string'"),
        ("free", json!("anything"), ""),
        ("free", json!(5), "5 is not of type 'string'"),
        ("free", Value::Null, "None is not of type 'string'"),
    ]
}

#[tokio::test]
async fn values_are_checked() {
    let app = app().await;
    let id = app.create(MEMBER, json!({"policy": "keep", "name": "n", "kernel_id": "0000"})).await;
    for (name, value, wrong) in cases() {
        let mut image = json!({"policy": "keep", "name": null});
        image[name] = value.clone();
        let created = app.request(MEMBER, "POST", "/v2/images").json(&image).send().await;
        let changed = app.patch(MEMBER, &id, json!([{"op": "add", "path": format!("/{name}"), "value": value}])).await;
        if wrong.is_empty() {
            assert_eq!((created.status, changed.status), (201, 200), "{name} {value}: {}", created.text());
            let shown = match &value {
                Value::Null => None,
                Value::String(_) => Some(value.clone()),
                other => Some(json!(other.to_string())),
            };
            assert_eq!(changed.json().get(name), shown.as_ref(), "{name} {value}");
            assert_eq!(created.json().get(name), shown.as_ref(), "{name} {value}");
        } else {
            let said = format!("Provided object does not match schema 'image': {wrong}|");
            assert_eq!((created.status, created.message()), (400, said.clone()), "{name} {value}");
            assert_eq!((changed.status, changed.message()), (400, said), "{name} {value}");
        }
    }
}

/// What must be there must be there when an image is made. A change of something else does not need it again.
#[tokio::test]
async fn some_are_required() {
    let app = app().await;
    for (image, missing) in [
        (json!({}), "policy"),
        (json!({"name": "n"}), "policy"),
        (json!({"policy": "keep"}), "name"),
        (json!({"policy": "keep", "level": 0}), "name"),
    ] {
        let answer = app.request(MEMBER, "POST", "/v2/images").json(&image).send().await;
        let said = format!("Provided object does not match schema 'image': '{missing}' is a required property|");
        assert_eq!((answer.status, answer.message()), (400, said), "{image}");
    }
    let id = app.create(MEMBER, json!({"policy": "keep", "name": null})).await;
    let change = json!([{"op": "replace", "path": "/name", "value": "m"}]);
    assert_eq!(app.patch(MEMBER, &id, change).await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_obeyed_keeps_the_service_from_starting() {
    for (properties, says) in [
        (
            json!({"size": {"type": "integer"}}),
            "schema-image.json: custom properties (size) conflict with base properties",
        ),
        (json!({"a": {"oneOf": []}}), "schema-image.json: property \"a\": keyword \"oneOf\" is not checked here"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::stand_alone(folder.path().to_str().unwrap());
        config.image_properties = properties.as_object().unwrap().clone();
        let refused = App::open(config, Clock::default()).await.err().unwrap();
        assert_eq!(std::error::Error::source(&refused).unwrap().to_string(), says);
    }
}
