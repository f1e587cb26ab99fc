//! Who may know whom: the `use crate::` lines of every file against the allowed arrows of `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The floors, highest first, each with what it may import.
const ALLOWED: &[(&str, &str)] = &[
    ("main", "cli"),
    ("cli", "http work app catalogue auth db policy config clock model"),
    ("http", "api app blob config clock"),
    ("api", "image app catalogue auth db policy blob store config clock error model"),
    ("work", "image app db clock error model"),
    ("image", "app db fetch store blob format config clock error model"),
    ("app", "catalogue auth db keystone fetch store policy blob config clock error model"),
    ("catalogue", "db clock error model"),
    ("auth", "db keystone config clock error model"),
    ("keystone", "fetch config clock error model"),
    ("db", "config model clock error"),
    ("policy", "model"),
    ("store", "fetch blob config clock error model"),
    ("fetch", "blob config"),
    ("blob", "error"),
    ("format", ""),
    ("config", ""),
    ("model", "clock"),
    ("error", ""),
    ("clock", ""),
];

#[test]
fn imports_follow_the_arrows() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ALLOWED.iter().map(|(floor, may)| (*floor, may.split_whitespace().collect())).collect();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (floor, file, imported) in imports(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path()) {
        let may = allowed.get(floor.as_str()).unwrap_or_else(|| panic!("{floor} stands on no floor: see ALLOWED"));
        if imported != floor && !may.contains(imported.as_str()) {
            wrong.push(format!("{file} imports {imported}"));
        }
        seen.insert((floor, imported));
    }
    assert!(wrong.is_empty(), "against the arrows:\n{}", wrong.join("\n"));
    let unused: Vec<String> = ALLOWED
        .iter()
        .flat_map(|(floor, may)| may.split_whitespace().map(move |may| (*floor, may)))
        .filter(|(floor, may)| !seen.contains(&((*floor).to_owned(), (*may).to_owned())))
        .map(|(floor, may)| format!("{floor} -> {may}"))
        .collect();
    assert!(unused.is_empty(), "allowed and not needed any more: {}", unused.join(", "));
}

/// What must not be named below a floor, whatever is imported: words of one floor that have no business beneath it.
#[test]
fn words_stay_on_their_floors() {
    let rules: &[(&str, &[&str])] = &[
        ("hyper::", &["api", "http"]),
        ("StatusCode", &["api", "http"]),
        ("HeaderMap", &["api", "http"]),
        ("reqwest::", &["fetch", "keystone"]),
        ("rusqlite::", &["db"]),
        ("SELECT ", &["db"]),
        ("UPDATE ", &["db"]),
        ("Rule::", &["api", "policy"]),
        ("anyhow", &["cli"]),
    ];
    let mut wrong = Vec::new();
    for (floor, file, text) in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path()) {
        for (word, floors) in rules {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            if !floors.contains(&floor.as_str()) && code.clone().any(|line| line.contains(word)) {
                wrong.push(format!("{file} names {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every `crate::x` in `src`, as (floor of the file, file, x). Tests may import what they like.
fn imports(src: &Path) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for (floor, file, text) in sources(src) {
        let own_crate = if floor == "main" { "glint::" } else { "crate::" };
        for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
            for (at, _) in line.match_indices(own_crate) {
                let rest = &line[at + own_crate.len()..];
                let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                assert!(!rest.starts_with('{'), "{file}: write one `use {own_crate}` a module: this test reads it");
                all.push((floor.clone(), file.clone(), name));
            }
        }
    }
    all
}

/// Every source file that is not a test, as (floor, file, text).
fn sources(src: &Path) -> Vec<(String, String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") && name != "tests.rs" && name != "lib.rs" {
                let inside = path.strip_prefix(src).unwrap().to_str().unwrap().to_owned();
                let floor = inside.split(['/', '.']).next().unwrap().to_owned();
                files.push((floor, inside, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}
