//! A Keystone that is away, slow or out of its mind: requests with tokens that are known go on, others are told so.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use super::{Service, time};
use crate::harness::wire::Reply;

const AWAY: &str = "The server is currently unavailable. Please try again at a later time.|\
                    The Keystone service is temporarily unavailable.";

/// What goes wrong: (what, the answer).
fn faults() -> Vec<(&'static str, Reply)> {
    let answer = |status, body: &str| Reply::Answer(status, String::new(), body.as_bytes().to_vec());
    let redirect = "Location: http://127.0.0.1:9/v3/auth/tokens\r\n";
    vec![
        ("500", answer(500, "oops")),
        ("403", answer(403, "{}")),
        ("429", answer(429, "{}")),
        ("503", answer(503, "<html>")),
        ("redirect", Reply::Answer(302, redirect.into(), Vec::new())),
        ("nothing", answer(200, "")),
        ("HTML", answer(200, "<html>hello</html>")),
        ("no token", answer(200, "{\"token\": {}}")),
        ("deep", answer(200, &"[".repeat(100_000))),
        ("endless", Reply::Raw([b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 5 << 20]].concat())),
        ("cut off", Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec())),
        ("no HTTP", Reply::Raw(b"220 smtp.test ESMTP\r\n".to_vec())),
        ("hang-up", Reply::HangUp),
        ("silence", Reply::Silence),
    ]
}

#[tokio::test]
async fn whatever_is_wrong_is_503_and_nothing_is_forgotten() {
    let cases =
        [false, true].into_iter().flat_map(|of_logins| faults().into_iter().map(move |fault| (of_logins, fault)));
    join_all(cases.map(|(of_logins, (what, reply))| check_fault(of_logins, what, reply))).await;
}

async fn check_fault(of_logins: bool, what: &str, reply: Reply) {
    let service = match reply {
        Reply::Silence => impatient().await,
        _ => Service::new().await,
    };
    if !of_logins {
        assert_eq!(service.list("member").await.status, 200);
    }
    service.fails(of_logins, reply);
    let answer = service.list("admin").await;
    assert_eq!((answer.status, answer.message().as_str()), (503, AWAY), "{what} {of_logins}");
    assert_eq!(answer.header("www-authenticate"), None);
    if !of_logins {
        assert_eq!(service.list("member").await.status, 200, "known already: {what}");
    }
    service.heals();
    tokio::time::sleep(Duration::from_millis(1010)).await;
    assert_eq!(service.list("admin").await.status, 200, "well again: {what} {of_logins}");
}

/// Nobody listens: it is tried again as often as configured, then everybody is told at once.
#[tokio::test]
async fn nobody_listens() {
    let service = Service::with(|options| {
        options.access.auth_url = "http://127.0.0.1:9".into();
        options.access.connect_retries = 1;
    })
    .await;
    let began = Instant::now();
    assert_eq!(service.list("member").await.message(), AWAY);
    assert!(began.elapsed() >= Duration::from_millis(500), "tried again after a pause");
    let began = Instant::now();
    let tokens: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let answers = join_all(tokens.iter().map(|token| service.list(token))).await;
    assert!(answers.iter().all(|answer| answer.status == 503));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

/// A service that waits for Keystone a second.
async fn impatient() -> Service {
    Service::with(|options| options.access.timeout = Some(Duration::from_secs(1))).await
}

/// A silent Keystone holds up as many requests as there are turns, for the time of one answer, and no more.
#[tokio::test]
async fn silence_does_not_pile_up() {
    let service = impatient().await;
    assert_eq!(service.list("member").await.status, 200);
    service.fails(false, Reply::Silence);
    let tokens: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    let began = Instant::now();
    let answers = join_all(tokens.iter().map(|token| service.list(token))).await;
    assert!(answers.iter().all(|answer| answer.status == 503));
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let (_, most_open) = service.wire.open();
    assert!(most_open <= 32, "{most_open}");
}

#[tokio::test]
async fn our_own_token_is_renewed() {
    let service = Service::new().await;
    service.script.lock().unwrap().own_ends = Some(service.now() + TimeDelta::seconds(600));
    assert_eq!(service.list("member").await.status, 200);
    service.script.lock().unwrap().own_revoked = true;
    assert_eq!(service.list("admin").await.status, 200, "revoked, and made anew");
    assert_eq!(service.asked(), (3, 2));
    service.test.clock.advance(TimeDelta::seconds(450));
    assert_eq!(service.list("unknown").await.status, 401);
    assert_eq!(service.asked(), (4, 2), "still good");
    service.script.lock().unwrap().own_ends = None;
    service.test.clock.advance(TimeDelta::seconds(30));
    assert_eq!(service.list("unknown-2").await.status, 401);
    assert_eq!(service.asked(), (5, 3), "renewed before its end");

    service.fails(false, Reply::Answer(401, String::new(), Vec::new()));
    assert_eq!(service.list("unknown-3").await.message(), AWAY, "refused for ever");
    assert_eq!(service.asked(), (7, 4), "tried twice");
}

/// What we log in with: (interface and region, whether that is in the catalogue).
#[tokio::test]
async fn the_endpoint_is_looked_up() {
    for (interface, region, status) in
        [("internal", None, 200), ("internal", Some("one"), 200), ("internal", Some("two"), 503), ("admin", None, 503)]
    {
        let service = Service::with(|options| {
            options.access.interfaces = vec![interface.into()];
            options.access.region_name = region.map(Into::into);
        })
        .await;
        assert_eq!(service.list("member").await.status, status, "{interface} {region:?}");
    }
    let service = Service::new().await;
    service.knows("ended", &json!({"expires_at": time(service.now() - TimeDelta::seconds(1))}));
    assert_eq!(service.list("ended").await.status, 401, "even if Keystone gives it");
    let login: serde_json::Value = serde_json::from_slice(&service.wire.seen()[0].body).unwrap();
    let user = json!({"name": "glance", "domain": {"id": "default"}, "password": "the-service-password"});
    let expected = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"project": {"id": "service"}},
    }});
    assert_eq!(login, expected);
    assert_eq!(service.wire.seen()[1].path, "/v3/auth/tokens?nocatalog");
}
