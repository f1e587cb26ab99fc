//! What is remembered of Keystone's answers, and for how long.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use super::{Service, time, with_project};
use crate::harness::wire::Reply;

#[tokio::test]
async fn answers_are_believed_for_a_while() {
    let service = Service::new().await;
    for _ in 0..5 {
        assert_eq!(service.list("member").await.status, 200);
    }
    assert_eq!(service.asked(), (1, 1), "asked once, and logged in once");
    service.forgets("member");
    service.test.clock.advance(TimeDelta::seconds(299));
    assert_eq!(service.list("member").await.status, 200, "a revocation is seen within the time, not before");
    service.test.clock.advance(TimeDelta::seconds(1));
    assert_eq!(service.list("member").await.status, 401);
    assert_eq!(service.asked(), (2, 1));

    for _ in 0..5 {
        assert_eq!(service.list("member").await.status, 401);
    }
    assert_eq!(service.asked(), (2, 1), "that it is none is remembered, too");
    service.knows("member", &with_project("p1", "member,reader"));
    service.test.clock.advance(TimeDelta::seconds(10));
    assert_eq!(service.list("member").await.status, 200, "but not for long");
}

/// Where changes have Keystone asked anew, a token that is revoked changes nothing, and is none from then on. A Keystone that
/// is away leaves it at what is known.
#[tokio::test]
async fn changes_ask_anew_if_the_operator_likes() {
    let service = Service::with(|options| options.revalidate_tokens = true).await;
    let create = async || service.ask("member", "POST", "/v2/images").json(&json!({})).send().await.status;
    assert_eq!((create().await, create().await), (201, 201));
    assert_eq!(service.list("member").await.status, 200);
    assert_eq!(service.asked(), (2, 1), "for each change, and for nothing else");
    service.fails(false, Reply::HangUp);
    assert_eq!(create().await, 201, "Keystone is away");
    service.heals();
    service.test.clock.advance(TimeDelta::seconds(5));
    service.forgets("member");
    assert_eq!(service.list("member").await.status, 200, "nothing changes");
    assert_eq!(create().await, 401);
    assert_eq!(service.list("member").await.status, 401);
}

#[tokio::test]
async fn no_answer_outlives_its_token() {
    let service = Service::new().await;
    service.knows("short", &json!({"expires_at": time(service.now() + TimeDelta::seconds(60))}));
    assert!(service.bearer("short", None).await.is_some());
    service.test.clock.advance(TimeDelta::seconds(61));
    assert_eq!(service.bearer("short", None).await, None);
    assert_eq!(service.asked().0, 1);
}

/// (time to believe, questions for three requests)
#[tokio::test]
async fn the_time_is_the_operators() {
    for (time, questions) in [(None, 3), (Some(0), 3), (Some(1), 1), (Some(300), 1)] {
        let service = Service::with(|options| options.token_cache_time = time.map(Duration::from_secs)).await;
        for _ in 0..3 {
            assert_eq!(service.list("member").await.status, 200);
        }
        assert_eq!(service.asked().0, questions, "{time:?}");
    }
}

/// However many wait for it, a question is asked once; who goes away takes nothing from the others.
#[tokio::test]
async fn one_question_at_a_time() {
    let service = Service::new().await;
    assert_eq!(service.list("admin").await.status, 200);
    let late = json!({"token": service.script.lock().unwrap().tokens["member"]}).to_string();
    service.fails(false, Reply::Late(Duration::from_millis(150), 200, String::new(), late.into()));
    let first = tokio::time::timeout(Duration::from_millis(50), service.list("member"));
    let others = join_all((0..50).map(|_| service.list("member")));
    let (first, others) = tokio::join!(first, others);
    assert!(first.is_err(), "the first has hung up");
    assert!(others.iter().all(|answer| answer.status == 200));
    assert_eq!(service.asked(), (2, 1));

    assert!(tokio::time::timeout(Duration::from_millis(50), service.list("gone")).await.is_err());
    service.heals();
    assert_eq!(service.list("gone").await.status, 401, "nobody waits for an answer that everybody left");
}

/// Guesses are asked for a few at a time, and drive nobody out of the memory.
#[tokio::test]
async fn guesses_are_bounded() {
    let service = Service::new().await;
    assert_eq!(service.list("member").await.status, 200);
    service.fails(false, Reply::Late(Duration::from_millis(100), 404, String::new(), Vec::new()));
    let guesses: Vec<String> = (0..200).map(|n| format!("guess-{n}")).collect();
    let answers = join_all(guesses.iter().map(|guess| service.list(guess))).await;
    assert!(answers.iter().all(|answer| answer.status == 401));
    let (_, most_open) = service.wire.open();
    assert!((2..=32).contains(&most_open), "{most_open}");
    assert_eq!(service.list("member").await.status, 200);
    assert_eq!(service.asked(), (201, 1));
}
