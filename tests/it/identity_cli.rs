//! `glint user` and `glint project`, as an operator runs them beside a service.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use glint::auth::standalone::{Domain, Login, Place, Proof, Scope, Standalone, Who};
use glint::clock::Clock;
use glint::config::{BuiltInIdentity, Config};
use glint::error::Kind;
use glint::model::account::Role;
use tempfile::TempDir;

/// A data directory, and the identity of a service that is open on it.
struct Service {
    folder: TempDir,
    identity: Standalone,
}

impl Service {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("glint.sqlite");
        let options = Config::stand_alone("").identity;
        let identity = Standalone::open(&database, Clock::default(), options).await.unwrap();
        Self { folder, identity }
    }

    /// Runs `glint` with `arguments`, and `input` on its standard input.
    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_glint"))
            .args(arguments)
            .arg("--data-dir")
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may be gone by now.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What `glint` prints, which has to succeed.
    fn prints(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    async fn logs_in(&self, user: &str, password: &str, project: &str) -> Result<Vec<&'static str>, Kind> {
        let login = Login {
            proofs: vec![Proof::Password {
                who: Who::Name(user.to_owned(), Domain::Default),
                password: password.into(),
            }],
            scope: Scope::Project(Place::Name(project.to_owned(), Domain::Default)),
        };
        let issued = self.identity.log_in(&login).await.map_err(|error| error.kind())?;
        Ok(issued.token.roles.into_iter().map(Role::as_str).collect())
    }
}

#[tokio::test]
async fn users_come_and_go_while_the_service_runs() {
    let service = Service::new().await;
    assert_eq!(service.prints(&["project", "add", "team"], ""), "");
    assert_eq!(service.prints(&["user", "add", "ann", "--project", "team"], "first\n"), "");
    assert_eq!(service.logs_in("ann", "first", "team").await, Ok(vec!["member", "reader"]));

    assert_eq!(service.prints(&["user", "passwd", "ann"], "second"), "");
    assert_eq!(service.logs_in("ann", "first", "team").await, Err(Kind::Unauthenticated));
    assert!(service.logs_in("ann", "second", "team").await.is_ok());
    let chosen = service.prints(&["user", "passwd", "ann", "--generate"], "");
    assert!(chosen.trim_end().len() >= 22, "128 bits or more: {chosen}");
    assert!(service.logs_in("ann", chosen.trim_end(), "team").await.is_ok());

    let chosen = service.prints(&["user", "add", "bob", "--generate"], "");
    assert_eq!(service.logs_in("bob", chosen.trim_end(), "team").await, Err(Kind::Unauthenticated), "no role yet");
    service.prints(&["user", "grant", "bob", "--project", "team", "--role", "manager"], "");
    assert_eq!(service.logs_in("bob", chosen.trim_end(), "team").await, Ok(vec!["manager", "member", "reader"]));
    service.prints(&["user", "revoke", "bob", "--project", "team", "--role", "manager"], "");
    assert_eq!(service.logs_in("bob", chosen.trim_end(), "team").await, Err(Kind::Unauthenticated));

    let two = ["user", "add", "zoë", "--project", "team", "--role", "reader", "--role", "service", "--role", "reader"];
    service.prints(&two, "p\n");
    assert_eq!(service.logs_in("zoë", "p", "team").await, Ok(vec!["reader", "service"]));
    assert_eq!(ids_hidden(&service.prints(&["user", "list"], "")), LISTED);
    let projects = service.prints(&["project", "list"], "");
    assert_eq!(ids_hidden(&projects), "NAME  ID\nteam  <id>\n");

    assert_eq!(service.prints(&["user", "remove", "zoë"], ""), "");
    assert_eq!(service.logs_in("zoë", "p", "team").await, Err(Kind::Unauthenticated));
}

const LISTED: &str = "\
NAME  ID                                ROLES
ann   <id>  member in team
bob   <id>
zoë   <id>  reader in team, service in team
";

fn ids_hidden(text: &str) -> String {
    let is_id = |word: &str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hide =
        |word: &str| if is_id(word.trim_end()) { word.replace(word.trim_end(), "<id>") } else { word.to_owned() };
    text.split_inclusive(' ').flat_map(|part| part.split_inclusive('\n')).map(hide).collect()
}

#[tokio::test]
async fn what_cannot_be_is_said_clearly() {
    let service = Service::new().await;
    service.prints(&["project", "add", "team"], "");
    service.prints(&["user", "add", "ann", "--project", "team"], "first\n");
    let long = "n".repeat(65);
    for (arguments, input, said) in [
        (&["user", "add", "ann"][..], "p\n", "there is a user \"ann\" already"),
        (&["user", "add", "bob", "--project", "none"], "p\n", "there is no project \"none\""),
        (&["user", "add", "bob"], "", "there is no password on standard input"),
        (&["user", "add", "bob"], "\n", "a password cannot be empty"),
        (&["user", "add", "bob\n"], "p\n", "this cannot be the name of a user: it has control characters in it"),
        (&["user", "add", "bob", "--role", "member"], "p\n", "--project <PROJECT>"),
        (&["user", "add", "bob", "--project", "team", "--role", "boss"], "p\n", "there is no role \"boss\""),
        (&["user", "add", "bob", "secret"], "p\n", "unexpected argument 'secret'"),
        (&["user", "passwd", "bob"], "p\n", "there is no user \"bob\""),
        (&["user", "remove", "bob"], "", "there is no user \"bob\""),
        (&["user", "grant", "bob", "--project", "team", "--role", "reader"], "", "there is no user \"bob\""),
        (
            &["user", "grant", "ann", "--project", "team", "--role", "member"],
            "",
            "has role member in project \"team\" already",
        ),
        (&["user", "revoke", "ann", "--project", "team", "--role", "reader"], "", "was not given role reader"),
        (&["project", "add", "team"], "", "there is a project \"team\" already"),
        (&["project", "add", &long], "", "it has more than 64 characters"),
    ] {
        let output = service.run(arguments, input);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let nowhere = Service { folder: TempDir::new().unwrap(), identity: service.identity };
    let output = nowhere.run(&["user", "list"], "");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("there is no service in"), "{stderr}");
    assert_eq!(std::fs::read_dir(nowhere.folder.path()).unwrap().count(), 0, "nothing was made");
}

#[tokio::test]
async fn passwords_cost_what_they_should() {
    let service = Service::new().await;
    service.prints(&["user", "add", "ann"], "p\n");
    let (_, hash) = glint_hash(&service).await;
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_eq!(BuiltInIdentity::default().password_cost.memory_kib, 19 * 1024);
}

async fn glint_hash(service: &Service) -> (glint::model::account::User, String) {
    let db = glint::db::Db::open_sqlite(&service.folder.path().join("glint.sqlite")).await.unwrap();
    glint::db::identity::user(&db, glint::db::identity::Which::Name("ann")).await.unwrap().unwrap()
}
