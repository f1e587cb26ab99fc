//! Several nodes on one database server, and a server that goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use glint::config::{Config, Database};
use serde_json::json;

use crate::app::{PATCH_TYPE, TestApp};
use crate::callers::{ADMIN, MEMBER};
use crate::database_server::{DatabaseServer, Kind};

/// How soon requests have to succeed once the server is back.
const RECOVERY: Duration = Duration::from_secs(2);
/// Who writes all the time.
const WRITERS: usize = 8;

fn on(url: &str) -> impl FnOnce(&mut Config) {
    let database = Database::at(url).unwrap();
    |config| config.database = database
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_goes_away() {
    goes_away(Kind::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_goes_away() {
    goes_away(Kind::PostgreSql).await;
}

/// While the server is away, requests are answered with 503, and soon after it is back, as before. What was acknowledged
/// is there.
async fn goes_away(kind: Kind) {
    let server = DatabaseServer::start_durable(kind);
    let url = server.make("outage");
    let app = Arc::new(TestApp::with(on(&url)).await);
    let done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (app, done) = (Arc::clone(&app), Arc::clone(&done));
            tokio::spawn(async move {
                let mut answers = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let image = json!({"name": format!("writer {writer}"), "os_distro": "debian", "tags": ["a"]});
                    let answer = app.request(MEMBER, "POST", "/v2/images").json(&image).send().await;
                    let listed = app.get(MEMBER, "/v2/images?limit=5").await;
                    let id = (answer.status == 201).then(|| answer.json()["id"].as_str().unwrap().to_owned());
                    answers.push((Instant::now(), answer.status, listed.status, id));
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                answers
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let gone = Instant::now();
    server.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    })
    .await
    .unwrap();
    let back = Instant::now();
    tokio::time::sleep(RECOVERY + Duration::from_secs(1)).await;
    done.store(true, Ordering::Relaxed);
    let answers: Vec<_> = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();

    let refused: Vec<_> = answers.iter().filter(|(_, made, listed, _)| (*made, *listed) != (201, 200)).collect();
    assert!(!refused.is_empty(), "somebody noticed");
    for (at, made, listed, _) in &refused {
        assert!([201, 503].contains(made) && [200, 503].contains(listed), "{made} {listed}");
        assert!(*at >= gone && *at <= back + RECOVERY, "{made} {listed}, {:?} after the return", *at - back);
    }
    let made: Vec<&String> = answers.iter().filter_map(|(.., id)| id.as_ref()).collect();
    assert!(answers.iter().any(|(at, .., id)| id.is_some() && *at > back + RECOVERY), "it goes on");
    for id in made {
        let shown = app.get(MEMBER, &format!("/v2/images/{id}")).await;
        assert_eq!((shown.status, shown.json()["os_distro"].as_str()), (200, Some("debian")), "{id} was acknowledged");
    }
    app.app.close().await;
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_on_mariadb() {
    three_nodes(Kind::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_on_postgresql() {
    three_nodes(Kind::PostgreSql).await;
}

/// Many who change one image through three nodes lose nothing, and of many uploads to it, one succeeds.
async fn three_nodes(kind: Kind) {
    let server = DatabaseServer::start(kind);
    let url = server.make("nodes");
    let nodes = [TestApp::with(on(&url)).await, TestApp::with(on(&url)).await, TestApp::with(on(&url)).await];
    let id = nodes[0].create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    let path = format!("/v2/images/{id}");
    let changes = (0..48).map(|at| {
        let body = json!([{"op": "add", "path": format!("/property-{at}"), "value": "v"}]).to_string();
        let change = nodes[at % 3].request(MEMBER, "PATCH", &path).header("content-type", PATCH_TYPE).body(body);
        tokio::spawn(change.send())
    });
    for change in join_all(changes.collect::<Vec<_>>()).await {
        let answer = change.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let image = nodes[1].get(MEMBER, &path).await.json();
    let kept = (0..48).filter(|at| image[format!("property-{at}")] == "v").count();
    assert_eq!(kept, 48);

    let uploads =
        (0..24).map(|at| tokio::spawn(nodes[at % 3].upload(MEMBER, &id, format!("data {at}").as_bytes()).send()));
    let statuses: Vec<u16> =
        join_all(uploads.collect::<Vec<_>>()).await.into_iter().map(|answer| answer.unwrap().status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [204, 409].contains(status)), "{statuses:?}");
    assert_eq!(nodes[2].get(ADMIN, &path).await.json()["status"], "active");
    let stored: usize = nodes.iter().map(|node| node.stored_files().len()).sum();
    assert_eq!(stored, 1, "those who lost leave nothing");
}

/// Whoever writes to a server that has no room is told so, nothing of it is kept, and what needs none goes on.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_full() {
    const PROPERTIES: usize = 10;
    let small = "--innodb-file-per-table=0 --innodb-data-file-path=ibdata1:12M;ibdata2:12M";
    let server = DatabaseServer::start_with(Kind::MariaDb, &[("OPTIONS", small)]);
    let url = server.make("full");
    let app = TestApp::with(on(&url)).await;
    let small = app.create(MEMBER, json!({"name": "small"})).await;
    let mut image = json!({"name": "large"});
    for at in 0..PROPERTIES {
        image[format!("property_{at}")] = "x".repeat(60_000).into();
    }
    let mut statuses = Vec::new();
    for _ in 0..60 {
        statuses.push(app.request(MEMBER, "POST", "/v2/images").json(&image).send().await.status);
    }
    assert!(statuses.iter().all(|status| [201, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&503), "it is full");
    let count = |sql: &str| server.ask(&url, sql)[0].parse::<usize>().unwrap();
    let made = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!(count("SELECT COUNT(*) FROM images;"), made + 1);
    assert_eq!(count("SELECT COUNT(*) FROM image_properties;"), made * PROPERTIES);
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{small}")).await.json()["name"], "small");
    assert_eq!(app.request(MEMBER, "DELETE", &format!("/v2/images/{small}")).send().await.status, 204);
    app.app.close().await;
}

/// A pool that has run dry is told of, in time.
#[tokio::test(flavor = "multi_thread")]
async fn the_pool_runs_dry() {
    let server = DatabaseServer::start(Kind::PostgreSql);
    let url = server.make("dry");
    let Database::Server(mut database) = Database::at(&url).unwrap() else { panic!("a server") };
    database.connections_max = 1;
    database.pool_timeout = Duration::from_millis(500);
    let app = TestApp::with(|config| config.database = Database::Server(database)).await;
    server.ask(
        &url,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NEW; END'; \
         CREATE TRIGGER slow BEFORE INSERT ON images FOR EACH ROW EXECUTE FUNCTION slow();",
    );
    let creation = tokio::spawn(app.request(MEMBER, "POST", "/v2/images").json(&json!({"name": "slow"})).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = Instant::now();
    assert_eq!(app.get(MEMBER, "/v2/images").await.status, 503);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!(creation.await.unwrap().status, 201);
    assert_eq!(app.get(MEMBER, "/v2/images").await.status, 200);
}
