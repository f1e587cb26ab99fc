//! The predefined definitions beside the reference's own files: the same namespaces with the same content, in our words.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::venv;

/// In the reference's repository, and not in its package of release 33: a file, and a property of another one.
const KEPT_FILE: &str = "compute-cpu-mode.json";
const KEPT_PROPERTY: &str = "hw_cpu_mode";
/// What is said in words: titles and descriptions are ours.
const WORDS: [&str; 2] = ["title", "description"];

#[test]
#[expect(clippy::print_stdout, reason = "how much was compared is worth reading")]
fn the_predefined_definitions_are_those_of_the_reference() {
    let Some(theirs) = reference_definitions() else {
        println!("SKIPPED: there is no reference here (GLINT_REFERENCE_VENV)");
        return;
    };
    let (theirs, mut ours) = (files(&theirs), files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("metadefs")));
    if !theirs.contains_key(KEPT_FILE) {
        ours.remove(KEPT_FILE).unwrap();
        let common = ours.get_mut("glance-common-image-props.json").unwrap();
        common["properties"].as_object_mut().unwrap().shift_remove(KEPT_PROPERTY).unwrap();
    }
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    let (mut properties, mut objects) = (0, 0);
    for (name, theirs) in &theirs {
        let ours = &ours[name];
        // As text: the order counts, too.
        assert_eq!(facts(ours).to_string(), facts(theirs).to_string(), "{name}");
        properties += theirs["properties"].as_object().map_or(0, serde_json::Map::len);
        objects += theirs["objects"].as_array().map_or(0, Vec::len);
        let mut theirs_say = Vec::new();
        descriptions(theirs, &mut theirs_say);
        let mut ours_say = Vec::new();
        descriptions(ours, &mut ours_say);
        let copied: Vec<_> = ours_say.iter().filter(|text| theirs_say.contains(text)).collect();
        assert!(copied.is_empty(), "{name} has the reference's own words: {copied:?}");
    }
    println!("{} namespaces compared, with {properties} properties and {objects} objects", theirs.len());
    assert!(properties >= 134 && objects >= 23);
}

/// Where pip has put the reference's files.
fn reference_definitions() -> Option<PathBuf> {
    venv::reference().map(|venv| venv.join("etc/glance/metadefs"))
}

fn files(folder: &Path) -> BTreeMap<String, Value> {
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

/// A namespace without its words, in one form: what is not said is null, and keywords of a property are sorted.
fn facts(file: &Value) -> Value {
    let or_none = |value: &Value, names: &[&str]| {
        json!(
            names
                .iter()
                .map(|name| (*name).to_owned())
                .zip(names.iter().map(|name| value[*name].clone()))
                .collect::<BTreeMap<_, _>>()
        )
    };
    let properties = |of: &Value| {
        let all = of["properties"].as_object().cloned().unwrap_or_default();
        json!(all.into_iter().map(|(name, property)| (name, keywords(&property))).collect::<serde_json::Map<_, _>>())
    };
    let list = |name: &str| file[name].as_array().cloned().unwrap_or_default();
    json!([
        or_none(file, &["namespace", "display_name", "protected", "owner"]),
        list("resource_type_associations")
            .iter()
            .map(|association| or_none(association, &["name", "prefix", "properties_target"]))
            .collect::<Vec<_>>(),
        properties(file),
        list("objects").iter().map(|object| json!([object["name"], properties(object)])).collect::<Vec<_>>(),
        list("tags"),
    ])
}

fn keywords(property: &Value) -> Value {
    let all = property.as_object().unwrap().iter().filter(|(keyword, _)| !WORDS.contains(&keyword.as_str()));
    json!(all.collect::<BTreeMap<_, _>>())
}

fn descriptions(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let said = map.get("description").and_then(Value::as_str).filter(|text| !text.is_empty());
            all.extend(said.map(str::to_owned));
            map.values().for_each(|value| descriptions(value, all));
        }
        Value::Array(values) => values.iter().for_each(|value| descriptions(value, all)),
        _ => {}
    }
}
