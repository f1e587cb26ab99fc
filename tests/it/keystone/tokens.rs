//! Which tokens count, and for whom and what.

use chrono::TimeDelta;
use glint::model::identity::Identity;
use serde_json::json;

use super::{Service, time, with_project};
use crate::harness::callers::ANONYMOUS;

/// (name and value of headers, status of a request that everybody with a token may make)
#[tokio::test]
async fn where_a_token_may_stand() {
    let service = Service::new().await;
    service.knows("other", &with_project("p2", "member"));
    let forged = [
        ("x-identity-status", "Confirmed"),
        ("x-user-id", "user-admin"),
        ("x-project-id", "adm"),
        ("x-tenant-id", "adm"),
        ("x-roles", "admin"),
        ("X-Role", "admin"),
        ("x-is-admin-project", "True"),
        ("x-service-identity-status", "Confirmed"),
        ("x-service-roles", "service"),
        ("openstack-system-scope", "all"),
    ];
    let cases: &[(&[(&str, &str)], u16)] = &[
        (&[("x-auth-token", "member")], 200),
        (&[("x-auth-token", " member ")], 200),
        (&[("x-storage-token", "member")], 200),
        (&[("x-auth-token", "unknown"), ("x-storage-token", "member")], 401),
        (&[("x-auth-token", ""), ("x-storage-token", "member")], 401),
        (&[("x-auth-token", "unknown")], 401),
        (&[("x-auth-token", "é")], 401),
        (&[("x-service-token", "member")], 401),
        (&[("authorization", "Bearer member")], 401),
        (&[], 401),
        (&forged, 401),
    ];
    for (headers, status) in cases {
        let ask = service.test.request(ANONYMOUS, "GET", "/v2/images");
        let answer = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await;
        assert_eq!(answer.status, *status, "{headers:?}");
        let uri = (*status == 401).then_some("Keystone uri=\"http://keystone.test/identity\"");
        assert_eq!(answer.header("www-authenticate"), uri, "{headers:?}");
    }

    let ask = service.ask("member", "POST", "/v2/images").json(&json!({}));
    let image = forged.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await;
    assert_eq!((image.status, image.json()["owner"].as_str()), (201, Some("p1")), "forged headers change nothing");
    let ask = service.ask("member", "GET", "/v2/info/stores/detail");
    let answer = forged.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await;
    assert_eq!(answer.status, 403);
    let theirs = format!("/v2/images/{}", image.json()["id"].as_str().unwrap());
    for (token, status) in [("member", 200), ("other", 404), ("admin", 200)] {
        assert_eq!(service.ask(token, "GET", &theirs).send().await.status, status, "{token}");
    }
}

#[tokio::test]
async fn scopes_and_roles() {
    let service = Service::new().await;
    let roles = json!([{"name": "admin"}, {"name": "reader"}]);
    service.knows("system", &json!({"system": {"all": true}, "roles": roles}));
    service.knows("domain", &json!({"domain": {"id": "d"}, "roles": roles}));
    service.knows("nothing", &json!({}));
    service.knows("comma", &with_project("p1", "reader"));
    service.script.lock().unwrap().tokens.get_mut("comma").unwrap()["roles"] = json!([{"name": "reader,admin"}]);
    // (token, list, create): neither a system nor a domain gives a right to images, as in the reference.
    let cases =
        [("member", 200, 201), ("admin", 200, 201), ("system", 403, 403), ("domain", 403, 403), ("nothing", 403, 403)];
    for (token, list, create) in cases {
        assert_eq!(service.list(token).await.status, list, "{token}");
        let answer = service.ask(token, "POST", "/v2/images").json(&json!({})).send().await;
        assert_eq!(answer.status, create, "{token}");
    }
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        service.bearer("system", None).await.unwrap(),
        Identity {
            user_id: text("user-system"),
            user_domain_id: text("default"),
            system_scope: text("all"),
            roles: vec!["admin".into(), "reader".into()],
            ..Identity::default()
        }
    );
    assert_eq!(service.list("comma").await.status, 403, "a role is one name, whatever is in it");
    assert_eq!(service.list(&"x".repeat(8 << 10)).await.status, 401, "asked for");
    let before = service.asked();
    assert_eq!(service.list(&"x".repeat((8 << 10) + 1)).await.status, 401, "not even asked for");
    assert_eq!(service.asked(), before);
}

/// Tokens of services: (service token, whether it makes a service, whether a user's token may have ended).
#[tokio::test]
async fn services_pass_requests_on() {
    for (required, cases) in [
        (
            true,
            [("nova", true, true), ("member", false, false), ("ended-nova", false, false), ("unknown", false, false)],
        ),
        (
            false,
            [("nova", true, true), ("member", true, false), ("ended-nova", false, false), ("unknown", false, false)],
        ),
    ] {
        let service = Service::with(|options| options.service_token_roles_required = required).await;
        service.knows("nova", &with_project("service", "service,reader"));
        let past = json!({"expires_at": time(service.now() - TimeDelta::minutes(1))});
        let ended = |mut token: serde_json::Value| {
            token["expires_at"] = past["expires_at"].clone();
            token
        };
        service.knows("ended-nova", &ended(with_project("service", "service")));
        service.knows("ended-member", &ended(with_project("p1", "member,reader")));
        for (token, is_service, may_have_ended) in cases {
            let bearer = service.bearer("member", Some(token)).await.unwrap();
            assert_eq!(bearer.project_id.as_deref(), Some("p1"), "{token}");
            assert_eq!(bearer.service_user_id.is_some(), is_service, "{token} {required}");
            assert_eq!(bearer.service_roles.is_empty(), !is_service, "{token} {required}");
            let bearer = service.bearer("ended-member", Some(token)).await;
            assert_eq!(bearer.is_some(), may_have_ended, "{token} {required}");
        }
        assert_eq!(service.bearer("ended-member", None).await, None, "also after a service was believed");
        let question = service.wire.seen().into_iter().find(|asked| asked.path.contains("allow_expired=1")).unwrap();
        assert_eq!(question.header("x-subject-token"), Some("member"), "asked for when a service passes it on");
    }
}

#[tokio::test]
async fn access_rules_bind() {
    let rules = json!([{"service": "image", "method": "GET", "path": "/v2/images/*/file"},
        {"service": "image", "method": "GET", "path": "/v2/images"}]);
    for (service_type, of_lists) in [(Some("image"), 200), (Some("volume"), 401), (None, 401)] {
        let service = Service::with(|options| options.service_type = service_type.map(Into::into)).await;
        let mut restricted = with_project("p1", "member,reader");
        restricted["application_credential"] = json!({"id": "c", "access_rules": rules});
        restricted["catalog"] = json!([{"type": "image", "endpoints": []}]);
        service.knows("restricted", &restricted);
        service.knows("nova", &with_project("service", "service"));
        assert_eq!(service.list("restricted").await.status, of_lists, "{service_type:?}");
        assert_eq!(service.ask("restricted", "GET", "/v2.9/images").send().await.status, of_lists, "any version");
        for (method, path) in [("POST", "/v2/images"), ("GET", "/v2/schemas/image"), ("GET", "/v2/images/x")] {
            assert_eq!(service.ask("restricted", method, path).send().await.status, 401, "{method} {path}");
        }
        for (service_token, status) in [("nova", of_lists), ("member", 401), ("unknown", 401)] {
            let ask = service.ask("restricted", "GET", "/v2/schemas/image").header("x-service-token", service_token);
            assert_eq!(ask.send().await.status, status, "{service_token}");
        }
        assert!(
            service
                .wire
                .seen()
                .iter()
                .all(|asked| { asked.method != "GET" || asked.header("openstack-identity-access-rules") == Some("1") })
        );
    }
}

/// Where nobody needs a token, those with a bad one are nobody.
#[tokio::test]
async fn anonymous_access() {
    let mut service = Service::new().await;
    std::sync::Arc::get_mut(&mut service.test.app).unwrap().config.api.allow_anonymous_access = true;
    let public = json!({"visibility": "public", "name": "for all"});
    let created = service.ask("admin", "POST", "/v2/images").json(&public).send().await;
    assert_eq!(created.status, 201);
    let path = format!("/v2/images/{}", created.json()["id"].as_str().unwrap());
    // The default policy lets nobody read without a role: an operator who wants that changes it.
    for token in ["", "unknown"] {
        for (method, path, status) in [("GET", "/v2/images", 403), ("GET", &path, 404), ("DELETE", &path, 403)] {
            let answer = service.ask(token, method, path).send().await;
            assert_eq!(answer.status, status, "{token} {method}: {}", answer.text());
        }
    }
}
