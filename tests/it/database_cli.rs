//! `glint db`, and the same as `glance-manage`: what it prints, how it ends, and what it leaves in the database.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use tempfile::TempDir;

const EXPAND: &str = "Upgraded database to: 2024_1_expand01, current revision(s): ";
const MIGRATE: &str = "Database migration is up to date. No migration needed.\n";
const CONTRACT: &str = "Upgraded database to: 2024_1_contract01, current revision(s): 2024_1_contract01\n";
const DONE: &str = "Database is up to date. No migrations needed.\n";

/// A database, and the program under the name of the reference's.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Self { folder };
        std::fs::write(site.conf(), format!("[database]\nconnection = sqlite:///{}\n", site.file().display())).unwrap();
        symlink(env!("CARGO_BIN_EXE_glint"), site.folder.path().join("glance-manage")).unwrap();
        site
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("glance.sqlite")
    }

    fn conf(&self) -> PathBuf {
        self.folder.path().join("glance-api.conf")
    }

    /// Exit code, standard output and standard error.
    fn manage(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(self.folder.path().join("glance-manage"));
        ended(command.arg("--config-file").arg(self.conf()).args(arguments))
    }

    fn change(&self, statements: &str) {
        Connection::open(self.file()).unwrap().execute_batch(statements).unwrap();
    }

    /// The first column of what `sql` answers.
    fn ask(&self, sql: &str) -> Vec<String> {
        let connection = Connection::open(self.file()).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

fn ended(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code().unwrap(), out, err)
}

/// What takes a new database to each level, and then the commands in order: (arguments, exit code, what is printed).
#[test]
fn commands_in_order() {
    let zed = "DROP TABLE cached_images; DROP TABLE node_reference; UPDATE alembic_version SET version_num = 'zed_contract01'";
    let site = Site::new();
    assert_eq!(site.manage(&["db", "check"]).0, 3);
    assert!(site.manage(&["db", "version"]).1.starts_with("Database is either not under migration control or"));
    let synced = format!("{EXPAND}2024_1_expand01\n{MIGRATE}{CONTRACT}Database is synced successfully.\n");
    let cases: &[(&str, &[&str], i32, &str)] = &[
        ("", &["db_contract"], 1, ""),
        ("", &["db", "migrate"], 1, ""),
        ("", &["db_sync"], 0, &synced),
        ("", &["db", "sync"], 0, DONE),
        ("", &["db", "expand"], 0, DONE),
        ("", &["db_migrate"], 0, DONE),
        ("", &["db", "contract"], 0, DONE),
        ("", &["db_version"], 0, "2024_1_contract01\n"),
        ("", &["db_check"], 0, "Database is up to date. No upgrades needed.\n"),
        (
            zed,
            &["db", "check"],
            3,
            "Your database is not up to date. Your first step is to run `glance-manage db expand`.\n",
        ),
        ("", &["db", "contract"], 1, ""),
        ("", &["db", "expand"], 0, &format!("{EXPAND}zed_contract01, 2024_1_expand01\n")),
        ("", &["db", "expand"], 0, "Database expansion is up to date. No expansion needed.\n"),
        (
            "",
            &["db", "check"],
            5,
            "Your database is not up to date. Your next step is to run `glance-manage db contract`.\n",
        ),
        ("", &["db", "version"], 0, "zed_contract01\n2024_1_expand01\n"),
        ("", &["db", "migrate"], 0, MIGRATE),
        ("", &["db", "contract"], 0, CONTRACT),
        (zed, &["db_upgrade"], 0, "Upgraded database, current revision(s): 2024_1_contract01\n"),
        (zed, &["db", "upgrade", "--version", "2024_1_contract01"], 0, CONTRACT),
        (
            "",
            &["db", "upgrade", "--version", "liberty"],
            0,
            "Upgraded database to: liberty, current revision(s): 2024_1_contract01\n",
        ),
        ("", &["db_upgrade", "nonsense"], 1, ""),
        (
            "UPDATE alembic_version SET version_num = 'zed_contract01'",
            &["db", "upgrade", "--version", "2023_1_expand01"],
            1,
            "",
        ),
        ("UPDATE alembic_version SET version_num = '2030_1_contract01'", &["db", "sync"], 1, ""),
        ("UPDATE alembic_version SET version_num = 'ocata_contract01'", &["db", "sync"], 1, ""),
        ("DELETE FROM alembic_version; DROP TABLE glint_schema", &["db", "sync"], 1, ""),
        ("", &["db", "nonsense"], 2, ""),
        ("", &["db", "purge", "--age_in_days", "x"], 2, ""),
        ("", &["db", "purge", "--age_in_days", "-1"], 1, ""),
        ("", &["db", "purge", "--age_in_days", "100000"], 1, ""),
        ("", &["db", "purge", "--max_rows", "-2"], 1, ""),
        ("", &["db", "purge", "--max_rows", "2147483648"], 1, ""),
    ];
    for (before, arguments, code, said) in cases {
        site.change(before);
        let (ended, out, err) = site.manage(arguments);
        assert_eq!((ended, out.as_str()), (*code, *said), "{arguments:?}: {err}");
        assert_eq!(![1, 2].contains(code), err.is_empty(), "{arguments:?}: {err}");
    }
    for (arguments, listed) in
        [(&[][..], "Available categories:\n\tdb\n"), (&["db"], "Available actions for 'db':\n\tversion - ")]
    {
        let (code, out, _) = site.manage(arguments);
        assert!(code == 2 && out.starts_with(listed), "{out}");
    }
}

/// What `serve` says to a database at each level; (what takes a new one there, start of what it says when it refuses).
#[test]
fn databases_that_are_served() {
    let cases = [
        ("", None),
        ("UPDATE alembic_version SET version_num = '2023_1_contract01'; DROP TABLE cached_images", None),
        ("UPDATE alembic_version SET version_num = 'wallaby_contract01'", None),
        (
            "UPDATE alembic_version SET version_num = '2023_1_contract01'; INSERT INTO alembic_version VALUES ('2024_1_expand01')",
            None,
        ),
        (
            "UPDATE alembic_version SET version_num = 'ussuri_contract01'",
            Some("ussuri_contract01: run `glint db sync` first"),
        ),
        (
            "UPDATE alembic_version SET version_num = 'mitaka02'",
            Some("mitaka02: what is older than Pike is brought forward by"),
        ),
        (
            "UPDATE alembic_version SET version_num = '2031_1_contract01'",
            Some("2031_1_contract01, which is from a newer release"),
        ),
        ("DROP TABLE alembic_version; DROP TABLE glint_schema", Some("no revision of the reference is noted in it")),
    ];
    for (change, refused) in cases {
        let site = Site::new();
        assert_eq!(site.manage(&["db_sync"]).0, 0);
        site.change(change);
        let before =
            site.ask("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB '*glint*' ORDER BY name");
        let opened = tokio::runtime::Runtime::new().unwrap().block_on(glint::db::Db::open_sqlite(&site.file()));
        match (&opened, refused) {
            (Ok(_), None) => {}
            (Err(error), Some(said)) => assert!(error.to_string().contains(said), "{change}: {error}"),
            _ => panic!("{change}: {opened:?}"),
        }
        assert_eq!(
            before,
            site.ask("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB '*glint*' ORDER BY name")
        );
    }
}

/// All that is ours goes, and comes again; not while it is needed.
#[test]
fn extras_are_dropped() {
    let site = Site::new();
    let ours = "SELECT name FROM sqlite_master WHERE name GLOB '*glint*' ORDER BY name";
    assert_eq!(site.manage(&["db", "sync"]).0, 0);
    let names = site.ask(ours);
    assert!(names.len() > 20, "{names:?}");
    site.change("INSERT INTO glint_users VALUES ('u', 'name', 'hash', NULL, '2024-01-01 00:00:00')");
    let lease = "INSERT INTO glint_leases VALUES ('i', 'upload', 'h', 't', 's', '2999-01-01 00:00:00', NULL, 0)";
    for (before, arguments, said) in [
        ("", &["db", "drop-extras"][..], Some("users of a stand-alone service are kept in it")),
        (lease, &["db", "drop-extras", "--with-users"], Some("a service is at work on images: stop it first")),
        ("DELETE FROM glint_leases", &["db", "drop-extras", "--with-users"], None),
        ("", &["db", "drop-extras"], None),
    ] {
        site.change(before);
        let (code, _, err) = site.manage(arguments);
        assert_eq!(code == 0, said.is_none(), "{err}");
        assert!(err.contains(said.unwrap_or_default()), "{err}");
    }
    assert_eq!(site.ask(ours), [""; 0]);
    assert_eq!(site.manage(&["db", "sync"]), (0, DONE.to_owned(), String::new()));
    assert_eq!(site.ask(ours), names);
}

/// `glint db` takes the files where it is told, or the data directory.
#[test]
fn where_the_database_is() {
    let site = Site::new();
    let glint = |arguments: &[&Path]| ended(Command::new(env!("CARGO_BIN_EXE_glint")).arg("db").args(arguments));
    let (sync, version) = (Path::new("sync"), Path::new("version"));
    let (file, folder) = (Path::new("--config-file"), Path::new("--data-dir"));
    assert_eq!(glint(&[file, &site.conf(), sync]).0, 0);
    assert_eq!(glint(&[version, file, &site.conf()]).1, "2024_1_contract01\n");
    assert!(glint(&[folder, site.folder.path(), version]).1.starts_with("Database is either not under"));
    let nowhere = glint(&[file, &site.folder.path().join("none.conf"), version]);
    assert!(nowhere.0 == 1 && nowhere.2.contains("does not say where the database is"), "{nowhere:?}");
    let (code, _, err) =
        ended(Command::new(site.folder.path().join("glance-manage")).arg("db_sync").env("HOME", site.folder.path()));
    assert!(code == 0 || err.contains("There is none in the usual places"), "{err}");
}

/// Under every name that the reference has for it: with options, and with arguments in their order.
#[test]
fn definition_files_are_loaded_and_exported() {
    let site = Site::new();
    assert!(site.manage(&["db_load_metadefs"]).2.contains("bring it there with `glint db sync`"));
    site.manage(&["db_sync"]);
    let (files, out) = (site.folder.path().join("files"), site.folder.path().join("out"));
    std::fs::create_dir(&files).unwrap();
    let write = |title: &str| {
        let text =
            format!(r#"{{"namespace": "N", "display_name": "n", "properties": {{"p": {{"title": "{title}"}}}}}}"#);
        std::fs::write(files.join("n.json"), text).unwrap();
    };
    let shown = || site.ask("SELECT json_schema FROM metadef_properties").join(" ");
    let (files, out) = (files.to_str().unwrap(), out.to_str().unwrap());
    write("one");
    assert_eq!(
        site.manage(&["db", "load_metadefs", "--path", files]),
        (0, "namespaces loaded: 1\n".into(), String::new())
    );
    write("two");
    assert_eq!(site.manage(&["db_load_metadefs", files, "", "", ""]).0, 0);
    assert!(shown().contains("one"), "{}", shown());
    assert_eq!(site.manage(&["db_load_metadefs", files, "True", "", "True"]).0, 0);
    assert!(shown().contains("two"), "{}", shown());
    assert_eq!(site.manage(&["db_export_metadefs", out]).0, 0);
    assert!(std::fs::read_to_string(format!("{out}/n.json")).unwrap().contains("two"));
    assert_eq!(site.manage(&["db_unload_metadefs"]).0, 0);
    assert_eq!(shown(), "");
    // Without a path, the folder that the configuration names.
    let conf = std::fs::read_to_string(site.conf()).unwrap();
    std::fs::write(site.conf(), format!("[DEFAULT]\nmetadata_source_path = {files}\n{conf}")).unwrap();
    assert_eq!(site.manage(&["db", "load_metadefs"]).1, "namespaces loaded: 1\n");
}
