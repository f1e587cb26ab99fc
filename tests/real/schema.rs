//! The schema of a new database beside that which the reference's own migrations make: they are the same but for what is
//! named `glint_*`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::database_server::{DatabaseServer, Kind};
use crate::venv;

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("ours.sqlite");
    let url = |file: &Path| format!("sqlite:///{}", file.display());
    let conf = folder.path().join("glance-api.conf");
    fs::write(&conf, format!("[database]\nconnection = {}\n", url(&ours))).unwrap();
    let mut glint = Command::new(env!("CARGO_BIN_EXE_glint"));
    assert!(glint.args(["db", "sync", "--config-file"]).arg(&conf).status().unwrap().success());
    compare(&url(&folder.path().join("theirs.sqlite")), &url(&ours));
}

#[test]
fn mariadb() {
    on_a_server(Kind::MariaDb, "mysql");
}

#[test]
fn postgresql() {
    on_a_server(Kind::PostgreSql, "postgres");
}

fn on_a_server(kind: Kind, scripts_of: &str) {
    let server = DatabaseServer::start(kind);
    let (theirs, ours) = (server.make("theirs"), server.make("ours"));
    server.ask(&ours, &scripts(scripts_of));
    compare(&theirs, &ours);
}

/// The reference's schema as we write it, and all steps of ours behind it.
fn scripts(engine: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.file_name().unwrap().to_str().unwrap().starts_with("00"));
    files.sort();
    files.insert(0, folder.join("reference.sql"));
    let all: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    all + "INSERT INTO alembic_version (version_num) VALUES ('2024_1_contract01');"
}

/// Has the reference make its schema in the empty database at `theirs`, and holds `ours` against it.
#[expect(clippy::print_stdout, reason = "who has no reference is told what was not tested")]
fn compare(theirs: &str, ours: &str) {
    let Some(reference) = venv::reference() else {
        println!("SKIPPED: the reference is not installed (tests/run does that, where PyPI can be reached)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("glance-api.conf");
    fs::write(&conf, format!("[database]\nconnection = {theirs}\n")).unwrap();
    let mut manage = Command::new(reference.join("bin/glance-manage"));
    manage.arg("--config-file").arg(&conf).arg("db_sync").stdout(Stdio::null()).stderr(Stdio::null());
    assert!(manage.status().unwrap().success(), "the reference makes its database");

    let [theirs, ours] = [theirs, ours].map(|url| described(&reference, url));
    let (extra, same): (BTreeSet<_>, BTreeSet<_>) = ours.into_iter().partition(|line| is_ours(line));
    let missing: Vec<_> = theirs.difference(&same).collect();
    let foreign: Vec<_> = same.difference(&theirs).collect();
    assert!(missing.is_empty() && foreign.is_empty(), "missing: {missing:#?}\nnot the reference's: {foreign:#?}");
    assert!(theirs.len() > 200 && extra.len() > 50, "{} lines, and {} of our own", theirs.len(), extra.len());
}

/// What stands beside the reference's: a table, or an index in one of its tables.
fn is_ours(line: &str) -> bool {
    let mut words = line.split(' ');
    let (table, kind, name) = (words.next(), words.next(), words.next());
    let begins = |word: Option<&str>| word.is_some_and(|word| word.starts_with("glint_"));
    begins(table) || kind == Some("index") && begins(name)
}

/// The lines of `schema.py`.
fn described(reference: &Path, url: &str) -> BTreeSet<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/schema.py");
    let printed = Command::new(reference.join("bin/python")).arg(script).arg(url).stderr(Stdio::inherit()).output();
    let printed = printed.unwrap();
    assert!(printed.status.success(), "{url}");
    String::from_utf8(printed.stdout).unwrap().lines().map(str::to_owned).collect()
}
