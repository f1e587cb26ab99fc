//! Limits that are registered in Keystone: exact, whoever does what at the same time. The Keystone is a few lines at the
//! other end of the wire, so that it can fail as a real one does now and then; `tests/real` has a real one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use glint::config::keystone as config;
use serde_json::{Value, json};

use crate::harness::app::{Answer, TestApp};
use crate::harness::callers::{ADMIN, Caller, MEMBER, OTHER};
use crate::harness::wire::{Asked, Reply, Wire};

/// Requests side by side in a round of a race.
const RUNNERS: usize = 64;
/// How many rounds; more than the default with `GLINT_QUOTA_ROUNDS`.
const ROUNDS: usize = 5;
/// How long answers are believed.
const KEEP_S: i64 = 5;
const MIB: usize = 1 << 20;

/// What the Keystone has: limits by name and, for one project, by project and name; and how it fails.
#[derive(Default)]
struct Script {
    registered: Vec<(&'static str, i64)>,
    own: Vec<(&'static str, &'static str, i64)>,
    model: Option<&'static str>,
    services: usize,
    fault: Option<Reply>,
}

/// A service, and the Keystone that has limits for it.
struct Service {
    test: TestApp,
    wire: Wire,
    script: Arc<Mutex<Script>>,
}

impl Service {
    /// One with these registered limits.
    async fn new(registered: &[(&'static str, i64)]) -> Self {
        Self::at(config::LimitedEndpoint::Id("ours".into()), registered).await
    }

    async fn at(endpoint: config::LimitedEndpoint, registered: &[(&'static str, i64)]) -> Self {
        let script = Script { registered: registered.to_vec(), services: 1, ..Script::default() };
        let script = Arc::new(Mutex::new(script));
        let wire = Wire::start({
            let script = Arc::clone(&script);
            move |asked| script.lock().unwrap().answer(asked)
        })
        .await;
        let url = format!("http://{}", wire.address);
        let login = config::Login::Password {
            user: config::Named::Name { name: "glance".into(), domain: config::Domain::Id("default".into()) },
            password: "the-service-password".into(),
            scope: config::Scope::System,
        };
        let mut access = config::Access::to(url.clone(), login);
        access.endpoint_override = Some(url);
        access.connect_retries = 0;
        access.timeout = Some(Duration::from_secs(20));
        let keep = Duration::from_secs(KEEP_S.unsigned_abs());
        let test =
            TestApp::with(|config| config.limits = Some(Ok(Box::new(config::Limits { access, endpoint, keep })))).await;
        Self { test, wire, script }
    }

    fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    fn later(&self) {
        self.test.clock.advance(TimeDelta::seconds(KEEP_S));
    }

    async fn create(&self, caller: Caller) -> Answer {
        let image = json!({"disk_format": "raw", "container_format": "bare"});
        self.test.request(caller, "POST", "/v2/images").json(&image).send().await
    }

    async fn queued(&self, caller: Caller) -> String {
        let answer = self.create(caller).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn usage(&self, caller: Caller) -> Value {
        self.test.get(caller, "/v2/info/usage").await.json()["usage"].clone()
    }

    async fn delete(&self, id: &str) {
        assert_eq!(self.test.request(ADMIN, "DELETE", &format!("/v2/images/{id}")).send().await.status, 204);
    }
}

impl Script {
    fn answer(&self, asked: &Asked) -> Reply {
        if let Some(fault) = &self.fault {
            return fault.clone();
        }
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let of_ours = "service_id=image%2Dservice&region_id=one";
        let place = json!({"id": "ours", "service_id": "image-service", "region_id": "one"});
        let limit = |of: &str, name: &str, most: i64| json!({"resource_name": name, of: most});
        let body = match (path, query) {
            ("/v3/auth/tokens", _) => {
                let token = json!({"token": {"expires_at": "2999-01-01T00:00:00.000000Z"}});
                return Reply::Answer(201, "X-Subject-Token: own\r\n".into(), token.to_string().into_bytes());
            }
            ("/v3/limits/model", _) => json!({"model": {"name": self.model.unwrap_or("flat")}}),
            ("/v3/endpoints/ours", _) => json!({ "endpoint": place }),
            ("/v3/services", "type=image") => json!({"services": vec![json!({"id": "image-service"}); self.services]}),
            ("/v3/endpoints", query) if query == format!("{of_ours}&interface=public") => json!({"endpoints": [place]}),
            ("/v3/registered_limits", query) if query == of_ours => {
                let limits = self.registered.iter().map(|(name, most)| limit("default_limit", name, *most));
                json!({"registered_limits": limits.collect::<Vec<_>>()})
            }
            ("/v3/limits", query) => {
                let project = query.strip_prefix(of_ours).unwrap().strip_prefix("&project_id=").unwrap();
                let own = self.own.iter().filter(|(of, ..)| *of == project);
                json!({"limits": own.map(|(_, name, most)| limit("resource_limit", name, *most)).collect::<Vec<_>>()})
            }
            _ => return Reply::Answer(404, String::new(), b"{}".to_vec()),
        };
        Reply::Answer(200, String::new(), body.to_string().into_bytes())
    }
}

const UNLIMITED: [(&str, i64); 4] =
    [("image_size_total", -1), ("image_stage_total", -1), ("image_count_total", -1), ("image_count_uploading", -1)];

/// No limits but these.
fn only(limits: &[(&'static str, i64)]) -> Vec<(&'static str, i64)> {
    let others = UNLIMITED.into_iter().filter(|(name, _)| limits.iter().all(|(limited, _)| limited != name));
    others.chain(limits.iter().copied()).collect()
}

fn over(project: &str, what: &str, limit: i64, usage: i64, delta: i64) -> (u16, String) {
    let text = format!(
        "The request returned a 413 Request Entity Too Large. This generally means that rate limiting or a quota \
         threshold was breached.\n\nThe response body:\nProject {project} is over a limit for [Resource {what} is over \
         limit of {limit} due to current usage {usage} and delta {delta}]|"
    );
    (413, text)
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.message())
}

#[tokio::test]
async fn images_are_counted() {
    let service = Service::new(&only(&[("image_count_total", 2)])).await;
    service.change(|script| script.own.push(("p2", "image_count_total", 1)));
    let first = service.queued(MEMBER).await;
    service.queued(MEMBER).await;
    assert_eq!(told(&service.create(MEMBER).await), over("p1", "image_count_total", 2, 2, 1));
    service.queued(OTHER).await;
    assert_eq!(told(&service.create(OTHER).await), over("p2", "image_count_total", 1, 1, 1), "its own limit");
    service.delete(&first).await;
    service.queued(MEMBER).await;
    let foreign = json!({"owner": "p1"});
    let answer = service.test.request(ADMIN, "POST", "/v2/images").json(&foreign).send().await;
    assert_eq!(answer.status, 201, "whoever makes it is asked, not whose it becomes");
}

#[tokio::test]
async fn usage_is_shown_beside_the_limit() {
    let limits =
        [("image_size_total", 7), ("image_stage_total", -1), ("image_count_total", 9), ("image_count_uploading", 3)];
    let service = Service::new(&limits).await;
    service.change(|script| script.own.push(("p1", "image_size_total", 5)));
    service.test.active(MEMBER, json!({}), &vec![b'x'; 2 * MIB + 1]).await;
    let slow = service.queued(MEMBER).await;
    let endless = stream::iter([Ok(Bytes::from_static(b"x"))]).chain(stream::pending());
    let upload = service.test.upload(MEMBER, &slow, b"x").of_unknown_length().of_blocks(Box::pin(endless));
    let upload = tokio::spawn(upload.send());
    service.test.until(&slow, &["saving"]).await;
    let expected = json!({
        "image_size_total": {"usage": 2, "limit": 5},
        "image_stage_total": {"usage": 0, "limit": -1},
        "image_count_total": {"usage": 2, "limit": 9},
        "image_count_uploading": {"usage": 1, "limit": 3},
    });
    assert_eq!(service.usage(MEMBER).await.to_string(), expected.to_string());
    assert_eq!(service.usage(OTHER).await["image_size_total"], json!({"usage": 0, "limit": 7}));
    upload.abort();
}

/// Uploads in turn beside a limit of 3 MiB: (bytes, whether the length is said, answer).
#[tokio::test]
async fn whole_mebibytes_are_counted() {
    let fine = (204, String::new());
    let service = Service::new(&only(&[("image_size_total", 3)])).await;
    let refused = |usage, delta| over("p1", "image_size_total", 3, usage, delta);
    for (size, said, wanted) in [
        (4 * MIB, true, refused(0, 4)),
        (4 * MIB, false, refused(0, 4)),
        (2 * MIB + 5, true, fine.clone()),
        (2 * MIB, true, refused(2, 2)),
        (2 * MIB, false, refused(2, 2)),
        (2 * MIB - 1, false, fine.clone()),
        (1, true, refused(4, 0)),
        (1, false, refused(4, 0)),
    ] {
        let id = service.queued(MEMBER).await;
        let ask = service.test.upload(MEMBER, &id, &vec![b'x'; size]);
        let answer = if said { ask } else { ask.of_unknown_length() }.send().await;
        let text = if answer.status == 204 { String::new() } else { answer.message() };
        assert_eq!((answer.status, text), wanted, "{size} {said}");
        let status = if answer.status == 204 { "active" } else { "queued" };
        assert_eq!(service.test.get(MEMBER, &format!("/v2/images/{id}")).await.json()["status"], status);
    }
    assert_eq!(service.test.stored_files().len(), 2, "of what was refused nothing is left");
    let nowhere = service.test.upload(MEMBER, "11111111-1111-1111-1111-111111111111", b"x").send().await;
    assert_eq!(told(&nowhere), refused(4, 0), "the limit is looked at first");
}

#[tokio::test]
async fn uploads_at_a_time_are_counted() {
    let service = Service::new(&only(&[("image_count_uploading", 1)])).await;
    let (slow, quick) = (service.queued(MEMBER).await, service.queued(MEMBER).await);
    let endless = stream::iter([Ok(Bytes::from_static(b"x"))]).chain(stream::pending());
    let upload = service.test.upload(MEMBER, &slow, b"x").of_unknown_length().of_blocks(Box::pin(endless));
    let upload = tokio::spawn(upload.send());
    service.test.until(&slow, &["saving"]).await;
    let refused = service.test.upload(MEMBER, &quick, b"x").send().await;
    assert_eq!(told(&refused), over("p1", "image_count_uploading", 1, 2, 0));
    let elsewhere = service.queued(OTHER).await;
    assert_eq!(service.test.upload(OTHER, &elsewhere, b"x").send().await.status, 204, "each project has its own");
    upload.abort();
    assert!(upload.await.is_err());
    service.test.until(&slow, &["queued"]).await;
    assert_eq!(service.test.upload(MEMBER, &quick, b"x").send().await.status, 204);
}

/// `user_storage_quota` is for services without limits in Keystone.
#[tokio::test]
async fn what_is_not_registered_nobody_gets() {
    let service = Service::new(&[("image_count_total", -1), ("image_size_total", 0)]).await;
    let id = service.queued(MEMBER).await;
    let refused = service.test.upload(MEMBER, &id, b"x").send().await;
    assert_eq!(told(&refused), over("p1", "image_count_uploading", 0, 1, 0));
    assert_eq!(service.usage(MEMBER).await["image_stage_total"], json!({"usage": 0, "limit": 0}));
}

#[tokio::test]
async fn limits_are_asked_once_and_believed_for_a_moment() {
    let service = Service::new(&only(&[("image_count_total", 1)])).await;
    let answers = join_all((0..20).map(|_| service.create(MEMBER))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(service.wire.seen().len(), 5, "login, model, endpoint, registered limits, the project's");
    service.change(|script| script.own.push(("p1", "image_count_total", 2)));
    assert_eq!(service.create(MEMBER).await.status, 413);
    service.later();
    assert_eq!(service.create(MEMBER).await.status, 201);
    service.change(|script| script.fault = Some(Reply::HangUp));
    assert_eq!(told(&service.create(MEMBER).await), over("p1", "image_count_total", 2, 2, 1), "known still");
    service.later();
    let away = "The server is currently unavailable. Please try again at a later time.|The Keystone service is \
                temporarily unavailable.";
    for method in ["POST", "GET"] {
        let path = if method == "POST" { "/v2/images" } else { "/v2/info/usage" };
        let answer = service.test.request(MEMBER, method, path).json(&json!({})).send().await;
        assert_eq!(told(&answer), (503, away.to_owned()), "{method}");
    }
    assert_eq!(service.test.get(MEMBER, "/v2/images").await.status, 200, "what needs no limits goes on");
}

/// What Keystone or the operator says that cannot be: (the model, services that fit, their name, the status).
#[tokio::test]
async fn set_up_wrongly() {
    let named = |kind: Option<&str>| config::LimitedEndpoint::Found {
        service_name: None,
        service_type: kind.map(str::to_owned),
        region: Some("one".into()),
        interface: "public".into(),
    };
    for (model, services, endpoint, status) in [
        (None, 1, named(Some("image")), 201),
        (None, 2, named(Some("image")), 500),
        (None, 0, named(Some("image")), 500),
        (None, 1, named(Some("images")), 500),
        (None, 1, config::LimitedEndpoint::Id("theirs".into()), 500),
        (None, 1, config::LimitedEndpoint::Id("../services".into()), 500),
        (Some("strict_two_level"), 1, config::LimitedEndpoint::Id("ours".into()), 500),
    ] {
        let service = Service::at(endpoint.clone(), &UNLIMITED).await;
        service.change(|script| (script.model, script.services) = (model, services));
        assert_eq!(service.create(MEMBER).await.status, status, "{model:?} {services} {endpoint:?}");
    }
}

fn rounds() -> usize {
    std::env::var("GLINT_QUOTA_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS)
}

/// Of many creations at once, as many succeed as there is room for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_many_images_as_fit() {
    let service = Arc::new(Service::new(&only(&[("image_count_total", 7)])).await);
    for round in 0..rounds() {
        let askings = (0..RUNNERS).map(|_| {
            let service = Arc::clone(&service);
            tokio::spawn(async move { service.create(MEMBER).await })
        });
        let answers: Vec<Answer> =
            join_all(askings.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(made.len(), 7, "round {round}");
        assert!(answers.iter().all(|answer| [201, 413].contains(&answer.status)));
        for answer in made {
            service.delete(answer.json()["id"].as_str().unwrap()).await;
        }
    }
}

/// Of many uploads at once, two succeed, whether they say how long they are or not; only one does if it has reserved in
/// steps what it did not need in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_much_data_as_fits() {
    let limits = [("image_size_total", 2), ("image_count_uploading", 5)];
    let service = Arc::new(Service::new(&only(&limits)).await);
    let mut images = Vec::new();
    for _ in 0..RUNNERS {
        images.push(service.queued(MEMBER).await);
    }
    let data = Bytes::from(vec![b'x'; MIB + MIB / 2]);
    for round in 0..rounds() {
        let askings = images.iter().enumerate().map(|(at, id)| {
            let ask = service.test.upload(MEMBER, id, &data);
            tokio::spawn(if at % 2 == round % 2 { ask } else { ask.of_unknown_length() }.send())
        });
        let answers: Vec<u16> =
            join_all(askings.collect::<Vec<_>>()).await.into_iter().map(|answer| answer.unwrap().status).collect();
        assert!(answers.iter().all(|status| [204, 413].contains(status)), "round {round}: {answers:?}");
        // One and a half: the second finds one whole mebibyte, and brings one.
        let winners: Vec<usize> = (0..RUNNERS).filter(|at| answers[*at] == 204).collect();
        assert!((1..=2).contains(&winners.len()), "round {round}: {answers:?}");
        assert_eq!(service.test.stored_files().len(), winners.len());
        for at in winners {
            service.delete(&images[at]).await;
            images[at] = service.queued(MEMBER).await;
        }
    }
}

/// Of many uploads at once that do not end, as many go on as may.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_many_uploads_as_may() {
    let service = Service::new(&only(&[("image_count_uploading", 5)])).await;
    let mut images = Vec::new();
    for _ in 0..RUNNERS {
        images.push(service.queued(MEMBER).await);
    }
    for round in 0..rounds() {
        let uploads = images.iter().map(|id| {
            let endless = stream::iter([Ok(Bytes::from_static(b"x"))]).chain(stream::pending());
            let upload = service.test.upload(MEMBER, id, b"x").of_unknown_length().of_blocks(Box::pin(endless));
            tokio::spawn(upload.send())
        });
        let mut uploads: Vec<_> = uploads.collect();
        let mut refused = 0;
        while refused < RUNNERS - 5 {
            let (answer, at, _) = futures_util::future::select_all(uploads.iter_mut()).await;
            assert_eq!(answer.unwrap().status, 413, "round {round}");
            drop(uploads.swap_remove(at));
            refused += 1;
        }
        let saving = service.test.get(MEMBER, "/v2/images?status=saving&limit=100").await.json();
        assert_eq!(saving["images"].as_array().unwrap().len(), 5, "round {round}");
        uploads.iter().for_each(tokio::task::JoinHandle::abort);
        for id in &images {
            service.test.until(id, &["queued"]).await;
        }
    }
}
