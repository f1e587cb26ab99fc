//! The built-in identity over HTTP: a service with its own users, and what its callers send.

mod credentials;
mod forged;
mod logins;
mod shapes;
mod sight;
mod tokens;

use std::sync::Arc;

use glint::auth::Authority;
use glint::auth::standalone::Standalone;
use glint::config::{BuiltInIdentity, PasswordCost};
use glint::model::account::Role;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::harness::app::{Answer, Ask, TestApp};
use crate::harness::callers::ANONYMOUS;

const TOKENS: &str = "/identity/v3/auth/tokens";

/// A service with its own users: admin, demo (member of demo), eve (reader of demo, member of other), svc (service).
struct Service {
    test: TestApp,
    demo_password: String,
    admin_password: String,
}

impl Service {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut glint::config::Config)) -> Self {
        let mut test = TestApp::with(change).await;
        let options =
            BuiltInIdentity { password_cost: PasswordCost { memory_kib: 8, passes: 1 }, ..BuiltInIdentity::default() };
        let identity = Standalone::new(test.app.db.clone(), test.clock.clone(), options).unwrap();
        let first = identity.first_accounts().await.unwrap().unwrap();
        identity.make_first_accounts(&first).await.unwrap();
        for project in ["other", "service"] {
            identity.add_project(project).await.unwrap();
        }
        let eve = [("demo".to_owned(), Role::Reader), ("other".to_owned(), Role::Member)];
        identity.add_user("eve", &"eve's".into(), &eve).await.unwrap();
        identity.add_user("svc", &"svc's".into(), &[("service".to_owned(), Role::Service)]).await.unwrap();
        identity.add_user("loner", &"loner's".into(), &[]).await.unwrap();
        Arc::get_mut(&mut test.app).unwrap().authority = Authority::Standalone(Box::new(identity));
        Self {
            test,
            demo_password: first.demo.password.expose_secret().to_owned(),
            admin_password: first.admin.password.expose_secret().to_owned(),
        }
    }

    fn identity(&self) -> &Standalone {
        self.test.app.authority.built_in().unwrap()
    }

    fn ask(&self, token: Option<&str>, method: &str, path: &str) -> Ask {
        let ask = self.test.request(ANONYMOUS, method, path);
        match token {
            Some(token) => ask.header("x-auth-token", token),
            None => ask,
        }
    }

    async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(Some(token), "GET", path).send().await
    }

    async fn log_in(&self, body: &Value) -> Answer {
        self.ask(None, "POST", TOKENS).json(body).send().await
    }

    fn demo(&self) -> Value {
        with_password(&named("demo"), &self.demo_password)
    }

    /// A token of `user`, and what it says.
    async fn token(&self, user: &str, scope: Option<Value>) -> (String, Value) {
        let password = match user {
            "demo" => self.demo_password.clone(),
            "admin" => self.admin_password.clone(),
            other => format!("{other}'s"),
        };
        self.got(scoped(with_password(&named(user), &password), scope)).await
    }

    async fn got(&self, login: Value) -> (String, Value) {
        let answer = self.log_in(&login).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        (answer.header("x-subject-token").unwrap().to_owned(), answer.json()["token"].clone())
    }

    /// A new application credential of demo, as `wanted`; its answer.
    async fn credential(&self, token: &str, wanted: Value) -> Answer {
        let user_id = self.get(token, "/identity/v3/users?name=demo").await.json()["users"][0]["id"].clone();
        let path = format!("/identity/v3/users/{}/application_credentials", user_id.as_str().unwrap());
        let body = json!({ "application_credential": wanted });
        self.ask(Some(token), "POST", &path).json(&body).send().await
    }

    async fn is_good(&self, token: &str) -> bool {
        let identity = self.get(token, "/identity/v3/auth/projects").await.status != 401;
        let image = self.get(token, "/v2/images").await.status != 401;
        assert_eq!(identity, image, "both APIs agree");
        image
    }
}

fn named(user: &str) -> Value {
    json!({ "name": user, "domain": { "id": "default" } })
}

fn with_password(user: &Value, password: &str) -> Value {
    let mut user = user.clone();
    user["password"] = json!(password);
    json!({ "auth": { "identity": { "methods": ["password"], "password": { "user": user } } } })
}

fn with_token(token: &str) -> Value {
    json!({ "auth": { "identity": { "methods": ["token"], "token": { "id": token } } } })
}

fn with_credential(fields: &Value) -> Value {
    let identity = json!({ "methods": ["application_credential"], "application_credential": fields });
    json!({ "auth": { "identity": identity } })
}

fn scoped(mut login: Value, scope: Option<Value>) -> Value {
    if let Some(scope) = scope {
        login["auth"]["scope"] = scope;
    }
    login
}

fn in_project(name: &str) -> Value {
    json!({ "project": { "name": name, "domain": { "id": "default" } } })
}

fn role_names(token: &Value) -> Vec<&str> {
    token["roles"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect()
}

fn message(answer: &Answer) -> String {
    let body = answer.json();
    assert_eq!(body["error"]["code"], answer.status);
    body["error"]["message"].as_str().unwrap().to_owned()
}

fn credential_login(credential: &Value) -> Value {
    json!({ "id": credential["id"], "secret": credential["secret"] })
}

fn own_credentials(credential: &Value) -> String {
    format!("/identity/v3/users/{}/application_credentials", credential["user_id"].as_str().unwrap())
}
