//! Callers with tokens of a Keystone. It is a few lines at the other end of the wire, so that it can fail as a real one
//! does now and then; `tests/real` has a real one.

mod faults;
mod memory;
mod process;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use glint::auth::Authority;
use glint::auth::keystone::{Keystone, Shown};
use glint::config::Callers;
use glint::config::keystone as config;
use glint::model::identity::Identity;
use serde_json::{Value, json};

use crate::harness::app::{Answer, Ask, TestApp};
use crate::harness::callers::ANONYMOUS;
use crate::harness::wire::{Asked, Reply, Wire};

/// How long a Keystone that does answer may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service whose tokens are Keystone's, and that Keystone.
struct Service {
    test: TestApp,
    wire: Wire,
    script: Arc<Mutex<Script>>,
}

/// What the Keystone knows, and how it behaves.
#[derive(Default)]
struct Script {
    tokens: HashMap<String, Value>,
    /// How many times we logged in: our own token is `own-<n>`.
    logins: u32,
    /// Whether our own token counts for nothing.
    own_revoked: bool,
    own_ends: Option<DateTime<Utc>>,
    fault: Option<Fault>,
    ours: Value,
}

/// What a login, or the question for a token, is answered instead.
#[derive(Clone)]
struct Fault {
    of_logins: bool,
    reply: Reply,
}

impl Service {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut config::Keystone)) -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let wire = Wire::start({
            let script = Arc::clone(&script);
            move |asked| script.lock().unwrap().answer(asked)
        })
        .await;
        let url = format!("http://{}", wire.address);
        let login = config::Login::Password {
            user: config::Named::Name { name: "glance".into(), domain: config::Domain::Id("default".into()) },
            password: "the-service-password".into(),
            scope: config::Scope::Project(config::Named::Id("service".into())),
        };
        let mut options = config::Keystone::by(config::Access::to(url.clone(), login));
        options.www_authenticate_uri = Some("http://keystone.test/identity".into());
        options.access.timeout = Some(PATIENCE);
        options.access.connect_retries = 0;
        change(&mut options);
        let test = TestApp::with(|config| config.callers = Callers::Keystone(Box::new(options))).await;
        let service = Self { test, wire, script };
        service.script.lock().unwrap().ours = json!({"type": "identity", "endpoints": [
            {"interface": "public", "region": "one", "url": "http://127.0.0.1:9"},
            {"interface": "internal", "region": "one", "url": url},
        ]});
        for (token, project, roles) in [("member", "p1", "member,reader"), ("admin", "adm", "Admin,member,reader")] {
            service.knows(token, &with_project(project, roles));
        }
        service
    }

    /// Makes the Keystone know `token`, which says `change` over what every token says.
    fn knows(&self, token: &str, change: &Value) {
        let mut body = json!({
            "user": {"id": format!("user-{token}"), "name": token, "domain": {"id": "default", "name": "Default"}},
            "expires_at": time(self.now() + TimeDelta::hours(1)),
            "issued_at": time(self.now()),
            "methods": ["password"],
        });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.script.lock().unwrap().tokens.insert(token.to_owned(), body);
    }

    fn now(&self) -> DateTime<Utc> {
        self.test.clock.now()
    }

    fn forgets(&self, token: &str) {
        self.script.lock().unwrap().tokens.remove(token);
    }

    fn fails(&self, of_logins: bool, reply: Reply) {
        self.script.lock().unwrap().fault = Some(Fault { of_logins, reply });
    }

    fn heals(&self) {
        self.script.lock().unwrap().fault = None;
    }

    /// A request with `token`.
    fn ask(&self, token: &str, method: &str, path: &str) -> Ask {
        self.test.request(ANONYMOUS, method, path).header("x-auth-token", token)
    }

    async fn list(&self, token: &str) -> Answer {
        self.ask(token, "GET", "/v2/images").send().await
    }

    /// Whom the service takes the sender of `token` and `service_token` for.
    async fn bearer(&self, token: &str, service_token: Option<&str>) -> Option<Identity> {
        let shown = Shown { token: Some(token), service_token, method: "GET", path: "/v2/images" };
        self.keystone().identify(&shown).await.unwrap()
    }

    fn keystone(&self) -> &Keystone {
        let Authority::Keystone(keystone) = &self.test.app.authority else { panic!("it has been configured") };
        keystone
    }

    /// How often the Keystone was asked about a token, and how often we logged in.
    fn asked(&self) -> (usize, usize) {
        let seen = self.wire.seen();
        let questions = seen.iter().filter(|asked| asked.method == "GET").count();
        (questions, seen.len() - questions)
    }
}

impl Script {
    fn answer(&mut self, asked: &Asked) -> Reply {
        let login = asked.method == "POST";
        if let Some(fault) = self.fault.clone().filter(|fault| fault.of_logins == login) {
            return fault.reply;
        }
        let path = asked.path.split('?').next().unwrap();
        assert_eq!(path, "/v3/auth/tokens");
        if login {
            self.logins += 1;
            self.own_revoked = false;
            let ends = self.own_ends.unwrap_or(DateTime::UNIX_EPOCH + TimeDelta::days(100_000));
            let token = json!({"user": {"id": "glance"}, "expires_at": time(ends), "catalog": [self.ours]});
            let header = format!("X-Subject-Token: own-{}\r\n", self.logins);
            return Reply::Answer(201, header, json!({ "token": token }).to_string().into_bytes());
        }
        if self.own_revoked || asked.header("x-auth-token") != Some(&format!("own-{}", self.logins)) {
            return Reply::Answer(401, String::new(), Vec::new());
        }
        match self.tokens.get(asked.header("x-subject-token").unwrap()) {
            Some(token) => Reply::Answer(200, String::new(), json!({ "token": token }).to_string().into_bytes()),
            None => Reply::Answer(404, String::new(), b"{\"error\": {\"code\": 404}}".to_vec()),
        }
    }
}

fn with_project(project: &str, roles: &str) -> Value {
    let roles: Vec<Value> = roles.split(',').map(|role| json!({"id": role, "name": role})).collect();
    json!({"project": {"id": project, "name": project, "domain": {"id": "default", "name": "Default"}}, "roles": roles})
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
