//! Discovery and logging in.

use chrono::Duration;
use serde_json::{Value, json};

use super::{
    Service, TOKENS, in_project, message, named, role_names, scoped, with_credential, with_password, with_token,
};
use crate::harness::app::Answer;

#[tokio::test]
async fn discovery() {
    let service = Service::new().await;
    for (method, path, status) in [
        ("GET", "/identity", 300),
        ("GET", "/identity/", 300),
        ("GET", "/identity/v3", 200),
        ("GET", "/identity/v3/", 200),
        ("HEAD", "/identity/v3", 200),
        ("OPTIONS", "/identity/v3", 200),
        ("POST", "/identity/v3", 405),
        ("TRACE", TOKENS, 405),
        ("PATCH", TOKENS, 405),
        ("POST", "/identity/v3/users", 405),
        ("GET", "/identity/v2.0", 404),
        ("GET", "/identity/v3/nothing", 404),
        ("GET", "/identity/v3//auth/tokens", 404),
        ("GET", "/identity/v3/users//projects", 404),
        ("GET", "/identity/%ff", 400),
        // Not below /identity.
        ("GET", "/identityX", 300),
    ] {
        let answer = service.ask(None, method, path).send().await;
        assert_eq!(answer.status, status, "{method} {path}");
        let allow = answer.header("allow");
        assert_eq!(allow.is_some(), status == 405 || method == "OPTIONS", "{method} {path}: {allow:?}");
        if status == 404 || status == 405 {
            message(&answer);
        }
        if path == TOKENS {
            assert_eq!(allow, Some("POST, GET, DELETE, HEAD, OPTIONS"));
        }
    }
    let link = |answer: &Answer| answer.json()["version"]["links"][0]["href"].as_str().unwrap().to_owned();
    let as_asked = service.ask(None, "GET", "/identity/v3").header("host", "glint.example:81").send().await;
    assert_eq!(link(&as_asked), "http://glint.example:81/identity/v3/");
    let configured = Service::with(|config| config.api.public_endpoint = Some("https://images.example/".into())).await;
    let answer = configured.ask(None, "GET", "/identity/v3").send().await;
    assert_eq!(link(&answer), "https://images.example/identity/v3/");
}

#[tokio::test]
async fn logins_that_are_good() {
    let service = Service::new().await;
    let (_, demo) = service.token("demo", None).await;
    let (user_id, project_id) = (&demo["user"]["id"], &demo["project"]["id"]);
    let by_domain_name = json!({ "name": "demo", "domain": { "name": "Default" } });
    let password = &service.demo_password;
    for (login, scope, project) in [
        (service.demo(), None, Some("demo")),
        (service.demo(), Some(in_project("demo")), Some("demo")),
        (service.demo(), Some(json!({ "project": { "id": project_id } })), Some("demo")),
        (service.demo(), Some(json!("unscoped")), None),
        (service.demo(), Some(json!({ "unscoped": {} })), None),
        (with_password(&json!({ "id": user_id }), password), None, Some("demo")),
        (with_password(&by_domain_name, password), Some(in_project("demo")), Some("demo")),
        (with_password(&named("eve"), "eve's"), None, Some("demo")),
        (with_password(&named("eve"), "eve's"), Some(in_project("other")), Some("other")),
        (with_password(&named("loner"), "loner's"), None, None),
    ] {
        let said = format!("{login} {scope:?}");
        let (token, shown) = service.got(scoped(login, scope)).await;
        assert_eq!(shown["project"]["name"].as_str(), project, "{said}");
        assert_eq!(shown.get("catalog").is_some(), project.is_some(), "{said}");
        assert_eq!(shown["methods"], json!(["password"]));
        assert!(service.is_good(&token).await);
    }
    for (user, roles) in [
        ("admin", &["admin", "manager", "member", "reader"][..]),
        ("demo", &["member", "reader"]),
        ("eve", &["reader"]),
        ("svc", &["service"]),
    ] {
        assert_eq!(role_names(&service.token(user, None).await.1), roles, "{user}");
    }
    let without = service.ask(None, "POST", &format!("{TOKENS}?nocatalog")).json(&service.demo()).send().await;
    assert!(without.json()["token"].get("catalog").is_none());
}

#[tokio::test]
async fn logins_that_are_refused() {
    let service = Service::new().await;
    let password = service.demo_password.as_str();
    let demo = || service.demo();
    let methods = |methods: Value| json!({ "auth": { "identity": { "methods": methods } } });
    let two = |token: &str| {
        let mut login = service.demo();
        login["auth"]["identity"]["methods"] = json!(["token", "password"]);
        login["auth"]["identity"]["token"] = json!({ "id": token });
        login
    };
    let (eves, _) = service.token("eve", None).await;
    for (why, login, status) in [
        ("wrong password", with_password(&named("demo"), "nope"), 401),
        ("empty password", with_password(&named("demo"), ""), 401),
        ("no such user", with_password(&named("nobody"), password), 401),
        ("name in another case", with_password(&named("Demo"), password), 401),
        ("id that is a name", with_password(&json!({ "id": "demo" }), password), 401),
        ("other domain", with_password(&json!({ "name": "demo", "domain": { "id": "other" } }), password), 401),
        (
            "name of a domain as id",
            with_password(&json!({ "name": "demo", "domain": { "id": "Default" } }), password),
            401,
        ),
        ("no domain", with_password(&json!({ "name": "demo" }), password), 400),
        ("empty domain", with_password(&json!({ "name": "demo", "domain": {} }), password), 400),
        ("no user", json!({ "auth": { "identity": { "methods": ["password"], "password": {} } } }), 400),
        ("nothing of a user", with_password(&json!({}), password), 400),
        (
            "a password that is no text",
            json!({ "auth": { "identity": { "methods": ["password"], "password": { "user":
            { "name": "demo", "domain": { "id": "default" }, "password": 5 } } } } }),
            400,
        ),
        ("no methods", methods(json!([])), 401),
        ("methods that are no list", methods(json!("password")), 400),
        ("methods that are no texts", methods(json!([1])), 400),
        ("a method without its data", methods(json!(["password"])), 400),
        ("an unknown method", json!({ "auth": { "identity": { "methods": ["totp"], "totp": {} } } }), 401),
        ("no identity", json!({ "auth": {} }), 400),
        ("no auth", json!({}), 400),
        ("a list", json!([]), 400),
        ("unknown project", scoped(demo(), Some(in_project("nope"))), 401),
        ("project without a role", scoped(demo(), Some(in_project("other"))), 401),
        (
            "project in another domain",
            scoped(demo(), Some(json!({ "project": { "name": "demo", "domain": { "id": "x" } } }))),
            401,
        ),
        ("project without a domain", scoped(demo(), Some(json!({ "project": { "name": "demo" } }))), 400),
        ("nothing of a project", scoped(demo(), Some(json!({ "project": {} }))), 400),
        ("system", scoped(demo(), Some(json!({ "system": { "all": true } }))), 401),
        ("domain", scoped(demo(), Some(json!({ "domain": { "id": "default" } }))), 401),
        ("trust", scoped(demo(), Some(json!({ "OS-TRUST:trust": { "id": "x" } }))), 401),
        ("two scopes", scoped(demo(), Some(json!({ "project": {}, "domain": {} }))), 400),
        ("empty scope", scoped(demo(), Some(json!({}))), 400),
        ("scope that is a text", scoped(demo(), Some(json!("project"))), 400),
        ("no token", with_token(""), 404),
        ("unknown token", with_token(&"A".repeat(43)), 404),
        ("token of another user", two(&eves), 401),
        ("unknown application credential", with_credential(&json!({ "id": "x", "secret": "y" })), 401),
        ("application credential of nobody", with_credential(&json!({ "name": "x", "secret": "y" })), 400),
        ("nothing of an application credential", with_credential(&json!({})), 400),
    ] {
        let answer = service.log_in(&login).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.text());
        assert!(!message(&answer).contains(password), "{why}");
        let realm = (status == 401).then_some("Keystone uri=\"http://images.test/identity/v3\"");
        assert_eq!(answer.header("www-authenticate"), realm, "{why}");
        assert_eq!(answer.header("x-subject-token"), None, "{why}");
    }
}

#[tokio::test]
async fn bodies_are_bounded_and_json() {
    let service = Service::new().await;
    let login = service.demo().to_string();
    for (content_type, body, status) in [
        (Some("application/json"), login.clone(), 201),
        (Some("application/json; charset=utf-8"), login.clone(), 201),
        (None, login.clone(), 201),
        (Some("text/plain"), login.clone(), 400),
        (Some("application/json"), String::new(), 400),
        (Some("application/json"), "{".into(), 400),
        (Some("application/json"), "\"text\"".into(), 400),
        (Some("application/json"), "[".repeat(90_000), 400),
        (Some("application/json"), format!("{login}{}", " ".repeat(114_688 - login.len())), 201),
        (Some("application/json"), format!("{login}{}", " ".repeat(114_689 - login.len())), 413),
    ] {
        let ask = service.ask(None, "POST", TOKENS).body(body);
        let ask = match content_type {
            Some(content_type) => ask.header("content-type", content_type),
            None => ask,
        };
        let answer = ask.send().await;
        assert_eq!(answer.status, status, "{content_type:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let service = Service::new().await;
    let wrong = with_password(&named("demo"), "guess");
    for _ in 0..11 {
        assert_eq!(service.log_in(&wrong).await.status, 401);
    }
    assert_eq!(service.log_in(&service.demo()).await.status, 401, "not even looked at");
    assert_eq!(service.log_in(&with_password(&named("eve"), "eve's")).await.status, 201, "others are not concerned");
    service.test.clock.advance(Duration::seconds(1));
    assert_eq!(service.log_in(&service.demo()).await.status, 201);
    assert_eq!(service.log_in(&wrong).await.status, 401);
    assert_eq!(service.log_in(&service.demo()).await.status, 201, "forgotten");
}

#[tokio::test]
async fn users_change_their_passwords() {
    let service = Service::new().await;
    let (token, said) = service.token("demo", None).await;
    let path = format!("/identity/v3/users/{}/password", said["user"]["id"].as_str().unwrap());
    let change = |path: &str, original: Value, new: Value| {
        let body = json!({ "user": { "original_password": original, "password": new } });
        service.ask(None, "POST", path).json(&body).send()
    };
    let right = json!(service.demo_password);
    for (why, answer, status) in [
        ("wrong password", change(&path, json!("wrong"), json!("new")).await, 401),
        ("unknown user", change("/identity/v3/users/nobody/password", right.clone(), json!("new")).await, 401),
        ("empty password", change(&path, right.clone(), json!("")).await, 400),
        ("no text", change(&path, right.clone(), json!(null)).await, 400),
        ("nothing", service.ask(None, "POST", &path).send().await, 400),
    ] {
        assert_eq!(answer.status, status, "{why}: {}", answer.text());
        assert!(service.is_good(&token).await, "{why}");
    }
    assert_eq!(change(&path, right, json!("new")).await.status, 204);
    assert!(!service.is_good(&token).await, "all tokens end");
    assert_eq!(service.log_in(&service.demo()).await.status, 401);
    assert_eq!(service.log_in(&with_password(&named("demo"), "new")).await.status, 201);
}
