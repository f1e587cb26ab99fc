//! Whatever a document says, what comes of it is nothing that only the service sets (the property of `fuzz/`'s target
//! `patch`).

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Change, Draft, READ_ONLY, changes, is_reserved};
use crate::app::image_schema::ImageSchema;

fn value() -> impl Strategy<Value = Value> {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(7),
        json!(1e300),
        json!(""),
        json!("raw"),
        json!("shared"),
        json!("\u{0}"),
        json!([]),
        json!(["t", "t"]),
        json!([1]),
        json!({}),
        json!([{"url": "x", "metadata": {}}]),
    ];
    prop_oneof![4 => prop::sample::select(values.to_vec()), 1 => any::<String>().prop_map(Value::from)]
}

fn pointer() -> impl Strategy<Value = String> {
    let names = [
        "name",
        "tags",
        "tags/0",
        "locations",
        "locations/-",
        "locations/1/url",
        "id",
        "status",
        "owner",
        "visibility",
        "protected",
        "min_ram",
        "disk_format",
        "stores",
        "self",
        "checksum",
        "location",
        "deleted",
        "os_glance_x",
        "a~1b",
        "~0",
        "~01",
        "~2",
        "",
        " id ",
        "os_distro",
        "/id",
        "os_hash_value",
        "created_at",
    ];
    prop_oneof![4 => prop::sample::select(names.to_vec()).prop_map(|name| format!("/{name}")), 1 => any::<String>()]
}

fn operation() -> impl Strategy<Value = Value> {
    let ops = ["add", "replace", "remove", "test", "move", ""];
    (prop::sample::select(ops.to_vec()), pointer(), value(), 0..4).prop_map(|(op, path, value, form)| match form {
        0 => json!({"op": op, "path": path, "value": value}),
        1 => json!({op: path, "value": value}),
        2 => json!({"op": op, "path": path}),
        _ => json!({"op": value, "path": value, op: path}),
    })
}

proptest! {
    #[test]
    fn nothing_of_the_services_own_is_changed(operations in prop::collection::vec(operation(), 0..4), ten: bool) {
        let draft = if ten { Draft::Ten } else { Draft::Four };
        let Ok(changes) = changes(Value::Array(operations), draft, &ImageSchema::default()) else { return Ok(()) };
        for change in changes {
            if let Change::Set { name, .. } | Change::Remove { name } = change {
                prop_assert!(!READ_ONLY.contains(&name.as_str()) && !is_reserved(&name), "{}", name);
            }
        }
    }
}
