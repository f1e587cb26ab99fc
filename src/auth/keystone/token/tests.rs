use serde_json::{Value, json};

use super::Token;
use crate::model::identity::Identity;

/// A token as Keystone tells it, with `change` over it; null takes a member away.
fn token(change: &Value) -> Vec<u8> {
    let mut token = json!({
        "user": {"id": "u", "name": "user", "domain": {"id": "default", "name": "Default"}, "password_expires_at": null},
        "project": {"id": "p", "name": "project", "domain": {"id": "d", "name": "other"}},
        "roles": [{"id": "1", "name": "Member"}, {"id": "2", "name": "reader"}],
        "expires_at": "2026-03-01T12:00:00.000000Z",
        "issued_at": "2026-03-01T11:00:00.000000Z",
        "is_domain": false,
        "audit_ids": ["a"],
        "methods": ["password"],
    });
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => token.as_object_mut().unwrap().remove(name),
            value => token.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    json!({ "token": token }).to_string().into_bytes()
}

#[test]
fn every_scope_is_understood() {
    let project = Identity {
        user_id: Some("u".into()),
        user_domain_id: Some("default".into()),
        project_id: Some("p".into()),
        project_domain_id: Some("d".into()),
        roles: vec!["Member".into(), "reader".into()],
        ..Identity::default()
    };
    let nowhere = Identity { project_id: None, project_domain_id: None, ..project.clone() };
    let cases = [
        (json!({}), project.clone()),
        (json!({"project": null}), nowhere.clone()),
        (json!({"project": null, "roles": null}), Identity { roles: Vec::new(), ..nowhere.clone() }),
        (
            json!({"project": null, "domain": {"id": "d", "name": "other"}}),
            Identity { domain_id: Some("d".into()), ..nowhere.clone() },
        ),
        (
            json!({"project": null, "system": {"all": true}}),
            Identity { system_scope: Some("all".into()), ..nowhere.clone() },
        ),
        (json!({"project": null, "system": {"all": false}}), nowhere.clone()),
        (json!({"is_admin_project": false}), Identity { outside_admin_project: true, ..project.clone() }),
        (json!({"is_admin_project": true}), project.clone()),
        (json!({"user": {"id": "u"}}), Identity { user_domain_id: None, ..project.clone() }),
        (json!({"application_credential": {"id": "c", "access_rules": null}}), project),
    ];
    for (change, expected) in cases {
        let token = Token::read(&token(&change)).unwrap();
        assert_eq!((&token.bearer, token.access_rules.is_none()), (&expected, true), "{change}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    for change in
        [json!({"user": null}), json!({"expires_at": null}), json!({"expires_at": "soon"}), json!({"roles": 1})]
    {
        assert!(Token::read(&token(&change)).is_err(), "{change}");
    }
    for body in ["", "{}", "null", "<html>", "{\"token\": null}", &"[".repeat(100_000)] {
        assert!(Token::read(body.as_bytes()).is_err(), "{body:.20}");
    }
}

#[test]
fn access_rules_are_heeded() {
    let rules = json!([{"id": "1", "service": "image", "method": "GET", "path": "/v2/images/*"}]);
    let change = json!({"application_credential": {"access_rules": rules}, "catalog": [{"type": "image"}]});
    let token = Token::read(&token(&change)).unwrap();
    let rules = token.access_rules.unwrap();
    let cases = [
        (Some("image"), "GET", "/v2/images/1", true),
        (Some("image"), "GET", "/v2/images", false),
        (Some("image"), "PATCH", "/v2/images/1", false),
        (Some("compute"), "GET", "/v2/images/1", false),
        (None, "GET", "/v2/images/1", false),
    ];
    for (us, method, path, expected) in cases {
        assert_eq!(rules.allow(us, method, path), expected, "{us:?} {method} {path}");
    }
}
