//! Tests of `clouds.yaml`, cut off at each step.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use tempfile::TempDir;

use super::{provide, reachable, text, write};
use crate::auth::standalone::{Domain, Login, Place, Proof, Scope, Standalone, Who};
use crate::clock::Clock;
use crate::config::{BuiltInIdentity, PasswordCost};

const URL: &str = "http://127.0.0.1:9292";

/// A data directory with an identity that is quick to log in to.
struct DataFolder {
    folder: TempDir,
}

impl DataFolder {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clouds.yaml")
    }

    /// The identity as a new process opens it.
    async fn identity(&self) -> Standalone {
        let options =
            BuiltInIdentity { password_cost: PasswordCost { memory_kib: 8, passes: 1 }, ..BuiltInIdentity::default() };
        let database = self.folder.path().join("db");
        Standalone::open(&database, Clock::default(), options).await.unwrap()
    }
}

/// Logs in with what stands in `file` for each cloud.
async fn assert_usable(file: &Path, identity: &Standalone) {
    let text = fs::read_to_string(file).unwrap();
    let values = |name: &str| -> Vec<String> {
        let name = format!("{name}: ");
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix(&name));
        lines.map(|value| value.trim_matches('\'').to_owned()).collect()
    };
    let (users, passwords, projects) = (values("username"), values("password"), values("project_name"));
    assert_eq!(users, ["demo", "admin"]);
    for ((user, password), project) in users.into_iter().zip(passwords).zip(projects) {
        assert!(password.len() >= 22, "128 bits or more");
        let login = Login {
            proofs: vec![Proof::Password {
                who: Who::Name(user, Domain::Default),
                password: SecretString::from(password),
            }],
            scope: Scope::Project(Place::Name(project, Domain::Default)),
        };
        identity.log_in(&login).await.unwrap();
    }
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_first_start_makes_what_the_file_says() {
    let place = DataFolder::new();
    let identity = place.identity().await;
    provide(&place.file(), URL, &identity).await.unwrap();
    assert_usable(&place.file(), &identity).await;
    assert_eq!(mode(&place.file()), 0o600);
    let left: Vec<_> = fs::read_dir(place.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("yaml.")), "{left:?}");
}

#[tokio::test]
async fn a_start_that_was_cut_off_is_made_good() {
    let place = DataFolder::new();
    let identity = place.identity().await;
    // Cut off while the file was being written.
    fs::write(place.folder.path().join("clouds.yaml.new"), "clouds:\n  gli").unwrap();
    // Cut off after it was.
    let accounts = identity.first_accounts().await.unwrap().unwrap();
    write(&place.file(), &text(URL, &accounts), 0o600).unwrap();
    drop(identity);

    let identity = place.identity().await;
    provide(&place.file(), URL, &identity).await.unwrap();
    assert_usable(&place.file(), &identity).await;

    // The next start changes nothing.
    let written = fs::read_to_string(place.file()).unwrap();
    let identity = place.identity().await;
    provide(&place.file(), URL, &identity).await.unwrap();
    assert_eq!(fs::read_to_string(place.file()).unwrap(), written);
    assert_usable(&place.file(), &identity).await;
}

#[tokio::test]
async fn accounts_are_made_only_when_the_file_is_there() {
    let place = DataFolder::new();
    let identity = place.identity().await;
    let nowhere = place.folder.path().join("missing").join("clouds.yaml");
    provide(&nowhere, URL, &identity).await.unwrap_err();
    assert!(identity.users().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_older_file_is_set_aside() {
    let place = DataFolder::new();
    fs::write(place.file(), "clouds: {mine: {}}\n").unwrap();
    provide(&place.file(), URL, &place.identity().await).await.unwrap();
    let old = place.folder.path().join("clouds.yaml.old");
    assert_eq!(fs::read_to_string(old).unwrap(), "clouds: {mine: {}}\n");
}

#[tokio::test]
async fn a_new_address_changes_the_lines_we_keep_only() {
    let place = DataFolder::new();
    let identity = place.identity().await;
    provide(&place.file(), URL, &identity).await.unwrap();
    let edited = fs::read_to_string(place.file())
        .unwrap()
        .replacen(
            "auth_url: http://127.0.0.1:9292/identity/v3 # kept by glint",
            "auth_url: http://images/identity/v3",
            1,
        )
        .replace("RegionOne", "here # \u{fc}ber\r")
        + "  mine:\n    auth: {auth_url: 'http://127.0.0.1:9292/identity/v3'}";
    fs::write(place.file(), &edited).unwrap();
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o640)).unwrap();

    provide(&place.file(), "https://[::1]:1234", &identity).await.unwrap();
    let expected = edited.replace(
        "auth_url: http://127.0.0.1:9292/identity/v3 # kept by glint",
        "auth_url: https://[::1]:1234/identity/v3 # kept by glint",
    );
    assert_ne!(expected, edited);
    assert_eq!(fs::read_to_string(place.file()).unwrap(), expected);
    assert_eq!(mode(&place.file()), 0o640);

    fs::remove_file(place.file()).unwrap();
    provide(&place.file(), URL, &identity).await.unwrap();
    assert!(!place.file().exists(), "who removes it does not want it");
}

#[test]
fn an_address_for_all_is_reached_by_loopback() {
    for (listens, reached) in [
        ("0.0.0.0:9292", "127.0.0.1:9292"),
        ("[::]:80", "[::1]:80"),
        ("192.0.2.7:9292", "192.0.2.7:9292"),
        ("127.0.0.1:1", "127.0.0.1:1"),
    ] {
        assert_eq!(reachable(listens.parse().unwrap()), reached.parse().unwrap());
    }
}
