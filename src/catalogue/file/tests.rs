//! Definition files: what is read, what is refused with which words, and that what is written can be read again.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(file: &Value) -> Result<(Namespace, Contents), String> {
    parse(&file.to_string(), Timestamp::UNIX_EPOCH)
}

#[test]
fn what_is_written_is_read_again() {
    let files = [
        json!({"namespace": "N"}),
        json!({
            "namespace": "N", "display_name": "n", "description": "d", "visibility": "private", "protected": true,
            "owner": "p1",
            "resource_type_associations": [{"name": "T", "prefix": "t_", "properties_target": "image"}, {"name": "U"}],
            "properties": {"b": {"type": "string", "x": [1.5, null]}, "a": {}},
            "objects": [{"name": "o", "description": "d", "required": ["p"], "properties": {"p": {"type": "integer"}}}],
            "tags": [{"name": "z"}, {"name": "a"}],
        }),
        json!({"namespace": "N", "objects": null, "properties": null, "tags": null, "owner": null, "more": 1}),
    ];
    for file in files {
        let (namespace, contents) = read(&file).unwrap();
        let again = written(&namespace, &contents);
        assert_eq!(read(&again).unwrap(), (namespace, contents), "{file}");
        for (key, value) in file.as_object().unwrap().iter().filter(|(_, value)| value.is_string()) {
            assert_eq!(&again[key], value, "{file}");
        }
    }
}

/// (what is in the file beside its namespace, what is said)
#[test]
fn what_is_wrong_is_named() {
    let long = "x".repeat(NAME_MAX + 1);
    let many: Map<_, _> = (0..=CONTENTS_MAX).map(|at| (at.to_string(), json!({}))).collect();
    let cases = [
        (json!({"namespace": null}), "namespace is missing"),
        (json!({"namespace": ""}), "namespace is missing"),
        (json!({"namespace": 1}), "namespace has to be a text of at most 80 characters"),
        (json!({"namespace": long}), "namespace has to be a text of at most 80 characters"),
        (json!({"description": "x".repeat(TEXT_MAX + 1)}), "description has to be a text of at most 65535 bytes"),
        (json!({"visibility": "shared"}), "visibility has to be public or private"),
        (json!({"protected": "yes"}), "protected has to be true or false"),
        (json!({"owner": "x".repeat(256)}), "owner has to be a text of at most 255 characters"),
        (
            json!({"resource_type_associations": {}}),
            "resource_type_associations has to be a list of at most 10000 entries",
        ),
        (json!({"resource_type_associations": [1]}), "resource_type_associations[0] has to be an object"),
        (json!({"resource_type_associations": [{}]}), "resource_type_associations[0].name is missing"),
        (
            json!({"resource_type_associations": [{"name": "T", "prefix": long}]}),
            "resource_type_associations[0].prefix has to be a text of at most 80 characters",
        ),
        (
            json!({"resource_type_associations": [{"name": "T"}, {"name": "T"}]}),
            "resource_type_associations: \"T\" is there twice",
        ),
        (json!({"properties": []}), "properties has to be an object of at most 10000 properties"),
        (json!({"properties": many}), "properties has to be an object of at most 10000 properties"),
        (json!({"properties": {"": {}}}), "properties: \"\" is no name of 1 to 80 characters"),
        (json!({"properties": {"p": "string"}}), "properties.p has to be an object of at most 65535 bytes"),
        (
            json!({"objects": [{"name": "o", "properties": {"p": 1}}]}),
            "objects[0].properties.p has to be an object of at most 65535 bytes",
        ),
        (json!({"objects": [{"properties": {}}]}), "objects[0].name is missing"),
        (
            json!({"objects": [{"name": "o", "required": [1]}]}),
            "objects[0].required[0] has to be a name of at most 80 characters",
        ),
        (json!({"objects": [{"name": "o"}, {"name": "o"}]}), "objects: \"o\" is there twice"),
        (json!({"tags": ["a"]}), "tags[0] has to be an object"),
        (json!({"tags": [{"name": "a"}, {"name": "a"}]}), "tags: \"a\" is there twice"),
    ];
    for (said, why) in cases {
        let mut file = json!({"namespace": "N"});
        file.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        let shown: String = said.to_string().chars().take(100).collect();
        assert_eq!(read(&file).unwrap_err(), why, "{shown}");
    }
    assert_eq!(parse("[]", Timestamp::UNIX_EPOCH).unwrap_err(), "it has to be an object");
    let error = parse("{\n\"namespace\": }", Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!(error, "it is no JSON: expected value at line 2 column 14");
}

/// Display names and namespaces in their order, and the names of their files.
type FileNamesCase<'a> = (&'a [(Option<&'a str>, &'a str)], &'a [&'a str]);

#[test]
fn file_names() {
    let cases: [FileNamesCase<'_>; 4] = [
        (&[(Some("CPU Pinning"), "a"), (Some("IO_Ops per-Host!"), "b")], &["CPUPinning", "IOOpsperHost"]),
        (&[(Some("Same"), "OS::A"), (Some("Same"), "OS::B"), (None, "OS::B!")], &["Same", "OSB", "OSB2"]),
        (&[(None, "OS::A"), (Some("::"), "OS::B"), (Some("../.."), "/")], &["OSA", "OSB", "1"]),
        (
            &[(Some("Größe"), "a"), (Some(&"é".repeat(80)), "b"), (Some(&"𝔸".repeat(80)), "c")],
            &["Größe", &"é".repeat(80), &"𝔸".repeat(50)],
        ),
    ];
    for (namespaces, names) in cases {
        let mut given = FileNames::default();
        for ((display_name, namespace), name) in namespaces.iter().zip(names) {
            let file = json!({"namespace": namespace, "display_name": display_name});
            assert_eq!(given.next(&read(&file).unwrap().0), *name, "{namespaces:?}");
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_is_read_panics(text in "\\PC{0,200}", key in "[a-z_]{1,30}", value in "\\PC{0,20}") {
        let _ = parse(&text, Timestamp::UNIX_EPOCH);
        let _ = read(&json!({"namespace": "N", key.as_str(): value, "objects": [{"name": value}]}));
    }
}
