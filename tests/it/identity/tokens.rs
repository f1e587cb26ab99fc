//! Tokens: who may look at them and end them, and what ends them.

use chrono::Duration;
use glint::clock::new_uuid;
use glint::db::identity::Which;
use glint::db::identity::tokens::{self, Ground};
use glint::model::account::Role;
use serde_json::json;

use super::{
    Service, TOKENS, credential_login, in_project, own_credentials, role_names, scoped, with_credential, with_token,
};

#[tokio::test]
async fn a_token_is_looked_at_by_whom_it_concerns() {
    let service = Service::new().await;
    let (demo, _) = service.token("demo", None).await;
    let (unscoped, _) = service.token("demo", Some(json!("unscoped"))).await;
    let (eve, _) = service.token("eve", None).await;
    let (admin, _) = service.token("admin", None).await;
    let (svc, _) = service.token("svc", None).await;
    for (caller, subject, status) in [
        (Some(&*demo), Some(&*demo), 200),
        (Some(&unscoped), Some(&demo), 200),
        (Some(&admin), Some(&demo), 200),
        (Some(&svc), Some(&demo), 200),
        (Some(&eve), Some(&demo), 403),
        (Some(&demo), Some(&admin), 403),
        (Some(&demo), Some("nonsense"), 404),
        (Some(&demo), None, 404),
        (Some("nonsense"), Some(&demo), 401),
        (None, Some(&demo), 401),
    ] {
        for method in ["GET", "HEAD"] {
            let ask = service.ask(caller, method, TOKENS);
            let ask = match subject {
                Some(subject) => ask.header("x-subject-token", subject),
                None => ask,
            };
            let answer = ask.send().await;
            assert_eq!(answer.status, status, "{method}");
            assert_eq!(answer.header("x-subject-token"), subject.filter(|_| status == 200));
        }
    }
    let issued = service.log_in(&service.demo()).await;
    let token = issued.header("x-subject-token").unwrap();
    let looked_at = service.ask(Some(token), "GET", TOKENS).header("x-subject-token", token).send().await;
    assert_eq!(looked_at.json(), issued.json(), "it says the same as when it was made");
}

#[tokio::test]
async fn a_token_makes_others_that_last_no_longer() {
    let service = Service::new().await;
    let (first, said) = service.token("eve", None).await;
    service.test.clock.advance(Duration::hours(1));
    let (second, second_said) = service.got(scoped(with_token(&first), Some(in_project("other")))).await;
    let (third, third_said) = service.got(scoped(with_token(&second), Some(json!("unscoped")))).await;
    for other in [&second_said, &third_said] {
        assert_eq!(other["expires_at"], said["expires_at"]);
        assert_eq!(other["methods"], json!(["password", "token"]));
        assert_eq!(other["audit_ids"][1], said["audit_ids"][0], "the chain begins with the first");
        assert_ne!(other["issued_at"], said["issued_at"]);
    }
    assert_eq!(role_names(&second_said), ["member", "reader"]);

    // The first one of a chain takes all of it along.
    let (aside, _) = service.token("eve", None).await;
    let end = |token: String| service.ask(Some(&aside), "DELETE", TOKENS).header("x-subject-token", &token).send();
    assert_eq!(end(second.clone()).await.status, 204);
    assert!(service.is_good(&first).await && !service.is_good(&second).await && service.is_good(&third).await);
    assert_eq!(end(first.clone()).await.status, 204);
    assert!(!service.is_good(&first).await && !service.is_good(&third).await && service.is_good(&aside).await);
    assert_eq!(end(first).await.status, 404);
    assert_eq!(end(aside.clone()).await.status, 204, "itself");
    assert!(!service.is_good(&aside).await);
}

#[tokio::test]
async fn a_token_is_ended_by_whom_it_concerns() {
    let service = Service::new().await;
    let (demo, _) = service.token("demo", None).await;
    for (caller, status) in [("eve", 403), ("svc", 403), ("admin", 204)] {
        let (caller, _) = service.token(caller, None).await;
        let answer = service.ask(Some(&caller), "DELETE", TOKENS).header("x-subject-token", &demo).send().await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    assert!(!service.is_good(&demo).await);
}

#[tokio::test]
async fn a_token_ends_with_what_it_rests_on() {
    let service = Service::new().await;
    let identity = service.identity();
    let (demo, _) = service.token("demo", None).await;
    let (in_demo, _) = service.token("eve", Some(in_project("demo"))).await;
    let (in_other, _) = service.token("eve", Some(in_project("other"))).await;

    identity.withdraw("eve", "demo", Role::Reader).await.unwrap();
    assert!(!service.is_good(&in_demo).await && service.is_good(&in_other).await);
    identity.grant("eve", "demo", Role::Reader).await.unwrap();
    assert!(!service.is_good(&in_demo).await, "it does not come back");

    identity.grant("eve", "other", Role::Manager).await.unwrap();
    let said = service.ask(Some(&in_other), "GET", TOKENS).header("x-subject-token", &in_other).send().await;
    assert_eq!(role_names(&said.json()["token"]), ["manager", "member", "reader"], "a new role counts at once");

    identity.set_password("eve", &"eve's".into()).await.unwrap();
    assert!(!service.is_good(&in_other).await);
    let (again, _) = service.token("eve", None).await;
    identity.remove_user("eve").await.unwrap();
    assert!(!service.is_good(&again).await);

    let credential = service.credential(&demo, json!({ "name": "c" })).await.json()["application_credential"].clone();
    let (by_credential, _) = service.got(with_credential(&credential_login(&credential))).await;
    assert!(service.is_good(&by_credential).await);
    let path = own_credentials(&credential) + "/" + credential["id"].as_str().unwrap();
    assert_eq!(service.ask(Some(&demo), "DELETE", &path).send().await.status, 204);
    assert!(!service.is_good(&by_credential).await);

    assert!(service.is_good(&demo).await, "nothing of that was demo's password");
    service.test.clock.advance(Duration::hours(12) - Duration::seconds(60));
    assert!(service.is_good(&demo).await);
    service.test.clock.advance(Duration::seconds(60));
    assert!(!service.is_good(&demo).await, "a token lasts for half a day");
}

#[tokio::test]
async fn tokens_that_have_ended_are_removed() {
    let service = Service::new().await;
    for _ in 0..3 {
        service.token("demo", None).await;
    }
    service.test.clock.advance(Duration::hours(6));
    let (kept, _) = service.token("demo", None).await;
    assert_eq!(service.identity().purge_tokens().await.unwrap(), 0);
    service.test.clock.advance(Duration::hours(6));
    assert_eq!(service.identity().purge_tokens().await.unwrap(), 3);
    assert_eq!(service.identity().purge_tokens().await.unwrap(), 0);
    assert!(service.is_good(&kept).await);
}

#[tokio::test]
async fn a_token_is_written_only_while_its_grounds_hold() {
    let service = Service::new().await;
    let db = &service.test.app.db;
    let (first, _) = service.token("demo", None).await;
    let said = service.identity().token(&first).await.unwrap().unwrap();
    let (_, hash) = glint::db::identity::user(db, Which::Name("demo")).await.unwrap().unwrap();
    let gone = || "gone".to_owned();
    for (grounds, holds) in [
        (vec![Ground::Password(hash.clone())], true),
        (vec![Ground::Password(gone())], false),
        (vec![Ground::Token(gone())], false),
        (vec![Ground::Credential(gone())], false),
        (vec![Ground::Password(hash), Ground::Token(gone())], false),
    ] {
        let written = tokens::add(db, &new_uuid().to_string(), &said, &grounds, 100).await.unwrap();
        assert_eq!(written, holds);
    }
}

#[tokio::test]
async fn a_user_has_so_many_tokens_and_no_more() {
    let service = Service::new().await;
    let db = &service.test.app.db;
    let (first, _) = service.token("demo", None).await;
    let (eves, _) = service.token("eve", None).await;
    let mut said = service.identity().token(&first).await.unwrap().unwrap();
    let mut hashes = Vec::new();
    for at in 1..=5 {
        said.issued_at += Duration::microseconds(1);
        hashes.push(format!("hash {at}"));
        assert!(tokens::add(db, &hashes[at - 1], &said, &[], 3).await.unwrap());
        assert_eq!(service.is_good(&first).await, at < 3, "the oldest makes room");
    }
    let now = service.test.clock.now();
    for (hash, there) in hashes.iter().zip([false, false, true, true, true]) {
        assert_eq!(tokens::find(db, hash, now).await.unwrap().is_some(), there, "{hash}");
    }
    assert!(service.is_good(&eves).await, "others are not concerned");
}
