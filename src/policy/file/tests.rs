//! Texts of policy files, good and bad.

use std::fmt::Write;

use serde_json::json;

use super::{LENGTH_MAX, read};

#[test]
fn texts() {
    for (text, rules) in [
        ("", Some(json!({}))),
        ("# nothing but a remark\n", Some(json!({}))),
        ("---\n", Some(json!({}))),
        ("null", Some(json!({}))),
        ("{}", Some(json!({}))),
        ("\"get_image\": \"role:reader\"\n# more\nadd_image: rule:get_image", {
            Some(json!({"get_image": "role:reader", "add_image": "rule:get_image"}))
        }),
        ("{\n\t\"get_image\": \"@\",\n\t\"add_image\": [[\"role:a\"], [\"role:b\", \"role:c\"]]\n}", {
            Some(json!({"get_image": "@", "add_image": [["role:a"], ["role:b", "role:c"]]}))
        }),
        (
            "add_image:\n- - role:a\n- - role:b\n  - role:c\n",
            Some(json!({"add_image": [["role:a"], ["role:b", "role:c"]]})),
        ),
        ("get_image: >\n  role:reader and\n  project_id:%(project_id)s\n", {
            Some(json!({"get_image": "role:reader and project_id:%(project_id)s\n"}))
        }),
        ("a: '@'\na: '!'", Some(json!({"a": "!"}))),
        ("a: &all '@'\nb: *all", Some(json!({"a": "@", "b": "@"}))),
        ("add_image:", Some(json!({"add_image": null}))),
        ("- a\n- b", None),
        ("get_image", None),
        ("a: @", None),
        ("a: 'x", None),
        ("{\"a\": \"b\"", None),
    ] {
        let found = read(text);
        assert_eq!(found.as_ref().ok().map(|rules| json!(rules)), rules, "{text:?}: {found:?}");
    }
}

#[test]
fn a_file_has_a_limit() {
    let remark = |length: usize| format!("#{}", "x".repeat(length - 1));
    assert!(read(&remark(LENGTH_MAX)).is_ok());
    assert!(read(&remark(LENGTH_MAX + 1)).is_err());
}

/// Aliases of aliases would make a small file a big one.
#[test]
fn a_bomb_does_not_go_off() {
    let mut text = "a0: &a0 ['x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x']\n".to_owned();
    for n in 1..12 {
        let inner = vec![format!("*a{}", n - 1); 10].join(", ");
        writeln!(text, "a{n}: &a{n} [{inner}]").expect("strings take everything");
    }
    assert!(read(&text).is_err());
}
