//! `glint db load_metadefs`, `unload_metadefs` and `export_metadefs`, as an operator runs them.

use glint::config::DATABASE_FILE;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::catalogue::{Catalogue, text};
use crate::harness::process::Process;

/// The number that `select` finds.
fn count(catalogue: &Catalogue, select: &str) -> i64 {
    let database = Connection::open(catalogue.folder.path().join(DATABASE_FILE)).unwrap();
    database.query_row(select, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_is_built_in_is_loaded_exported_and_loaded_again() {
    let catalogue = Catalogue::new().await;
    assert_eq!(catalogue.says(&["load-metadefs"]), "namespaces loaded: 33\n");
    let first = catalogue.exported();
    assert_eq!(first.len(), 33);
    let again = catalogue.says(&["load-metadefs"]);
    assert_eq!(again.lines().filter(|line| line.starts_with("left as it is, for it is there already: ")).count(), 33);
    assert!(again.ends_with("namespaces loaded: 0\n"), "{again}");

    // The namespaces as they were exported, in another catalogue.
    let named: Vec<(String, Value)> =
        first.iter().enumerate().map(|(at, file)| (format!("{at}.json"), file.clone())).collect();
    let named: Vec<(&str, Value)> = named.iter().map(|(name, file)| (name.as_str(), file.clone())).collect();
    let other = Catalogue::new().await;
    let files = other.files(&named);
    assert_eq!(other.says(&["load-metadefs", "--path", text(&files)]), "namespaces loaded: 33\n");
    assert_eq!(other.exported(), first);

    assert_eq!(other.says(&["unload-metadefs"]), "");
    for table in ["namespaces", "properties", "objects", "tags", "namespace_resource_types", "resource_types"] {
        assert_eq!(count(&other, &format!("SELECT COUNT(*) FROM metadef_{table}")), 0, "{table}");
    }
}

/// What a namespace is after a file came that knows it otherwise.
#[tokio::test]
async fn what_is_there_already() {
    let old = json!({
        "namespace": "N", "display_name": "old", "protected": true,
        "resource_type_associations": [{"name": "A", "prefix": "old"}, {"name": "B"}],
        "properties": {"a": {"title": "old"}, "b": {"title": "old"}},
        "objects": [{"name": "a", "description": "old"}, {"name": "b"}],
        "tags": [{"name": "a"}, {"name": "b"}],
    });
    let new = json!({
        "namespace": "N", "display_name": "new", "visibility": "public",
        "resource_type_associations": [{"name": "A", "prefix": "new"}, {"name": "C"}],
        "properties": {"a": {"title": "new"}, "c": {"title": "new"}},
        "objects": [{"name": "a", "description": "new"}, {"name": "c"}],
        "tags": [{"name": "a"}, {"name": "c"}],
    });
    // (options; display name, prefix for A, and title of property a and description of object a; names of all of a kind)
    let cases: [(&[&str], &str, &str, &str); 4] = [
        (&[], "old", "old", "ab"),
        (&["--merge"], "old", "old", "abc"),
        (&["--merge", "--prefer-new"], "new", "new", "abc"),
        (&["--merge", "--overwrite"], "new", "new", "ac"),
    ];
    for (options, display_name, form, names) in cases {
        let catalogue = Catalogue::new().await;
        let files = catalogue.files(&[("old.json", old.clone())]);
        catalogue.says(&["load-metadefs", "--path", text(&files)]);
        let files = catalogue.files(&[("new.json", new.clone())]);
        let said = catalogue.says(&[&["load-metadefs", "--path", text(&files)], options].concat());
        let kept = options.is_empty();
        assert_eq!(said.contains("left as it is, for it is there already: N\n"), kept, "{options:?}: {said}");
        assert_eq!(said.ends_with("namespaces loaded: 1\n"), !kept, "{options:?}: {said}");

        let exported = catalogue.exported();
        let [file] = exported.as_slice() else { panic!("{options:?}: {exported:?}") };
        assert_eq!(file["display_name"], display_name, "{options:?}");
        assert_eq!(file["visibility"], if display_name == "new" { json!("public") } else { json!(null) });
        assert_eq!(file["protected"], if display_name == "new" { json!(null) } else { json!(true) });
        assert_eq!(file["properties"]["a"]["title"], form, "{options:?}");
        let listed = |kind: &str| {
            let mut all: Vec<Value> = file[kind].as_array().unwrap().clone();
            all.sort_by_key(|entry| entry["name"].to_string());
            all
        };
        assert_eq!(listed("objects")[0]["description"], form, "{options:?}");
        assert_eq!(listed("resource_type_associations")[0]["prefix"], form, "{options:?}");
        let properties: String = file["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(properties, names, "{options:?}");
        for kind in ["objects", "tags", "resource_type_associations"] {
            let found: String =
                listed(kind).iter().map(|entry| entry["name"].as_str().unwrap().to_lowercase()).collect();
            assert_eq!(found, names, "{options:?} {kind}");
        }
    }
}

/// compat: the reference's export from MySQL says in numbers what is true and what is false.
#[tokio::test]
async fn numbers_are_true_or_false() {
    let catalogue = Catalogue::new().await;
    let file =
        |at: usize, value: Value| (format!("{at}.json"), json!({"namespace": at.to_string(), "protected": value}));
    let files = [json!(0), json!(1), json!(true)].into_iter().enumerate().map(|(at, value)| file(at, value));
    let files: Vec<(String, Value)> = files.collect();
    let files: Vec<(&str, Value)> = files.iter().map(|(name, file)| (name.as_str(), file.clone())).collect();
    catalogue.says(&["load-metadefs", "--path", text(&catalogue.files(&files))]);
    let protected: Vec<Value> = catalogue.exported().iter().map(|file| file["protected"].clone()).collect();
    assert_eq!(protected, [json!(false), json!(true), json!(true)]);

    let files = catalogue.files(&[("2.json", json!({"namespace": "other", "protected": 2}))]);
    let (done, said) = catalogue.run(&["load-metadefs", "--path", text(&files)]);
    assert!(!done && said.contains("protected has to be true or false"), "{said}");
}

/// compat: the reference leaves these out of its files.
#[tokio::test]
async fn owners_and_what_objects_require_are_exported() {
    let catalogue = Catalogue::new().await;
    let files = catalogue.files(&[
        ("1.json", json!({"namespace": "1", "owner": "p1"})),
        ("2.json", json!({"namespace": "2", "objects": [{"name": "o", "required": ["a", "b"], "properties": {}}]})),
    ]);
    catalogue.says(&["load-metadefs", "--path", text(&files)]);
    let exported = catalogue.exported();
    assert_eq!(exported[0]["owner"], "p1");
    assert_eq!(exported[1]["objects"][0]["required"], json!(["a", "b"]));
    assert_eq!(exported[1].get("owner"), None);
}

#[tokio::test]
async fn files_that_are_wrong_load_nothing() {
    let catalogue = Catalogue::new().await;
    let good = ("good.json", json!({"namespace": "N"}));
    // (files, what is said of them)
    let cases: [(&[(&str, Value)], &[&str]); 4] = [
        (
            &[good.clone(), ("bad.json", json!({"namespace": "M", "tags": {}})), ("worse.json", json!([]))],
            &["bad.json: tags has to be a list of at most 10000 entries", "worse.json: it has to be an object"],
        ),
        (&[good.clone(), ("twice.json", json!({"namespace": "N"}))], &["twice.json: its namespace is that of"]),
        (&[("good.txt", json!({"namespace": "N"}))], &["there are no files with definitions in"]),
        (
            &[("good.json", json!({"namespace": "N", "description": "x".repeat(5 << 20)}))],
            &["good.json: it is larger than 4194304 bytes"],
        ),
    ];
    for (files, said) in cases {
        let folder = catalogue.files(files);
        let (done, all) = catalogue.run(&["load-metadefs", "--path", text(&folder)]);
        assert!(!done && said.iter().all(|said| all.contains(said)), "{all}");
        assert_eq!(count(&catalogue, "SELECT COUNT(*) FROM metadef_namespaces"), 0, "{all}");
    }
    // A single file, and none.
    let folder = catalogue.files(&[good]);
    let file = folder.join("good.json");
    assert_eq!(catalogue.says(&["load-metadefs", "--path", text(&file)]), "namespaces loaded: 1\n");
    let (done, said) = catalogue.run(&["load-metadefs", "--path", "/nowhere"]);
    assert!(!done && said.contains("cannot read /nowhere"), "{said}");
}

/// (arguments, what is said)
#[tokio::test]
async fn wrong_command_lines() {
    let catalogue = Catalogue::new().await;
    let cases: [(&[&str], &str); 4] = [
        (&["load-metadefs", "--prefer-new"], "you need to combine of these options with --merge option."),
        (&["load_metadefs", "--overwrite"], "you need to combine of these options with --merge option."),
        (
            &["load-metadefs", "--merge", "--overwrite", "--prefer-new"],
            "Please provide no more than one option from this list: --prefer_new, --overwrite",
        ),
        (&["export-metadefs"], "where to? Name a folder with --path"),
    ];
    for (arguments, why) in cases {
        let (done, said) = catalogue.run(arguments);
        assert!(!done && said.contains(why), "{arguments:?}: {said}");
    }
    let (done, said) = Catalogue::nowhere().run(&["load-metadefs"]);
    assert!(!done && said.contains("the schema is not there"), "{said}");
}

/// What an operator takes out of it stays out.
#[tokio::test]
async fn a_new_service_begins_with_what_is_built_in() {
    let catalogue = Catalogue::nowhere();
    let namespaces = || count(&catalogue, "SELECT COUNT(*) FROM metadef_namespaces WHERE owner = 'admin'");
    drop(Process::start(catalogue.folder.path()));
    assert_eq!(namespaces(), 33);
    catalogue.says(&["unload-metadefs"]);
    drop(Process::start(catalogue.folder.path()));
    assert_eq!(namespaces(), 0);
}
