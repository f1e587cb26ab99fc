//! Definition files and the reference: its files come into our catalogue and out again as they were, ours into its, and
//! whatever is there already has the same fate in both.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::catalogue::{Catalogue, text};
use crate::venv;

/// (what is loaded at last, with which options)
const STEPS: [&[&str]; 4] = [&[], &["merge"], &["merge", "prefer_new"], &["merge", "overwrite"]];

#[tokio::test]
#[expect(clippy::print_stdout, reason = "how much was compared is worth reading")]
async fn the_same_comes_out() {
    let Some(reference) = venv::reference() else {
        println!("SKIPPED: there is no reference here (GLINT_REFERENCE_VENV)");
        return;
    };
    let (theirs, ours) =
        (reference.join("etc/glance/metadefs"), Path::new(env!("CARGO_MANIFEST_DIR")).join("metadefs"));
    let mut compared = 0;
    for (first, last) in [(&theirs, &ours), (&ours, &theirs)] {
        for options in STEPS {
            let catalogue = Catalogue::new().await;
            catalogue.says(&["load-metadefs", "--path", text(first)]);
            let named: Vec<String> = options.iter().map(|option| format!("--{option}")).collect();
            let named: Vec<&str> = named.iter().map(String::as_str).collect();
            catalogue.says(&[&["load-metadefs", "--path", text(last)], named.as_slice()].concat());
            let exported = catalogue.exported();
            let last = [&[text(last)], options].concat().join(":");
            let steps = [text(first).to_owned(), last];
            let expected = by_reference(&reference, &catalogue, &steps);
            same(&exported, &expected, &format!("{steps:?}"));
            compared += exported.len();
        }
    }
    println!("{compared} namespaces compared");
}

#[tokio::test]
async fn files_of_the_reference_come_out_as_they_were() {
    let Some(reference) = venv::reference() else { return };
    let theirs = reference.join("etc/glance/metadefs");
    let catalogue = Catalogue::new().await;
    catalogue.says(&["load-metadefs", "--path", text(&theirs)]);
    let exported = catalogue.exported();
    let mut files = Catalogue::read(&theirs);
    files.iter_mut().for_each(complete);
    same(&exported, &files, "the files themselves");

    // And what was exported makes the same catalogue again.
    let named: Vec<(String, Value)> =
        exported.iter().enumerate().map(|(at, file)| (format!("{at}.json"), file.clone())).collect();
    let named: Vec<(&str, Value)> = named.iter().map(|(name, file)| (name.as_str(), file.clone())).collect();
    let again = Catalogue::new().await;
    again.says(&["load-metadefs", "--path", text(&again.files(&named))]);
    assert_eq!(again.exported(), exported);
}

/// What the reference exports after it has loaded this.
fn by_reference(reference: &Path, catalogue: &Catalogue, steps: &[String]) -> Vec<Value> {
    let folder: PathBuf = catalogue.files(&[]);
    let exports = catalogue.files(&[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/definition_files.py");
    let mut python = Command::new(reference.join("bin/python"));
    let output = python.arg(script).arg(folder.join("database")).arg(&exports).args(steps).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Catalogue::read(&exports)
}

fn same(ours: &[Value], theirs: &[Value], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(sorted(ours), sorted(theirs), "{what}: {}", ours["namespace"]);
    }
}

/// With every list of things with names in the order of these.
fn sorted(file: &Value) -> Value {
    let mut file = file.clone();
    for kind in ["resource_type_associations", "objects", "tags"] {
        file[kind].as_array_mut().unwrap().sort_by_key(|entry| entry["name"].to_string());
    }
    file
}

/// Puts what a file leaves out where an export has it.
fn complete(file: &mut Value) {
    let complement = |value: &mut Value, name: &str, default: Value| {
        value.as_object_mut().unwrap().entry(name).or_insert(default);
    };
    for (name, default) in [
        ("properties", json!({})),
        ("objects", json!([])),
        ("tags", json!([])),
        ("resource_type_associations", json!([])),
    ] {
        complement(file, name, default);
    }
    for name in ["visibility", "protected"] {
        complement(file, name, json!(null));
    }
    for association in file["resource_type_associations"].as_array_mut().unwrap() {
        complement(association, "prefix", json!(null));
        complement(association, "properties_target", json!(null));
    }
}
