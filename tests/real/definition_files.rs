//! Definition files and the reference: its files come into our catalogue and out again as they were, ours into its, and
//! whatever is there already has the same fate in both.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::catalogue::{Catalogue, text};
use crate::database_server::{DatabaseServer, Kind};
use crate::venv;

/// What is done before other files are loaded, and with which options they are.
const STEPS: [(Option<&str>, &[&str]); 5] = [
    (None, &[]),
    (None, &["merge"]),
    (None, &["merge", "prefer_new"]),
    (None, &["merge", "overwrite"]),
    (Some("unload"), &[]),
];

#[tokio::test]
async fn the_same_comes_out() {
    compare(None).await;
}

#[tokio::test]
async fn the_same_comes_out_of_mariadb() {
    compare(Some(&DatabaseServer::start(Kind::MariaDb))).await;
}

#[tokio::test]
async fn the_same_comes_out_of_postgresql() {
    compare(Some(&DatabaseServer::start(Kind::PostgreSql))).await;
}

/// Each step has two databases of its own: files, or databases of `server`.
#[expect(clippy::print_stdout, reason = "how much was compared is worth reading")]
async fn compare(server: Option<&DatabaseServer>) {
    let Some(reference) = venv::reference() else {
        println!("SKIPPED: there is no reference here (GLINT_REFERENCE_VENV)");
        return;
    };
    let (theirs, ours) =
        (reference.join("etc/glance/metadefs"), Path::new(env!("CARGO_MANIFEST_DIR")).join("metadefs"));
    let (mut done, mut asked) = (Vec::new(), Vec::new());
    for (first, last) in [(&theirs, &ours), (&ours, &theirs)] {
        for (between, options) in STEPS {
            let at = done.len();
            let catalogue = match server {
                Some(server) => on_a_server(&server.make(&format!("ours_{at}"))),
                None => Catalogue::new().await,
            };
            let steps = loaded(&catalogue, first, last, between, options);
            let exports = catalogue.files(&[]);
            let file = || format!("sqlite:///{}", catalogue.folder.path().join("theirs").display());
            let url = server.map_or_else(file, |server| server.make(&format!("theirs_{at}")));
            asked.push(format!("{url}\t{}\t{steps}", text(&exports)));
            done.push((catalogue, exports, steps));
        }
    }
    venv::ask_reference("definition_files.py", &asked);
    let mut compared = 0;
    let has_numbers = server.is_some_and(|server| server.kind() == Kind::MariaDb);
    for (catalogue, exports, steps) in done {
        let exported = catalogue.exported();
        let mut expected = Catalogue::read(&exports);
        if has_numbers {
            for file in &mut expected {
                without_number(&mut file["protected"]);
            }
        }
        same(&exported, &expected, &steps);
        compared += exported.len();
    }
    println!("{compared} namespaces compared");
}

/// A catalogue in the empty database at `url`.
fn on_a_server(url: &str) -> Catalogue {
    let mut catalogue = Catalogue::nowhere();
    let config = catalogue.folder.path().join("glance-api.conf");
    fs::write(&config, format!("[database]\nconnection = {url}\n")).unwrap();
    catalogue.config = Some(config);
    catalogue.says(&["sync"]);
    catalogue
}

/// Loads the files of two folders into `catalogue`; the steps, as the reference is told of them.
fn loaded(catalogue: &Catalogue, first: &Path, last: &Path, between: Option<&str>, options: &[&str]) -> String {
    catalogue.says(&["load-metadefs", "--path", text(first)]);
    if let Some(step) = between {
        catalogue.says(&[&format!("{step}-metadefs")]);
    }
    let named: Vec<String> = options.iter().map(|option| format!("--{option}")).collect();
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    catalogue.says(&[&["load-metadefs", "--path", text(last)], named.as_slice()].concat());
    let last = [&[text(last)], options].concat().join(":");
    [Some(text(first)), between, Some(&last)].into_iter().flatten().collect::<Vec<_>>().join("\t")
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

/// compat: MariaDB has no truth values, and the reference exports what it has instead.
fn without_number(value: &mut Value) {
    if !value.is_null() {
        *value = (value.as_i64().expect("a number") == 1).into();
    }
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
