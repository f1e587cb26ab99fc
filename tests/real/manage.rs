//! `glance-manage`, ours and the reference's, on databases at the same revisions and with the same rows: they end the same, print
//! the same, and leave the same behind.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::database_server::{DatabaseServer, Kind};
use crate::venv;

/// How databases are brought forward.
struct Way {
    /// From where: the revisions that the reference upgrades them to first; none for an empty one.
    beginnings: &'static [&'static [&'static str]],
    commands: &'static [&'static str],
    /// What is compared of what is printed.
    comparable: fn(&str) -> String,
}

const STEP_BY_STEP: Way = Way { beginnings: &BEGINNINGS, commands: &FORWARD, comparable: str::to_owned };
/// compat: the reference refuses the single steps with PostgreSQL. An upgrade takes it long.
const AT_ONCE: Way = Way {
    beginnings: &[&[], &["pike_contract01"], &["2023_1_contract01", "2024_1_expand01"]],
    commands: &["db version", "db sync", "db_version", "db_sync"],
    comparable: with_lines_in_order,
};

const BEGINNINGS: [&[&str]; 8] = [
    &[],
    &["pike_contract01"],
    &["rocky_contract01"],
    &["train_contract01"],
    &["wallaby_contract01"],
    &["zed_contract01", "2023_1_expand01"],
    &["2023_1_contract01"],
    &["2023_1_contract01", "2024_1_expand01"],
];

/// What is done to each.
const FORWARD: [&str; 13] = [
    "db version",
    "db check",
    "db contract",
    "db migrate",
    "db expand",
    "db expand",
    "db_check",
    "db version",
    "db migrate",
    "db contract",
    "db check",
    "db sync",
    "db_version",
];

/// What is done to a database with rows of every kind.
const PURGES: [&str; 9] = [
    "db purge --age_in_days 100000",
    "db purge --age_in_days -1",
    "db purge --max_rows -2",
    "db purge --max_rows 0",
    "db purge --age_in_days 1 --max_rows 7",
    "db purge_images_table",
    "db purge",
    "db purge --max_rows -1",
    "db purge_images_table --max_rows 3",
];

#[test]
fn sqlite_is_brought_forward() {
    forward(&STEP_BY_STEP, |name, folder| format!("sqlite:///{}/{name}.sqlite", folder.display()));
}

#[test]
fn sqlite_is_purged() {
    purged(|name, folder| format!("sqlite:///{}/{name}.sqlite", folder.display()));
}

#[test]
fn mariadb_is_brought_forward() {
    let server = DatabaseServer::start(Kind::MariaDb);
    forward(&STEP_BY_STEP, |name, _| server.make(name));
}

#[test]
fn mariadb_is_purged() {
    let server = DatabaseServer::start(Kind::MariaDb);
    purged(|name, _| server.make(name));
}

#[test]
fn postgresql_is_brought_forward() {
    let server = DatabaseServer::start(Kind::PostgreSql);
    forward(&AT_ONCE, |name, _| server.make(name));
}

#[test]
fn postgresql_is_purged() {
    let server = DatabaseServer::start(Kind::PostgreSql);
    purged(|name, _| server.make(name));
}

/// Both programs go this way, each on a database of its own that `make` makes.
fn forward(way: &Way, make: impl Fn(&str, &Path) -> String) {
    let folder = tempfile::tempdir().unwrap();
    for beginning in way.beginnings {
        let name = |whose: &str| format!("{whose}_{}", beginning.last().unwrap_or(&"empty"));
        let Some([theirs, ours]) =
            Site::pair([make(&name("theirs"), folder.path()), make(&name("ours"), folder.path())])
        else {
            return;
        };
        let there: Vec<String> = beginning.iter().map(|revision| format!("db upgrade --version {revision}")).collect();
        let there: Vec<&str> = there.iter().map(String::as_str).collect();
        for site in [&theirs, &ours] {
            assert!(site.reference(&there).iter().all(|(code, _)| *code == 0), "{beginning:?}");
        }
        for (at, (theirs, ours)) in theirs.reference(way.commands).iter().zip(ours.glint(way.commands)).enumerate() {
            let [theirs, ours] = [theirs, &ours].map(|(code, said)| (*code, (way.comparable)(said)));
            assert_eq!(theirs, ours, "{beginning:?}, {}, number {at}", way.commands[at]);
        }
        assert_eq!(theirs.schema(), ours.schema(), "{beginning:?}");
    }
}

/// PostgreSQL has two revisions in any order.
fn with_lines_in_order(said: &str) -> String {
    let in_order = |line: &str| {
        let (before, revisions) = line.split_once("current revision(s): ").unwrap_or((line, ""));
        let mut revisions: Vec<&str> = revisions.split(", ").collect();
        revisions.sort_unstable();
        format!("{before}{revisions:?}")
    };
    let mut lines: Vec<String> = said.lines().map(in_order).collect();
    lines.sort();
    lines.join("\n")
}

fn purged(make: impl Fn(&str, &Path) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let urls = ["theirs", "ours"].map(|name| make(name, folder.path()));
    let Some([theirs, ours]) = Site::pair(urls) else { return };
    for site in [&theirs, &ours] {
        assert_eq!(site.reference(&["db sync"])[0].0, 0);
        // The bytes stand at the same place for both.
        site.python("takeover.py", &["fill", folder.path().join("store").to_str().unwrap()]);
    }
    for (said, told) in PURGES.iter().map(|purge| (theirs.reference(&[*purge]), ours.glint(&[*purge]))) {
        assert_eq!(said, told);
        assert_eq!(theirs.python("takeover.py", &["rows"]), ours.python("takeover.py", &["rows"]));
    }
}

/// A configuration, and ours under the name of the reference's.
struct Site {
    folder: TempDir,
    url: String,
}

impl Site {
    /// One for each database; none where there is no reference.
    #[expect(clippy::print_stdout, reason = "who has no reference is told what was not tested")]
    fn pair(urls: [String; 2]) -> Option<[Self; 2]> {
        if venv::reference().is_none() {
            println!("SKIPPED: the reference is not installed (tests/run does that, where PyPI can be reached)");
            return None;
        }
        Some(urls.map(|url| {
            let site = Self { folder: tempfile::tempdir().unwrap(), url };
            fs::write(site.conf(), format!("[database]\nconnection = {}\n", site.url)).unwrap();
            symlink(env!("CARGO_BIN_EXE_glint"), site.folder.path().join("glance-manage")).unwrap();
            site
        }))
    }

    fn conf(&self) -> PathBuf {
        self.folder.path().join("glance-api.conf")
    }

    /// Exit code and standard output of each of these commands.
    fn reference(&self, commands: &[&str]) -> Vec<(i64, String)> {
        let lines = self.folder.path().join("commands");
        fs::write(&lines, commands.join("\n")).unwrap();
        let mut python = script("manage.py");
        let output = python.arg(self.conf()).stdin(fs::File::open(lines).unwrap()).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let told = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        told.map(|told| (told["code"].as_i64().unwrap(), told["out"].as_str().unwrap().to_owned())).collect()
    }

    fn glint(&self, commands: &[&str]) -> Vec<(i64, String)> {
        let run = |command: &&str| {
            let mut manage = Command::new(self.folder.path().join("glance-manage"));
            manage.arg("--config-file").arg(self.conf()).args(command.split(' '));
            let output = manage.stderr(Stdio::null()).output().unwrap();
            (output.status.code().unwrap().into(), String::from_utf8(output.stdout).unwrap())
        };
        commands.iter().map(run).collect()
    }

    /// The schema without what is ours.
    fn schema(&self) -> Vec<String> {
        let lines = self.python("schema.py", &[]);
        lines.lines().filter(|line| !line.contains("glint_")).map(str::to_owned).collect()
    }

    fn python(&self, name: &str, arguments: &[&str]) -> String {
        let output = script(name).arg(&self.url).args(arguments).output().unwrap();
        assert!(output.status.success(), "{name} {arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A script of this folder, with what the reference has.
fn script(name: &str) -> Command {
    let mut python = Command::new(venv::reference().unwrap().join("bin/python"));
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(name)).stderr(Stdio::null());
    python
}
