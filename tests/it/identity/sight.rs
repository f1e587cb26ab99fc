//! Who may see whom, and what nobody may see.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use glint::api::identity::ROUTES;
use serde_json::json;

use super::{Service, credential_login, named, with_credential, with_password, with_token};
use crate::harness::app::Answer;
use crate::harness::database::{Engine, engine};
use crate::harness::golden;

#[tokio::test]
async fn users_see_themselves_and_their_projects() {
    let service = Service::new().await;
    let (eve, said) = service.token("eve", None).await;
    let eve_id = said["user"]["id"].as_str().unwrap();
    let (admin, said) = service.token("admin", None).await;
    let admin_id = said["user"]["id"].as_str().unwrap();
    let names = |answer: &Answer, of: &str| -> Vec<String> {
        let list = answer.json()[of].as_array().cloned().unwrap_or_default();
        list.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    for (token, path, of, expected) in [
        (&eve, "auth/projects", "projects", Some(&["demo", "other"][..])),
        (&eve, "projects", "projects", Some(&["demo", "other"])),
        (&eve, "projects?name=other", "projects", Some(&["other"])),
        (&eve, "projects?name=other&domain_id=None&enabled=True", "projects", Some(&["other"])),
        (&eve, "projects?name=admin", "projects", None),
        (&eve, "projects?name=nope", "projects", None),
        (&eve, &format!("users/{eve_id}/projects"), "projects", Some(&["demo", "other"])),
        (&eve, &format!("users/{admin_id}/projects"), "projects", None),
        (&eve, "users", "users", Some(&["eve"])),
        (&eve, "users?name=eve", "users", Some(&["eve"])),
        (&eve, "users?name=admin", "users", None),
        (&eve, "roles?name=member&domain_id=None", "roles", Some(&["member"])),
        (&eve, "domains", "domains", None),
        (&eve, "services?type=image", "services", Some(&["glance"])),
        (&admin, "auth/projects", "projects", Some(&["admin"])),
        (&admin, "projects", "projects", Some(&["admin", "demo", "other", "service"])),
        (&admin, "projects?enabled=false", "projects", Some(&[])),
        (&admin, "projects?name=nope", "projects", Some(&[])),
        (&admin, "users?domain_id=None", "users", Some(&["admin", "demo", "eve", "loner", "svc"])),
        (&admin, "users?domain_id=other", "users", Some(&[])),
        (&admin, &format!("users/{eve_id}/projects"), "projects", Some(&["demo", "other"])),
        (&admin, "domains?name=Default", "domains", Some(&["Default"])),
    ] {
        let answer = service.get(token, &format!("/identity/v3/{path}")).await;
        match expected {
            Some(expected) => assert_eq!((answer.status, names(&answer, of)), (200, owned(expected)), "{path}"),
            None => assert_eq!(answer.status, 403, "{path}"),
        }
    }
    for (query, roles) in [
        ("", 5),
        (&*format!("?user.id={eve_id}"), 2),
        (&format!("?user.id={eve_id}&effective"), 3),
        (&format!("?user.id={eve_id}&effective=None&include_names=None&scope.project.id=None"), 2),
        ("?scope.system=all", 0),
        ("?user.id=nobody", 0),
    ] {
        let answer = service.get(&admin, &format!("/identity/v3/role_assignments{query}")).await;
        assert_eq!(answer.json()["role_assignments"].as_array().unwrap().len(), roles, "{query}");
    }
}

#[tokio::test]
async fn route_by_caller() {
    let service = Service::new().await;
    let (demo, said) = service.token("demo", None).await;
    let user_id = said["user"]["id"].as_str().unwrap().to_owned();
    let project_id = said["project"]["id"].as_str().unwrap().to_owned();
    let credential = service.credential(&demo, json!({ "name": "c" })).await.json()["application_credential"].clone();
    let (restricted, _) = service.got(with_credential(&credential_login(&credential))).await;
    let (unscoped, _) = service.token("demo", Some(json!("unscoped"))).await;
    let mut callers = vec![("nobody", None), ("demo", Some(demo)), ("unscoped", Some(unscoped))];
    callers.push(("restricted", Some(restricted)));
    for other in ["eve", "svc", "admin"] {
        callers.push((other, Some(service.token(other, None).await.0)));
    }
    let mut table = String::from(
        "The status that each caller gets for what is demo's. A DELETE is of what is not there; a POST is empty.\n\n",
    );
    write!(table, "{:<68}", "").unwrap();
    for (name, _) in &callers {
        write!(table, "{name:>11}").unwrap();
    }
    for route in ROUTES {
        for endpoint in route.methods {
            let method = endpoint.method.as_str();
            write!(table, "\n{:<68}", format!("{method:<7}{}", route.path)).unwrap();
            let thing = match route.path {
                path if path.starts_with("/v3/users") => user_id.as_str(),
                path if path.starts_with("/v3/projects") => project_id.as_str(),
                path if path.starts_with("/v3/domains") => "default",
                path if path.starts_with("/v3/regions") => "RegionOne",
                _ => "nope",
            };
            let second = if method == "DELETE" { "nope" } else { credential["id"].as_str().unwrap() };
            let path = route.path.replacen("{}", thing, 1).replacen("{}", second, 1);
            for (name, token) in &callers {
                let ask = service.ask(token.as_deref(), method, &format!("/identity{path}"));
                let subject = if method == "DELETE" { "nope" } else { token.as_deref().unwrap_or("nope") };
                let status = ask.header("x-subject-token", subject).send().await.status;
                let is_open = token.is_none() && status != 401;
                assert_eq!(endpoint.is_open() && token.is_none(), is_open, "{name} {method} {path}");
                write!(table, "{status:>11}").unwrap();
            }
        }
    }
    table.push('\n');
    golden::matches("identity-by-caller.txt", &table);
}

#[tokio::test]
async fn nothing_secret_is_kept() {
    if engine() != Engine::Sqlite {
        // It is the file that is looked into.
        return;
    }
    let service = Service::new().await;
    let (demo, _) = service.token("demo", None).await;
    let answer = service.credential(&demo, json!({ "name": "c" })).await;
    let secret = answer.json()["application_credential"]["secret"].as_str().unwrap().to_owned();
    for name in ["glint.sqlite", "glint.sqlite-wal"] {
        let file = service.test.folder().join(name);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        let bytes = std::fs::read(file).unwrap();
        for secret in [&demo, &secret, &service.demo_password, &service.admin_password, "eve's"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{name} holds a secret");
        }
    }
    let login = format!("{:?}", glint::auth::standalone::Proof::Token(demo.clone().into()));
    assert!(!login.contains(&demo), "{login}");
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    // With just one subscriber in the process, whether anybody wants an event is asked of the thread that meets it first, which may be
    // that of a test that has none.
    let another = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    let service = Service::new().await;
    let (demo, _) = service.token("demo", None).await;
    let answer = service.credential(&demo, json!({ "name": "c", "secret": "chosen secret" })).await.json();
    service.got(with_credential(&credential_login(&answer["application_credential"]))).await;
    for login in [
        with_password(&named("demo"), "a wrong guess"),
        with_password(&named("a password for a name"), "a wrong guess"),
        with_token("a token that is none"),
        json!({ "auth": "a wrong guess" }),
    ] {
        assert!(service.log_in(&login).await.status >= 400);
    }
    drop((guard, another));
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("login refused"), "{log}");
    let passwords = [&*service.demo_password, &*service.admin_password, "eve's", "a wrong guess"];
    for secret in [&*demo, "chosen secret", "a password for a name", "a token that is none"].iter().chain(&passwords) {
        assert!(!log.contains(secret), "the log holds {secret:?}");
    }
}

/// Where the log of a test goes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
