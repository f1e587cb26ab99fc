//! A real Keystone, with real tokens of every kind: whom we take their bearers for, beside whom Keystone's own
//! `auth_token` takes them for.

pub mod limited;
mod stopped;

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::TimeDelta;
use glint::auth::keystone::{Keystone, Shown};
use glint::clock::Clock;
use glint::config::keystone as config;
use glint::model::identity::Identity;
use serde_json::{Map, Value, json};

use crate::raw::{Raw, RawAnswer};
use crate::venv;

/// How long a token of the Keystone with short ones is good, in seconds.
const SHORT_S: u64 = 2;
/// How long Keystone may take for an answer; it is Python, and the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// A Python program that serves HTTP until it is dropped.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(script: &str, arguments: &[&str]) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real/keystone").join(script);
        let mut child = Command::new(venv::reference().unwrap().join("bin/python"))
            .arg(&script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let address = url.trim().strip_prefix("http://").expect("it says where it listens").to_owned();
        Self { child, address }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> RawAnswer {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut raw = Raw::over(stream);
        let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        let body = body.map_or_else(String::new, Value::to_string);
        let length = body.len();
        raw.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        ))
        .unwrap();
        raw.answer().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Keystone, its accounts, and somebody who may change them.
struct Accounts<'a> {
    keystone: &'a Served,
    admin: String,
}

impl<'a> Accounts<'a> {
    fn open(keystone: &'a Served) -> Self {
        let admin = log_in(keystone, &user("admin"), Some(&project("admin"))).unwrap();
        Self { keystone, admin }
    }

    /// One change as the administrator.
    fn change(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.keystone.ask(method, path, &[("X-Auth-Token", &self.admin)], body);
        let text = String::from_utf8_lossy(&answer.body);
        assert!(answer.status < 300, "{method} {path}: {} {text}", answer.status);
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A project; its id.
    fn add_project(&self, name: &str) -> String {
        id(&self.change("POST", "/v3/projects", Some(&json!({"project": {"name": name}})))["project"])
    }

    /// A user, whose password is the name; the id.
    fn add_user(&self, name: &str) -> String {
        id(&self.change("POST", "/v3/users", Some(&json!({"user": {"name": name, "password": name}})))["user"])
    }

    /// The id of a role that `bootstrap` makes.
    fn role(&self, name: &str) -> String {
        id(&self.change("GET", &format!("/v3/roles?name={name}"), None)["roles"][0])
    }

    fn grant(&self, place: &str, user: &str, roles: &[&str]) {
        for role in roles {
            self.change("PUT", &format!("/v3/{place}/users/{user}/roles/{}", self.role(role)), None);
        }
    }
}

fn id(of: &Value) -> String {
    of["id"].as_str().unwrap().to_owned()
}

fn user(name: &str) -> Value {
    let password = json!({"user": {"name": name, "password": name, "domain": {"id": "default"}}});
    json!({"methods": ["password"], "password": password})
}

fn project(name: &str) -> Value {
    json!({"project": {"name": name, "domain": {"id": "default"}}})
}

fn log_in(keystone: &Served, identity: &Value, scope: Option<&Value>) -> Option<String> {
    let mut auth = json!({"identity": identity});
    if let Some(scope) = scope {
        auth["scope"] = scope.clone();
    }
    let answer = keystone.ask("POST", "/v3/auth/tokens", &[], Some(&json!({ "auth": auth })));
    answer.header("x-subject-token").map(str::to_owned)
}

/// What both say of the sender of a request.
struct Both {
    ours: Keystone,
    theirs: Served,
    asked: usize,
}

impl Both {
    /// Both must take the sender of these tokens for the same caller; none if it is nobody.
    async fn agree(&mut self, what: &str, token: &str, service_token: Option<&str>, method: &str, path: &str) -> Value {
        let shown = Shown { token: Some(token), service_token, method, path };
        let ours = self.ours.identify(&shown).await.unwrap();
        let mut ours = ours.map_or(Value::Null, |identity| as_policy_values(&identity));
        let mut headers = vec![("X-Auth-Token", token)];
        headers.extend(service_token.map(|token| ("X-Service-Token", token)));
        let answer = self.theirs.ask(method, path, &headers, None);
        let theirs: Value = serde_json::from_slice(&answer.body).unwrap();
        if ours["system_scope"] == "all" && ours["service_user_id"] != Value::Null {
            // compat: what the service's token is for takes the place of what the user's is for.
            ours["system_scope"] = Value::Null;
        }
        assert_eq!(ours, theirs, "{what}");
        self.asked += 1;
        ours
    }

    async fn agree_on_list(&mut self, what: &str, token: &str, service_token: Option<&str>) -> Value {
        self.agree(what, token, service_token, "GET", "/v2/images").await
    }
}

/// An identity in the names of oslo.context.
fn as_policy_values(identity: &Identity) -> Value {
    let values = [
        ("user_id", json!(identity.user_id)),
        ("user_domain_id", json!(identity.user_domain_id)),
        ("system_scope", json!(identity.system_scope)),
        ("domain_id", json!(identity.domain_id)),
        ("project_id", json!(identity.project_id)),
        ("project_domain_id", json!(identity.project_domain_id)),
        ("roles", json!(identity.roles)),
        ("is_admin_project", json!(!identity.outside_admin_project)),
        ("service_user_id", json!(identity.service_user_id)),
        ("service_user_domain_id", json!(identity.service_user_domain_id)),
        ("service_project_id", json!(identity.service_project_id)),
        ("service_project_domain_id", json!(identity.service_project_domain_id)),
        ("service_roles", json!(identity.service_roles)),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "how many were compared is worth reading")]
async fn auth_token_and_we_agree() {
    if venv::reference().is_none() {
        println!("SKIPPED: Keystone is not installed (tests/run does that, where PyPI can be reached)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keystone = start_keystone(folder, 3600);
    let brief = start_keystone(folder, SHORT_S);
    let accounts = Accounts::open(&keystone);
    let people = People::make(&accounts);
    let clock = Clock::default();
    let ours = Keystone::open(options(&keystone, as_glance()), clock.clone()).unwrap();
    let url = keystone.url();
    let theirs = Served::start("auth_token.py", &[&url, "glance", "glance", "service", "image", "true"]);
    let mut both = Both { ours, theirs, asked: 0 };

    let ended = Ended::make(&brief);
    let services = [
        ("no service", None),
        ("a service", log_in(&keystone, &user("nova"), Some(&project("service")))),
        ("a user for a service", log_in(&keystone, &user("demo"), Some(&project("demo")))),
        ("nonsense for a service", Some("nonsense".to_owned())),
        ("a service that has ended", Some(ended.service)),
    ];
    for (what, token, is_somebody) in people.tokens(&keystone) {
        for (which, service_token) in &services {
            let taken_for = both.agree_on_list(&format!("{what}, {which}"), &token, service_token.as_deref()).await;
            assert_eq!(taken_for != Value::Null, is_somebody, "{what}, {which}");
            let by_service = is_somebody && *which == "a service";
            assert_eq!(taken_for["service_roles"] == json!(["service"]), by_service, "{what}, {which}");
        }
    }
    for (which, service_token) in &services {
        let taken_for = both.agree_on_list(which, &ended.user, service_token.as_deref()).await;
        assert_eq!(taken_for != Value::Null, *which == "a service", "a token that has ended, {which}");
    }
    access_rules(&accounts, &people, &mut both, services[1].1.as_deref()).await;
    revocation(&keystone, &both, &clock).await;
    println!("{} callers, taken by both for the same", both.asked);

    let ours = Keystone::open(options(&keystone, people.credential_of_glance(&keystone)), clock).unwrap();
    let token = log_in(&keystone, &user("demo"), Some(&project("demo"))).unwrap();
    let identity = ours.identify(&list(&token)).await.unwrap().expect("with an application credential of our own");
    assert_eq!(identity.project_id.as_deref(), Some(people.project.as_str()));
}

/// Who has an account.
struct People {
    demo: String,
    glance: String,
    project: String,
}

impl People {
    fn make(accounts: &Accounts) -> Self {
        let (project, service) = (accounts.add_project("demo"), accounts.add_project("service"));
        let [demo, glance, nova] = ["demo", "glance", "nova"].map(|name| accounts.add_user(name));
        let admin = id(&accounts.change("GET", "/v3/users?name=admin", None)["users"][0]);
        accounts.change("POST", "/v3/roles", Some(&json!({"role": {"name": "Operator"}})));
        accounts.grant(&format!("projects/{project}"), &demo, &["member", "reader", "Operator"]);
        accounts.grant(&format!("projects/{service}"), &glance, &["admin", "service"]);
        accounts.grant(&format!("projects/{service}"), &nova, &["service"]);
        accounts.grant("domains/default", &admin, &["admin", "reader"]);
        accounts.change("PUT", &format!("/v3/system/users/{admin}/roles/{}", accounts.role("admin")), None);
        let image = json!({"service": {"name": "glance", "type": "image"}});
        let image = id(&accounts.change("POST", "/v3/services", Some(&image))["service"]);
        let endpoint = json!({"interface": "public", "region_id": "RegionOne", "url": "http://t", "service_id": image});
        accounts.change("POST", "/v3/endpoints", Some(&json!({ "endpoint": endpoint })));
        Self { demo, glance, project }
    }

    /// Tokens of every kind: (what it is, the token, whether it is one).
    fn tokens(&self, keystone: &Served) -> Vec<(&'static str, String, bool)> {
        let whole_system = json!({"system": {"all": true}});
        let domain = json!({"domain": {"id": "default"}});
        let credential = Self::application_credential(keystone, "demo", &self.demo, &json!({"name": "plain"}));
        let methods = json!({"methods": ["application_credential"], "application_credential": credential});
        let made = [
            ("a member", log_in(keystone, &user("demo"), Some(&project("demo")))),
            ("an administrator", log_in(keystone, &user("admin"), Some(&project("admin")))),
            ("for the system", log_in(keystone, &user("admin"), Some(&whole_system))),
            ("for a domain", log_in(keystone, &user("admin"), Some(&domain))),
            ("for nothing", log_in(keystone, &user("demo"), None)),
            ("of an application credential", log_in(keystone, &methods, None)),
        ];
        let made = made.into_iter().map(|(what, token)| (what, token.unwrap_or_else(|| panic!("{what}")), true));
        let foreign =
            "gAAAAABrCBp7f9uQ5E2vtTFYsHj182U2v-oue1D1M9ps5UOGGl_aTEijSKd2bJ9BX_ESg3wdM4EXgs4GifHGeJR74_azckY5";
        let none = [("nonsense", "nonsense"), ("of another Keystone", foreign), ("of one letter", "x")];
        made.chain(none.map(|(what, token)| (what, token.to_owned(), false))).collect()
    }

    /// A new application credential of `name`, as one logs in with it.
    fn application_credential(keystone: &Served, name: &str, id: &str, wanted: &Value) -> Value {
        let place = if name == "glance" { "service" } else { name };
        let token = log_in(keystone, &user(name), Some(&project(place))).unwrap();
        let path = format!("/v3/users/{id}/application_credentials");
        let body = json!({ "application_credential": wanted });
        let answer = keystone.ask("POST", &path, &[("X-Auth-Token", &token)], Some(&body));
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        let made: Value = serde_json::from_slice(&answer.body).unwrap();
        let made = &made["application_credential"];
        json!({"id": made["id"], "secret": made["secret"]})
    }

    /// How we log in with an application credential.
    fn credential_of_glance(&self, keystone: &Served) -> config::Login {
        let made = Self::application_credential(keystone, "glance", &self.glance, &json!({"name": "ours"}));
        let secret = made["secret"].as_str().unwrap().into();
        config::Login::ApplicationCredential { credential: config::Credential::Id(id(&made)), secret }
    }
}

/// Tokens that have ended.
struct Ended {
    user: String,
    service: String,
}

impl Ended {
    fn make(brief: &Served) -> Self {
        let user_token = log_in(brief, &user("demo"), Some(&project("demo"))).unwrap();
        let service = log_in(brief, &user("nova"), Some(&project("service"))).unwrap();
        std::thread::sleep(Duration::from_secs(SHORT_S + 1));
        Self { user: user_token, service }
    }
}

fn as_glance() -> config::Login {
    let domain = config::Domain::Id("default".into());
    config::Login::Password {
        user: config::Named::Name { name: "glance".into(), domain: domain.clone() },
        password: "glance".into(),
        scope: config::Scope::Project(config::Named::Name { name: "service".into(), domain }),
    }
}

fn options(keystone: &Served, login: config::Login) -> config::Keystone {
    let mut options = config::Keystone::by(config::Access::to(keystone.url(), login));
    options.access.timeout = Some(PATIENCE);
    options.service_type = Some("image".into());
    options
}

fn list(token: &str) -> Shown<'_> {
    Shown { token: Some(token), service_token: None, method: "GET", path: "/v2/images" }
}

async fn access_rules(accounts: &Accounts<'_>, people: &People, both: &mut Both, service: Option<&str>) {
    let rule = |method: &str, path: &str| json!({"service": "image", "method": method, "path": path});
    let rules = [rule("GET", "/v2/images"), rule("GET", "/v2/images/*/file"), rule("PUT", "/v2/images/{id}/tags/**")];
    let wanted = json!({"name": "restricted", "access_rules": rules});
    let keystone = accounts.keystone;
    let credential = People::application_credential(keystone, "demo", &people.demo, &wanted);
    let methods = json!({"methods": ["application_credential"], "application_credential": credential});
    let token = log_in(keystone, &methods, None).unwrap();
    let cases = [
        ("GET", "/v2/images", true),
        ("POST", "/v2/images", false),
        ("GET", "/v2/images/1", false),
        ("GET", "/v2/images/1/file", true),
        ("GET", "/v2/images/1/2/file", false),
        ("PUT", "/v2/images/1/tags/a", true),
        ("PUT", "/v2/images/1/tags", false),
        ("GET", "/v2/schemas/image", false),
    ];
    for (method, path, allowed) in cases {
        for (by, service_token) in [("a user", None), ("a service", service)] {
            let what = format!("{method} {path} by {by}");
            let taken_for = both.agree(&what, &token, service_token, method, path).await;
            assert_eq!(taken_for != Value::Null, allowed || service_token.is_some(), "{what}");
        }
    }
}

/// A token that was revoked counts no longer than an answer is believed.
async fn revocation(keystone: &Served, both: &Both, clock: &Clock) {
    let token = log_in(keystone, &user("demo"), Some(&project("demo"))).unwrap();
    assert!(both.ours.identify(&list(&token)).await.unwrap().is_some());
    let headers = [("X-Auth-Token", token.as_str()), ("X-Subject-Token", token.as_str())];
    assert_eq!(keystone.ask("DELETE", "/v3/auth/tokens", &headers, None).status, 204);
    clock.advance(TimeDelta::seconds(301));
    assert_eq!(both.ours.identify(&list(&token)).await.unwrap(), None);
}

fn start_keystone(folder: &Path, token_life_s: u64) -> Served {
    Served::start("serve.py", &[folder.to_str().unwrap(), &token_life_s.to_string()])
}
