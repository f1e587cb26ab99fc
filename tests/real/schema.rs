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
    compare(&url(&folder.path().join("theirs.sqlite")), &url(&ours));
}

#[test]
fn mariadb() {
    on_a_server(Kind::MariaDb);
}

#[test]
fn postgresql() {
    on_a_server(Kind::PostgreSql);
}

fn on_a_server(kind: Kind) {
    let server = DatabaseServer::start(kind);
    compare(&server.make("theirs"), &server.make("ours"));
}

/// Has the reference make its schema in the empty database at `theirs`, and Glint that in `ours`, and holds them against each
/// other.
#[expect(clippy::print_stdout, reason = "who has no reference is told what was not tested")]
fn compare(theirs: &str, ours: &str) {
    let Some(reference) = venv::reference() else {
        println!("SKIPPED: the reference is not installed (tests/run does that, where PyPI can be reached)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("glance-api.conf");
    let configure = |url: &str| fs::write(&conf, format!("[database]\nconnection = {url}\n")).unwrap();
    let run = |command: &mut Command| {
        assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    };
    configure(theirs);
    run(Command::new(reference.join("bin/glance-manage")).arg("--config-file").arg(&conf).arg("db_sync"));
    configure(ours);
    run(Command::new(env!("CARGO_BIN_EXE_glint")).args(["db", "sync", "--config-file"]).arg(&conf));

    let [theirs, ours] = [theirs, ours].map(|url| described(&reference, url));
    let (extra, same): (BTreeSet<_>, BTreeSet<_>) = ours.into_iter().partition(|line| is_ours(line));
    let missing: Vec<_> = theirs.difference(&same).collect();
    let foreign: Vec<_> = same.difference(&theirs).collect();
    assert!(missing.is_empty() && foreign.is_empty(), "missing: {missing:#?}\nnot the reference's: {foreign:#?}");
    assert!(theirs.len() > 200 && extra.len() > 50, "{} lines, and {} of our own", theirs.len(), extra.len());
}

/// MariaDB keeps each statement by itself. What was broken off in the middle goes on from there.
#[test]
fn mariadb_half_made() {
    let server = DatabaseServer::start(Kind::MariaDb);
    let half = server.make("half");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/mysql");
    let reference = fs::read_to_string(scripts.join("reference.sql")).unwrap();
    let begun: String = reference.split_inclusive(";\n").take(5).collect();
    server.ask(&half, &format!("CREATE TABLE glint_schema (step INTEGER NOT NULL, PRIMARY KEY (step));{begun}"));
    compare(&server.make("theirs"), &half);
    server.ask(
        &half,
        "DELETE FROM glint_schema WHERE step > 2; DROP TABLE glint_tokens; DROP INDEX glint_images_id ON images;",
    );
    // One statement makes all indexes of a table, or none.
    server.ask(
        &half,
        "ALTER TABLE images DROP INDEX glint_images_name, DROP INDEX glint_images_status, \
        DROP INDEX glint_images_container_format, DROP INDEX glint_images_disk_format, DROP INDEX glint_images_size, \
        DROP INDEX glint_images_created_at, DROP INDEX glint_images_updated_at, DROP INDEX glint_images_visibility, \
        DROP INDEX glint_images_owner;",
    );
    server.ask(&half, "UPDATE alembic_version SET version_num = '2024_1_contract01';");
    compare(&server.make("theirs_again"), &half);
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
