//! `kill -9` at any moment of an upload or a deletion: after the next start nothing is stuck, nothing is left over, and
//! what is active is what was uploaded.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::bytes;
use crate::harness::process::{Process, download, upload};

/// How often the process is killed.
const ROUNDS: u64 = 50;
/// The size of each image in bytes: an upload lasts some tens of milliseconds.
const SIZE: u64 = 24 << 20;

#[test]
fn killed_during_uploads() {
    let folder = tempfile::tempdir().unwrap();
    let block = bytes::text(3, 0, 1 << 20);
    let mut seen = BTreeSet::new();
    let mut expected_files = BTreeSet::new();
    for round in 0..ROUNDS {
        let process = Process::start(folder.path());
        let token = process.log_in(folder.path());
        let new = json!({"name": round.to_string(), "disk_format": "raw", "container_format": "bare"});
        let created: Value =
            serde_json::from_slice(&process.ask(Some(&token), "POST", "/v2/images", Some(&new)).body).unwrap();
        let id = created["id"].as_str().unwrap().to_owned();
        let mut raw = process.connect();
        let uploading = {
            let (token, id, block) = (token.clone(), id.clone(), block.clone());
            std::thread::spawn(move || upload(&mut raw, &token, &id, &block, SIZE).map(|answer| answer.status))
        };
        // Spread over an upload's length and beyond, in an order that repeats. The last one is over, however slow the
        // machine is.
        std::thread::sleep(Duration::from_millis(round * 7 % ROUNDS * 4));
        while round + 1 == ROUNDS && !uploading.is_finished() {
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(process);
        let answered = uploading.join().unwrap();

        let process = Process::start(folder.path());
        let image = settled(&process, &token, &id);
        let status = image["status"].as_str().unwrap().to_owned();
        if answered.is_ok_and(|status| status == 204) {
            assert_eq!(status, "active", "round {round}: what was answered stays");
        }
        match status.as_str() {
            "active" => {
                assert_eq!(image["size"], SIZE);
                assert_eq!(download(&mut process.connect(), &token, &id, &block), (SIZE, true), "round {round}");
                expected_files.insert(id);
            }
            "queued" => {
                let untouched = [&image["size"], &image["checksum"], &image["os_hash_value"]];
                assert_eq!(untouched, [&Value::Null; 3], "round {round}");
            }
            other => panic!("round {round}: the image is {other}"),
        }
        assert_eq!(stored(folder.path()), expected_files, "round {round}");
        seen.insert(status);
        drop(process);
    }
    assert_eq!(seen, BTreeSet::from(["active".to_owned(), "queued".to_owned()]), "the kills hit before and after");
}

/// An image that is claimed, and of which no byte has come yet.
#[test]
fn killed_before_the_first_byte() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let token = process.log_in(folder.path());
    let new = json!({"disk_format": "raw", "container_format": "bare"});
    let created: Value =
        serde_json::from_slice(&process.ask(Some(&token), "POST", "/v2/images", Some(&new)).body).unwrap();
    let id = created["id"].as_str().unwrap();
    let mut raw = process.connect();
    raw.send(format!(
        "PUT /v2/images/{id}/file HTTP/1.1\r\nHost: t\r\nX-Auth-Token: {token}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: 4\r\n\r\n"
    ))
    .unwrap();
    let begun = Instant::now();
    let status = || -> Value {
        let shown = process.ask(Some(&token), "GET", &format!("/v2/images/{id}"), None);
        serde_json::from_slice::<Value>(&shown.body).unwrap()["status"].clone()
    };
    while status() != "saving" {
        assert!(begun.elapsed() < Duration::from_secs(10), "it is claimed");
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(process);

    let process = Process::start(folder.path());
    assert_eq!(settled(&process, &token, id)["status"], "queued");
    assert_eq!(stored(folder.path()), BTreeSet::new());
    let block = bytes::text(5, 0, 1 << 10);
    assert_eq!(upload(&mut process.connect(), &token, id, &block, 1 << 10).unwrap().status, 204);
}

#[test]
fn killed_during_deletions() {
    let folder = tempfile::tempdir().unwrap();
    let block = bytes::text(4, 0, 1 << 20);
    let mut expected_files = BTreeSet::new();
    for round in 0..20 {
        let process = Process::start(folder.path());
        let token = process.log_in(folder.path());
        let new = json!({"disk_format": "raw", "container_format": "bare"});
        let created: Value =
            serde_json::from_slice(&process.ask(Some(&token), "POST", "/v2/images", Some(&new)).body).unwrap();
        let id = created["id"].as_str().unwrap().to_owned();
        assert_eq!(upload(&mut process.connect(), &token, &id, &block, 1 << 20).unwrap().status, 204);
        let mut raw = process.connect();
        raw.send(format!("DELETE /v2/images/{id} HTTP/1.1\r\nHost: t\r\nX-Auth-Token: {token}\r\n\r\n")).unwrap();
        std::thread::sleep(Duration::from_micros(round * 400));
        drop(process);

        let process = Process::start(folder.path());
        let shown = process.ask(Some(&token), "GET", &format!("/v2/images/{id}"), None);
        match shown.status {
            404 => {}
            200 => {
                assert_eq!(download(&mut process.connect(), &token, &id, &block), (1 << 20, true), "round {round}");
                expected_files.insert(id);
            }
            other => panic!("round {round}: {other}"),
        }
        assert_eq!(stored(folder.path()), expected_files, "round {round}");
        drop(process);
    }
}

/// The image once nothing is at work on it any more.
fn settled(process: &Process, token: &str, id: &str) -> Value {
    let begun = Instant::now();
    loop {
        let answer = process.ask(Some(token), "GET", &format!("/v2/images/{id}"), None);
        let image: Value = serde_json::from_slice(&answer.body).unwrap();
        if image["status"] != "saving" {
            return image;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "stuck: {image}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn stored(folder: &Path) -> BTreeSet<String> {
    bytes::files_below(&folder.join("images")).into_iter().collect()
}
