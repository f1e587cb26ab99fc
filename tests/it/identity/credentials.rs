//! Application credentials.

use chrono::Duration;
use glint::model::account::Role;
use serde_json::{Value, json};

use super::{
    Service, credential_login, in_project, named, own_credentials, role_names, scoped, with_credential, with_token,
};

#[tokio::test]
async fn application_credentials_are_made_within_what_one_has() {
    let service = Service::new().await;
    let (demo, _) = service.token("demo", None).await;
    let (unscoped, _) = service.token("demo", Some(json!("unscoped"))).await;
    let long = "n".repeat(256);
    for (why, token, wanted, status) in [
        ("the least", &demo, json!({ "name": "least" }), 201),
        ("the same name", &demo, json!({ "name": "least" }), 409),
        (
            "as the openstack command",
            &demo,
            json!({ "name": "cli", "roles": [{ "name": "reader" }], "access_rules": [], "unrestricted": false,
                    "secret": null, "description": null, "expires_at": "2999-01-01T00:00:00" }),
            201,
        ),
        (
            "all said",
            &demo,
            json!({ "name": "all", "secret": "chosen", "description": "d", "unrestricted": true }),
            201,
        ),
        ("no name", &demo, json!({}), 400),
        ("empty name", &demo, json!({ "name": " " }), 400),
        ("long name", &demo, json!({ "name": long }), 400),
        ("name with control characters", &demo, json!({ "name": "a\u{7}" }), 400),
        ("a role one has not", &demo, json!({ "name": "x", "roles": [{ "name": "admin" }] }), 400),
        ("no role", &demo, json!({ "name": "x", "roles": [{ "name": "boss" }] }), 404),
        ("unknown role id", &demo, json!({ "name": "x", "roles": [{ "id": "0".repeat(32) }] }), 404),
        ("roles that are none", &demo, json!({ "name": "x", "roles": ["reader"] }), 400),
        ("a time that is over", &demo, json!({ "name": "x", "expires_at": "2001-01-01T00:00:00" }), 400),
        ("no time", &demo, json!({ "name": "x", "expires_at": "soon" }), 400),
        ("access rules", &demo, json!({ "name": "x", "access_rules": [{ "path": "/v2/images" }] }), 400),
        ("another project", &demo, json!({ "name": "x", "project_id": "other" }), 400),
        ("what there is not", &demo, json!({ "name": "x", "bogus": 1 }), 400),
        ("no project", &unscoped, json!({ "name": "x" }), 400),
    ] {
        let answer = service.credential(token, wanted).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.text());
    }
}

#[tokio::test]
async fn application_credentials_are_less_than_their_user() {
    let service = Service::new().await;
    let (demo, _) = service.token("demo", None).await;
    let made = |wanted: Value| async {
        let answer = service.credential(&demo, wanted).await;
        answer.json()["application_credential"].clone()
    };
    let end = "2999-01-01T00:00:00";
    let restricted = made(json!({ "name": "r", "roles": [{ "name": "reader" }], "expires_at": end })).await;
    let unrestricted = made(json!({ "name": "u", "unrestricted": true, "secret": "chosen" })).await;
    let path = own_credentials(&restricted);

    let (token, said) = service.got(with_credential(&credential_login(&restricted))).await;
    assert_eq!(said["methods"], json!(["application_credential"]));
    assert_eq!(role_names(&said), ["reader"]);
    assert_eq!(said["application_credential"]["restricted"], true);
    assert_eq!(said["project"]["name"], "demo");
    let by_name = json!({ "name": "u", "secret": "chosen", "user": named("demo") });
    let (free, said) = service.got(with_credential(&by_name)).await;
    assert_eq!(said["application_credential"]["restricted"], false);

    for (why, login, status) in [
        ("wrong secret", with_credential(&json!({ "id": restricted["id"], "secret": "no" })), 401),
        ("no secret", with_credential(&json!({ "id": restricted["id"] })), 401),
        ("its own project", scoped(with_credential(&credential_login(&restricted)), Some(in_project("demo"))), 401),
        ("unscoped", scoped(with_credential(&credential_login(&restricted)), Some(json!("unscoped"))), 401),
        ("another token", scoped(with_token(&token), Some(in_project("demo"))), 403),
        ("another token, unscoped", scoped(with_token(&free), Some(json!("unscoped"))), 403),
        (
            "somebody else's name",
            with_credential(&json!({ "name": "u", "secret": "chosen", "user": named("eve") })),
            401,
        ),
    ] {
        let answer = service.log_in(&login).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.text());
    }
    assert_eq!(service.credential(&token, json!({ "name": "more" })).await.status, 403);
    let other = format!("{path}/{}", unrestricted["id"].as_str().unwrap());
    assert_eq!(service.ask(Some(&token), "DELETE", &other).send().await.status, 403);
    assert_eq!(service.get(&token, &path).await.status, 200);
    let more = service.credential(&free, json!({ "name": "more", "roles": [{ "name": "reader" }] })).await;
    assert_eq!(more.status, 201, "an unrestricted one may");
    assert_eq!(service.ask(Some(&free), "DELETE", &other).send().await.status, 204);

    service.identity().grant("demo", "demo", Role::Manager).await.unwrap();
    service.identity().withdraw("demo", "demo", Role::Manager).await.unwrap();
    let (demo, _) = service.token("demo", None).await;
    assert_eq!(service.get(&demo, &path).await.json()["application_credentials"], json!([]), "gone with a role");
}

#[tokio::test]
async fn application_credentials_end() {
    let service = Service::new().await;
    let (demo, _) = service.token("demo", None).await;
    let end = service.test.clock.now() + Duration::hours(2);
    let end = end.format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    let answer = service.credential(&demo, json!({ "name": "c", "expires_at": end })).await;
    let credential = answer.json()["application_credential"].clone();
    assert_eq!(credential["expires_at"], json!(end));
    let login = with_credential(&credential_login(&credential));
    let (token, said) = service.got(login.clone()).await;
    assert_eq!(said["expires_at"], json!(end + "Z"), "a token of it lasts no longer");
    service.test.clock.advance(Duration::hours(2));
    assert!(!service.is_good(&token).await);
    assert_eq!(service.log_in(&login).await.status, 401);
}
