//! Who claims to be somebody without a token is nobody, and a token gives what is its own, whatever stands beside it.

use serde_json::{Value, json};

use super::{Service, in_project};
use crate::harness::app::{Ask, PATCH_TYPE};

/// What a proxy in front would say of an administrator, in the spellings that have fooled services before.
const CLAIMS: [(&str, &str); 22] = [
    ("x-identity-status", "Confirmed"),
    ("X-Identity-Status", "Confirmed"),
    ("x_identity_status", "Confirmed"),
    ("x-user-id", "admin"),
    ("x-user", "admin"),
    ("x-user-name", "admin"),
    ("x-project-id", "victim"),
    ("x-tenant-id", "victim"),
    ("x-tenant", "victim"),
    ("x-roles", "admin"),
    ("X_ROLES", "admin"),
    ("x-role", "admin"),
    ("x-is-admin-project", "true"),
    ("x-service-roles", "service,admin"),
    ("x-service-identity-status", "Confirmed"),
    ("x-service-user-id", "glance"),
    ("x-service-project-id", "service"),
    ("openstack-system-scope", "all"),
    ("x-domain-id", "default"),
    ("x-user-domain-id", "default"),
    ("x-project-domain-id", "default"),
    ("x-service-catalog", "[]"),
];

fn claiming(ask: Ask) -> Ask {
    CLAIMS.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
}

#[tokio::test]
async fn claims_without_a_token_are_nothing() {
    let service = Service::new().await;
    let cases = [
        ("GET", "/v2/images"),
        ("POST", "/v2/images"),
        ("GET", "/v2/images/x"),
        ("DELETE", "/v2/images/x"),
        ("GET", "/v2/info/stores/detail"),
        ("GET", "/v2/cache"),
        ("GET", "/v2/tasks"),
        ("GET", "/identity/v3/users"),
        ("GET", "/identity/v3/auth/projects"),
    ];
    for (method, path) in cases {
        let bare = service.ask(None, method, path).send().await;
        for token in [None, Some(""), Some("x"), Some("admin:victim:admin"), Some("ADMIN")] {
            let answer = claiming(service.ask(token, method, path)).send().await;
            assert_eq!((answer.status, answer.text()), (401, bare.text()), "{method} {path} {token:?}");
        }
    }
}

#[tokio::test]
async fn claims_beside_a_token_change_nothing() {
    let service = Service::new().await;
    let (token, said) = service.token("demo", Some(in_project("demo"))).await;
    let project = &said["project"]["id"];
    let created = claiming(service.ask(Some(&token), "POST", "/v2/images")).json(&json!({})).send().await;
    assert_eq!((created.status, &created.json()["owner"]), (201, project));
    let path = created.json()["self"].as_str().unwrap().to_owned();
    for (method, path) in [("GET", "/v2/info/stores/detail"), ("GET", "/v2/cache")] {
        assert_eq!(claiming(service.ask(Some(&token), method, path)).send().await.status, 403, "{method} {path}");
    }
    let public = json!({"visibility": "public"});
    let answer = claiming(service.ask(Some(&token), "POST", "/v2/images")).json(&public).send().await;
    assert_eq!(answer.status, 403);

    // Nor does anybody give an image away, or take one (T03, T04).
    let given =
        claiming(service.ask(Some(&token), "POST", "/v2/images")).json(&json!({"owner": "victim"})).send().await;
    assert_eq!(given.status, 403);
    for operation in [
        json!({"op": "replace", "path": "/owner", "value": "victim"}),
        json!({"op": "add", "path": "/owner", "value": "victim"}),
        json!({"op": "replace", "path": "/owner", "value": Value::Null}),
        json!({"op": "remove", "path": "/owner"}),
        json!({"op": "replace", "path": "/visibility", "value": "public"}),
    ] {
        let ask = claiming(service.ask(Some(&token), "PATCH", &path)).header("content-type", PATCH_TYPE);
        assert_eq!(ask.body(json!([operation]).to_string()).send().await.status, 403, "{operation}");
    }
    assert_eq!(&service.get(&token, &path).await.json()["owner"], project);
    let (eve, _) = service.token("eve", Some(in_project("other"))).await;
    for (method, path, body) in [
        ("GET", path.clone(), ""),
        ("DELETE", path.clone(), ""),
        ("GET", format!("{path}/members"), ""),
        ("POST", format!("{path}/members"), r#"{"member": "x"}"#),
        ("PUT", format!("{path}/tags/x"), ""),
    ] {
        let ask = claiming(service.ask(Some(&eve), method, &path)).header("x-project-id", project.as_str().unwrap());
        assert_eq!(ask.body(body).send().await.status, 404, "{method} {path}");
    }
}
