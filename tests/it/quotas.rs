//! The storage quota of a project: exact, whoever uploads at the same time.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, Caller, MEMBER, OTHER};

/// Uploads side by side in a round of the race.
const RUNNERS: usize = 64;
/// How many rounds; more than the default with `GLINT_QUOTA_ROUNDS`.
const ROUNDS: usize = 5;

async fn app(quota: u64) -> TestApp {
    TestApp::with(|config| config.quotas.user_storage_quota = Some(quota)).await
}

async fn queued(app: &TestApp, caller: Caller) -> String {
    app.create(caller, json!({"disk_format": "raw", "container_format": "bare"})).await
}

fn full(size: &str, left: i64) -> (u16, String) {
    let text = format!(
        "Image exceeds the storage quota: The size of the data {size} will exceed the limit. {left} bytes remaining.|"
    );
    (413, text)
}

/// Each upload in turn: (who, bytes, whether the length is said, answer).
#[tokio::test]
async fn what_is_left_is_counted() {
    let app = app(10).await;
    let fine = (204, String::new());
    for (caller, size, said, wanted) in [
        (MEMBER, 11, true, full("11", 10)),
        (MEMBER, 11, false, full("11", 10)),
        (MEMBER, 4, true, fine.clone()),
        (MEMBER, 7, true, full("7", 6)),
        (MEMBER, 7, false, full("7", 6)),
        (OTHER, 10, true, fine.clone()),
        (MEMBER, 6, false, fine.clone()),
        (MEMBER, 1, true, full("1", 0)),
        (MEMBER, 1, false, full("None", 0)),
        (OTHER, 1, true, full("1", 0)),
    ] {
        let id = queued(&app, caller).await;
        let ask = app.upload(caller, &id, &vec![b'x'; size]);
        let answer = if said { ask } else { ask.of_unknown_length() }.send().await;
        let text = if answer.status == 204 { String::new() } else { answer.message() };
        assert_eq!((answer.status, text), wanted, "{} {size} {said}", caller.name);
        let status = if answer.status == 204 { "active" } else { "queued" };
        assert_eq!(app.get(caller, &format!("/v2/images/{id}")).await.json()["status"], status);
    }
    assert_eq!(app.stored_files().len(), 3, "of what was refused nothing is left");
}

/// What is deleted makes room.
#[tokio::test]
async fn deleting_makes_room() {
    let app = app(10).await;
    let first = app.active(MEMBER, json!({}), b"0123456789").await;
    let second = queued(&app, MEMBER).await;
    assert_eq!(app.upload(MEMBER, &second, b"0").send().await.status, 413);
    assert_eq!(app.request(MEMBER, "DELETE", &format!("/v2/images/{first}")).send().await.status, 204);
    assert_eq!(app.upload(MEMBER, &second, b"0123456789").send().await.status, 204);
}

/// What an upload may still take is nobody else's, until it ends.
#[tokio::test]
async fn room_is_reserved_before_the_first_byte() {
    let app = app(10).await;
    for said in [true, false] {
        let (slow, quick) = (queued(&app, MEMBER).await, queued(&app, MEMBER).await);
        // Says ten bytes, or nothing, sends one and then nothing more.
        let endless = stream::iter([Ok(Bytes::from_static(b"x"))]).chain(stream::pending());
        let ask = app.upload(MEMBER, &slow, b"0123456789");
        let ask = if said { ask } else { ask.of_unknown_length() };
        let upload = tokio::spawn(ask.of_blocks(Box::pin(endless)).send());
        app.until(&slow, &["saving"]).await;
        let refused = loop {
            let refused = app.upload(MEMBER, &quick, b"012345678901").send().await;
            // One of unknown length reserves when its first block comes.
            if said || refused.message() == full("12", 0).1 {
                break refused;
            }
        };
        assert_eq!((refused.status, refused.message()), full("12", 0));
        upload.abort();
        assert!(upload.await.is_err());
        app.until(&slow, &["queued"]).await;
        assert_eq!(app.upload(MEMBER, &quick, b"0123456789").send().await.status, 204);
        assert_eq!(app.request(ADMIN, "DELETE", &format!("/v2/images/{quick}")).send().await.status, 204);
    }
}

/// Whoever says that an upload has fewer bytes than none makes no room by it.
#[tokio::test]
async fn a_length_below_zero_reserves_nothing() {
    let app = app(10).await;
    let (odd, plain) = (queued(&app, MEMBER).await, queued(&app, MEMBER).await);
    let ask = app.upload(MEMBER, &odd, b"x").header("x-openstack-image-size", "-1000");
    let upload = tokio::spawn(ask.of_blocks(Box::pin(stream::pending())).send());
    app.until(&odd, &["saving"]).await;
    let refused = app.upload(MEMBER, &plain, b"0123456789x").send().await;
    assert_eq!((refused.status, refused.message()), full("11", 10));
    upload.abort();
}

/// Of many uploads at once, each exactly what is left, exactly one succeeds; half of them do not say how long they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_wins() {
    let rounds = std::env::var("GLINT_QUOTA_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let data = [b'x'; 100];
    let app = app(150).await;
    app.active(MEMBER, json!({}), &[b'y'; 50]).await;
    let mut images = Vec::new();
    for _ in 0..RUNNERS {
        images.push(queued(&app, MEMBER).await);
    }
    for round in 0..rounds {
        let asks = images.iter().enumerate().map(|(at, id)| {
            let ask = app.upload(MEMBER, id, &data);
            tokio::spawn(if at % 2 == round % 2 { ask } else { ask.of_unknown_length() }.send())
        });
        let answers: Vec<u16> =
            join_all(asks.collect::<Vec<_>>()).await.into_iter().map(|answer| answer.unwrap().status).collect();
        let winners: Vec<usize> = (0..RUNNERS).filter(|at| answers[*at] == 204).collect();
        assert!(answers.iter().all(|status| [204, 413].contains(status)), "round {round}: {answers:?}");
        assert_eq!(winners.len(), 1, "round {round}: {answers:?}");
        assert_eq!(app.stored_files().len(), 2);
        let winner = &mut images[winners[0]];
        assert_eq!(app.request(MEMBER, "DELETE", &format!("/v2/images/{winner}")).send().await.status, 204);
        *winner = queued(&app, MEMBER).await;
    }
}
