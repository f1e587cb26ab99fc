//! What a definition makes of the texts that images have.

use serde_json::json;

use super::*;

/// (schema, text, its values or what of it is none)
#[test]
fn texts_as_values() {
    let or = json!({"type": "string", "operators": ["<or>"]});
    let list = json!({"type": "array", "items": {"type": "string"}, "operators": ["<or>", "<all-in>"]});
    let cases = [
        (json!({}), "a b", Ok(json!(["a b"]))),
        (json!({"type": "string"}), "", Ok(json!([""]))),
        (json!({"type": "integer"}), "-4", Ok(json!([-4]))),
        (json!({"type": "integer"}), "18446744073709551615", Ok(json!([u64::MAX]))),
        (json!({"type": "integer"}), "18446744073709551616", Err("18446744073709551616")),
        (json!({"type": "integer"}), "4.0", Err("4.0")),
        (json!({"type": "integer"}), "", Err("")),
        (json!({"type": "number"}), "1.5", Ok(json!([1.5]))),
        (json!({"type": "number"}), "infinity", Err("infinity")),
        (json!({"type": "number"}), "NaN", Err("NaN")),
        (json!({"type": "boolean"}), "True", Ok(json!([true]))),
        (json!({"type": "boolean"}), "no", Ok(json!([false]))),
        (json!({"type": "boolean"}), "maybe", Err("maybe")),
        (json!({"type": "object"}), "{\"a\": 1}", Ok(json!([{"a": 1}]))),
        (json!({"type": "object"}), "[]", Err("[]")),
        (or.clone(), "Abu Dhabi", Ok(json!(["Abu Dhabi"]))),
        (or.clone(), "<or> Abu Dhabi <or> Seoul", Ok(json!(["Abu Dhabi", "Seoul"]))),
        (or, "<in> a", Ok(json!(["<in> a"]))),
        (list.clone(), "a, b,", Ok(json!(["a", "b"]))),
        (list.clone(), "[\"a\", 1]", Err("[\"a\", 1]")),
        (list.clone(), "[\"a\", \"b,c\"]", Ok(json!(["a", "b,c"]))),
        (list.clone(), "<all-in> a b", Ok(json!(["a", "b"]))),
        (list, "<or> a <or> b", Ok(json!(["a", "b"]))),
        (json!({"type": "array", "items": {"type": "integer"}}), "1,x", Err("x")),
        (json!({"type": "array"}), "a", Ok(json!(["a"]))),
    ];
    for (schema, text, expected) in cases {
        let definition =
            Definition { namespace: "N".into(), property: "p".into(), schema: schema.as_object().unwrap().clone() };
        let (property, wanted) = wanted(definition).unwrap();
        assert_eq!(property, "p");
        assert_eq!(wanted.values(text).map(Value::from), expected, "{schema} {text}");
    }
}

#[test]
fn what_cannot_be_checked_is_left_out() {
    let of = |schema: Value| {
        let schema = schema.as_object().unwrap().clone();
        wanted(Definition { namespace: "N".into(), property: "p".into(), schema }).map(|(_, wanted)| wanted)
    };
    assert!(of(json!({"type": "date"})).is_none());
    assert!(of(json!({"type": ["string", "null"]})).is_none());
    assert!(of(json!({"type": "array", "items": {"type": "date"}})).is_none());
    let left = of(json!({"type": "string", "pattern": "(?=a)", "enum": ["a"], "title": "t", "default": "a"})).unwrap();
    assert!(matches!(left.checks.as_slice(), [Check::Enum(_)]), "{:?}", left.checks);
}
