//! Properties of images against what the catalogue of metadata definitions says of them.

use glint::catalogue::{file, image_properties, predefined};
use glint::clock::Timestamp;
use glint::config::Validation;
use glint::db::metadefs::loading::{self, Existing};
use serde_json::{Value, json};

use crate::harness::app::{Answer, TestApp};
use crate::harness::callers::{ADMIN, MEMBER};

/// A service with what is built in and a namespace of our own in its catalogue.
async fn app(validation: Validation) -> TestApp {
    let app = TestApp::with(|config| config.validate_image_properties = validation).await;
    load(&app, &predefined::definitions(Timestamp::UNIX_EPOCH).unwrap()).await;
    define(&app, "Own", &json!({"visibility": "public", "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "own_"}]})).await;
    app
}

async fn load(app: &TestApp, definitions: &[(glint::model::metadef::Namespace, glint::model::metadef::Contents)]) {
    loading::load(&app.app.db, definitions, Existing::Replaced, app.clock.now()).await.unwrap();
}

/// Puts a namespace with these properties, and what else `more` has, into the catalogue.
async fn define(app: &TestApp, namespace: &str, more: &Value) {
    let mut text = json!({
        "namespace": namespace,
        "properties": {
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 4},
            "list": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "minItems": 1, "maxItems": 2, "uniqueItems": true},
        },
        "objects": [{"name": "o", "properties": {"part": {"type": "boolean"}}}],
    });
    text.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    load(app, &[file::parse(&text.to_string(), app.clock.now()).unwrap()]).await;
}

async fn create(app: &TestApp, name: &str, value: &str) -> Answer {
    app.request(MEMBER, "POST", "/v2/images").json(&json!({"name": "i", name: value})).send().await
}

/// (property, value, why it does not fit and where that is said)
const CASES: &[(&str, &str, &str)] = &[
    ("unknown", "anything", ""),
    ("hw_disk_bus", "virtio", ""),
    (
        "hw_disk_bus",
        "floppy",
        "'floppy' is not one of ['scsi', 'virtio', 'uml', 'xen', 'ide', 'usb', 'fdc', 'sata', 'lxc'] (namespace OS::Compute::LibvirtImage)",
    ),
    ("hw_cpu_cores", "4", ""),
    ("hw_cpu_cores", "four", "'four' is not of type 'integer' (namespace OS::Compute::VirtCPUTopology)"),
    // Without the prefix it is another property.
    ("cpu_cores", "four", ""),
    ("hw_firmware_stateless", "TRUE", ""),
    ("hw_firmware_stateless", "maybe", "'maybe' is not of type 'boolean' (namespace OS::Compute::LibvirtImage)"),
    ("os_shutdown_timeout", "-1", "-1 is less than the minimum of 0 (namespace OS::Compute::GuestShutdownBehavior)"),
    // Two namespaces know it, each with other values.
    ("hw_vif_model", "igb", ""),
    ("hw_vif_model", "VirtualVmxnet3", ""),
    (
        "hw_vif_model",
        "tin",
        "'tin' is not one of ['e1000', 'e1000e', 'ne2k_pci', 'netfront', 'pcnet', 'rtl8139', 'spapr-vlan', 'virtio', \
         'vmxnet3', 'igb'] (namespace OS::Compute::LibvirtImage); 'tin' is not one of",
    ),
    // No namespace for images, or not for these.
    ("CIM_RASD_ConsumerVisibility", "nonsense", ""),
    ("kernel_id", "no id", ""),
    ("CIM_PASD_ProcessorArchitecture", "<or> x86 <or> ARM", ""),
    ("CIM_PASD_ProcessorArchitecture", "<or> x86 <or> Z80", "'Z80' is not one of"),
    ("own_count", "9", ""),
    ("own_count", "10", "10 is greater than the maximum of 9 (namespace Own)"),
    ("own_name", "abc", ""),
    ("own_name", "ABC", "'ABC' does not match '^[a-z]+$' (namespace Own)"),
    ("own_name", "a", "'a' is too short (namespace Own)"),
    ("own_name", "abcde", "'abcde' is too long (namespace Own)"),
    ("own_list", "a,b", ""),
    ("own_list", "[\"b\"]", ""),
    ("own_list", "", "[] is too short (namespace Own)"),
    ("own_list", "a,a", "['a', 'a'] has non-unique elements (namespace Own)"),
    ("own_list", "a,b,a", "['a', 'b', 'a'] is too long (namespace Own)"),
    ("own_list", "a,c", "'c' is not one of ['a', 'b'] (namespace Own)"),
    ("own_part", "1", ""),
    ("own_part", "2", "'2' is not of type 'boolean' (namespace Own)"),
];

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let app = app(Validation::Enforce).await;
    let id = app.create(MEMBER, json!({"name": "i"})).await;
    for (name, value, why) in CASES {
        let said = format!("Property {name} does not fit its definition: {why}");
        let created = create(&app, name, value).await;
        let changed = app.patch(MEMBER, &id, json!([{"op": "add", "path": format!("/{name}"), "value": value}])).await;
        for (answer, good) in [(created, 201), (changed, 200)] {
            let expected = if why.is_empty() { good } else { 400 };
            assert_eq!(answer.status, expected, "{name} {value}: {}", answer.text());
            assert_eq!(answer.header("x-glint-property-warning"), None);
            if !why.is_empty() {
                assert!(answer.message().contains(&said), "{name} {value}: {}", answer.text());
            }
        }
        let kept = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
        assert_eq!(kept[*name] == *value, why.is_empty(), "{name} {value}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_warned_of() {
    let app = app(Validation::Warn).await;
    for (name, value, why) in CASES {
        let answer = create(&app, name, value).await;
        assert_eq!(answer.status, 201, "{name} {value}: {}", answer.text());
        let said = answer.header("x-glint-property-warning").unwrap_or_default();
        assert_eq!(!said.is_empty(), !why.is_empty(), "{name} {value}: {said}");
        assert!(said.contains(why), "{name} {value}: {said}");
    }
    let many: serde_json::Map<String, Value> = [
        "hw_disk_bus",
        "hw_cdrom_bus",
        "hw_cpu_cores",
        "hw_cpu_sockets",
        "hw_cpu_threads",
        "hw_pmu",
        "hw_video_ram",
        "own_count",
        "own_part",
    ]
    .map(|name| (name.to_owned(), json!("ä")))
    .into_iter()
    .collect();
    let answer = app.request(MEMBER, "POST", "/v2/images").json(&many.into()).send().await;
    let warnings: Vec<_> = answer.headers.get_all("x-glint-property-warning").iter().collect();
    assert_eq!(warnings.len(), 8);
    assert!(warnings.iter().all(|warning| warning.to_str().unwrap().contains("'?' is not")), "{warnings:?}");
}

#[tokio::test]
async fn nobody_looks_unless_told_to() {
    let app = app(Validation::Off).await;
    let before = app.app.db.counts().statements;
    let answer = create(&app, "hw_disk_bus", "floppy").await;
    assert_eq!((answer.status, answer.header("x-glint-property-warning")), (201, None));
    let plain = TestApp::new().await;
    let begun = plain.app.db.counts().statements;
    create(&plain, "hw_disk_bus", "floppy").await;
    assert_eq!(app.app.db.counts().statements - before, plain.app.db.counts().statements - begun);
}

/// What was there before and is not touched stays, whatever is said of it later.
#[tokio::test]
async fn only_what_is_set_is_looked_at() {
    let app = app(Validation::Enforce).await;
    let image = create(&app, "later", "x").await.json();
    let id = image["id"].as_str().unwrap();
    let association = json!([{"name": "OS::Glance::Image"}]);
    let more = json!({"visibility": "public", "resource_type_associations": association, "properties": {"later": {"type": "integer"}}});
    define(&app, "Later", &more).await;
    app.clock.advance(chrono::Duration::from_std(image_properties::BELIEVED).unwrap());
    let rename = json!([{"op": "replace", "path": "/name", "value": "other"}]);
    assert_eq!(app.patch(MEMBER, id, rename).await.status, 200);
    let again = json!([{"op": "replace", "path": "/later", "value": "y"}]);
    assert_eq!(app.patch(MEMBER, id, again).await.status, 400);
    let gone = json!([{"op": "replace", "path": "/later", "value": "y"}, {"op": "remove", "path": "/later"}]);
    assert_eq!(app.patch(MEMBER, id, gone).await.status, 200);
}

/// A change that this node makes counts at once.
#[tokio::test]
async fn a_change_over_http_counts_at_once() {
    let app = app(Validation::Enforce).await;
    assert_eq!(create(&app, "new_count", "ten").await.status, 201);
    let namespace = json!({
        "namespace": "New", "visibility": "public",
        "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "new_"}],
        "properties": {"count": {"title": "Count", "type": "integer"}},
    });
    let made = app.request(ADMIN, "POST", "/v2/metadefs/namespaces").json(&namespace).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(create(&app, "new_count", "ten").await.status, 400);
    let gone = app.request(ADMIN, "DELETE", "/v2/metadefs/namespaces/New").send().await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    assert_eq!(create(&app, "new_count", "ten").await.status, 201);
}

/// A change that comes past this node counts when what it knows is too old.
#[tokio::test]
async fn definitions_are_believed_for_a_while() {
    let app = app(Validation::Enforce).await;
    assert_eq!(create(&app, "own_count", "10").await.status, 400);
    define(&app, "Own", &json!({"visibility": "private", "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "own_"}]})).await;
    assert_eq!(create(&app, "own_count", "10").await.status, 400);
    app.clock.advance(chrono::Duration::from_std(image_properties::BELIEVED).unwrap());
    assert_eq!(create(&app, "own_count", "10").await.status, 201);
}
