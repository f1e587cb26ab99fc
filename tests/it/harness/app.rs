//! A whole service in the test's process: its own folder, database and store, and requests that need no socket.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use glint::api::Head;
use glint::api::routes::answer;
use glint::api::{Outgoing, RequestBody};
use glint::app::App;
use glint::blob::Body;
use glint::clock::Clock;
use glint::config::{Callers, Config};
use hyper::Method;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use super::callers::{ADMIN, Caller};
use super::database::{Held, TestDatabase};

pub const PATCH_TYPE: &str = "application/openstack-images-v2.1-json-patch";

/// A service for one test.
pub struct TestApp {
    pub app: Arc<App>,
    pub clock: Clock,
    database: TestDatabase,
    folder: TempDir,
}

impl TestApp {
    /// A service that believes the headers of a proxy in front.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// One whose configuration `change` has had its way with.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::stand_alone(folder.path().to_str().unwrap());
        let database = TestDatabase::new(&mut config).await;
        config.callers = Callers::TrustedHeaders;
        change(&mut config);
        let clock = Clock::default();
        let app = App::open(config, clock.clone()).await.unwrap();
        Self { app, clock, database, folder }
    }

    /// What a service says that does not start with a configuration changed so.
    pub async fn refused(change: impl FnOnce(&mut Config)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::stand_alone(folder.path().to_str().unwrap());
        change(&mut config);
        let error = App::open(config, Clock::default()).await.map(drop).unwrap_err();
        std::error::Error::source(&error).unwrap().to_string()
    }

    /// Changes the database behind the service's back, which goes on meanwhile.
    pub async fn row(&self, statement: &str) {
        self.database.run(statement).await;
    }

    /// Begins a transaction in the database with `statement`, and keeps it open.
    pub async fn hold(&self, statement: &str) -> Held {
        self.database.hold(statement).await
    }

    /// Waits until no work is under way that outlives its request.
    pub async fn at_rest(&self) {
        self.app.background.close();
        timeout(Duration::from_secs(20), self.app.background.wait()).await.expect("work comes to its end");
        self.app.background.reopen();
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Puts `data` of image `id` into one more store, as an import would.
    pub async fn copy_into(&self, id: &str, store: &str) {
        let place = self.folder().join(format!("images-{store}/{id}"));
        std::fs::write(&place, "data").unwrap();
        let url = format!("file://{}", place.display());
        self.row(&format!(
            "INSERT INTO image_locations (image_id, value, meta_data, status, created_at, updated_at, deleted) \
             VALUES ('{id}', '{url}', '{{\"store\": \"{store}\"}}', 'active', '2026-01-01 00:00:00', '2026-01-01 00:00:00', false)"
        ))
        .await;
    }

    /// The files in its store, whatever they are.
    pub fn stored_files(&self) -> Vec<String> {
        let mut names: Vec<String> = super::bytes::files_below(&self.folder.path().join("images"));
        names.sort();
        names
    }

    /// A request by `caller`.
    pub fn request(&self, caller: Caller, method: &str, path: &str) -> Ask {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("images.test"));
        headers.insert("accept", HeaderValue::from_static("application/json"));
        for (name, value) in caller.headers() {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        Ask {
            app: Arc::clone(&self.app),
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            path: path.to_owned(),
            headers,
            body: None,
            blocks: None,
            unknown_length: false,
        }
    }

    pub async fn get(&self, caller: Caller, path: &str) -> Answer {
        self.request(caller, "GET", path).send().await
    }

    /// A new image; its id.
    pub async fn create(&self, caller: Caller, image: Value) -> String {
        let answer = self.request(caller, "POST", "/v2/images").json(&image).send().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// A new active image with `data`; its id.
    pub async fn active(&self, caller: Caller, image: Value, data: &[u8]) -> String {
        let mut image = image;
        image["disk_format"] = json!("raw");
        image["container_format"] = json!("bare");
        let id = self.create(caller, image).await;
        let answer = self.upload(caller, &id, data).send().await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        id
    }

    pub fn upload(&self, caller: Caller, id: &str, data: &[u8]) -> Ask {
        self.request(caller, "PUT", &format!("/v2/images/{id}/file"))
            .header("content-type", "application/octet-stream")
            .body(data.to_vec())
    }

    /// Waits until an image has one of these statuses; which.
    pub async fn until(&self, id: &str, statuses: &[&str]) -> String {
        let path = format!("/v2/images/{id}");
        let reached = async {
            loop {
                let image = self.get(ADMIN, &path).await.json();
                let status = image["status"].as_str().unwrap();
                if statuses.contains(&status) {
                    return status.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(20), reached).await.unwrap_or_else(|_| panic!("{id} does not become {statuses:?}"))
    }

    pub async fn patch(&self, caller: Caller, id: &str, operations: Value) -> Answer {
        self.request(caller, "PATCH", &format!("/v2/images/{id}"))
            .header("content-type", PATCH_TYPE)
            .body(operations.to_string().into_bytes())
            .send()
            .await
    }
}

/// A request that is being put together.
pub struct Ask {
    app: Arc<App>,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Bytes>,
    blocks: Option<Body>,
    unknown_length: bool,
}

impl Ask {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        self.body = Some(bytes);
        self
    }

    pub fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    /// Sends the body in chunks, without saying how long it is.
    pub fn of_unknown_length(mut self) -> Self {
        self.headers.remove(CONTENT_LENGTH);
        self.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        self.unknown_length = true;
        self
    }

    /// Sends these blocks in place of the body, of which only the length is said.
    pub fn of_blocks(mut self, blocks: Body) -> Self {
        self.blocks = Some(blocks);
        self
    }

    /// What comes of it; nothing when it has to wait once more than `waits` times: the client goes away then.
    pub async fn given_up_after(self, mut waits: usize) -> Option<Answer> {
        let mut work = Box::pin(self.send());
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if waits == 0 => Poll::Ready(None),
            Poll::Pending => {
                waits -= 1;
                Poll::Pending
            }
        })
        .await
    }

    pub async fn send(self) -> Answer {
        let head = Head {
            method: self.method,
            uri: self.path.parse().unwrap(),
            headers: self.headers,
            scheme: "http",
            request_id: String::new(),
        };
        let declared = self.body.as_ref().filter(|_| !self.unknown_length).map(|body| body.len() as u64);
        let whole = self.body.filter(|body| !body.is_empty()).map(|body| glint::blob::body([body]));
        let body = self.blocks.or(whole);
        let reply = answer(self.app, head, RequestBody::new(declared, body)).await;
        let (parts, body) = reply.into_parts();
        let body = match body {
            Outgoing::Empty => Vec::new(),
            Outgoing::Full(bytes) => bytes.to_vec(),
            Outgoing::Stream(mut stream, length) => {
                let mut bytes = Vec::new();
                while let Some(block) = stream.next().await {
                    bytes.extend_from_slice(&block.unwrap());
                }
                assert_eq!(
                    bytes.len() as u64,
                    length.unwrap_or(bytes.len() as u64),
                    "the stream is as long as it says"
                );
                bytes
            }
        };
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The text of an error, without the residue of its template.
    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().replace("<br /><br />\n", "|").trim_end_matches('\n').to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}
