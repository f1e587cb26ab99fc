//! Schemas of properties, good and bad.

use serde_json::json;

use super::PropertySchemas;

#[test]
fn what_describes_is_kept_and_decides_nothing() {
    let properties = json!({"a": {"description": 5, "operators": ["<or>"], "title": "A"}, "b": {"type": "string"}});
    let properties = properties.as_object().expect("a mapping");
    let schemas = PropertySchemas::new(properties, &["b".to_owned()]).expect("good schemas");
    let names: Vec<&str> = schemas.iter().map(|property| property.name.as_str()).collect();
    assert_eq!((names, schemas.required()), (vec!["a", "b"], ["b".to_owned()].as_slice()));
    let first = schemas.get("a").expect("it is there");
    assert!(first.checks.is_empty());
    assert_eq!(first.document, json!({"description": 5, "operators": ["<or>"], "title": "A", "is_base": false}));
}

#[test]
fn what_is_no_schema() {
    for (properties, says) in [
        (json!({"a": "string"}), "property \"a\": its schema is no object"),
        (json!({"a": {"type": 5}}), "property \"a\": \"type\" is not as it should be"),
        (json!({"a": {"enum": "x"}}), "property \"a\": \"enum\" is not as it should be"),
        (json!({"a": {"maxLength": -1}}), "property \"a\": \"maxLength\" is not as it should be"),
        (json!({"a": {"minimum": "x"}}), "property \"a\": \"minimum\" is not as it should be"),
        (json!({"a": {"anyOf": []}}), "property \"a\": keyword \"anyOf\" is not checked here"),
        (json!({"a": {"pattern": "(?=x)"}}), "property \"a\": its pattern is none that we match: look-around"),
        (json!({"a": {}, "name": {}, "tags": {}}), "custom properties (name, tags) conflict with base properties"),
    ] {
        let error = PropertySchemas::new(properties.as_object().expect("a mapping"), &[]).expect_err(says).to_string();
        assert!(error.starts_with(says), "{properties}: {error}");
    }
}
