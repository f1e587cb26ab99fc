//! Locations by PATCH: places on a web server that a client names, what is refused, and what goes with a location that is
//! taken away.

use glint::config::{Config, Driver, FileStore, HttpStore, StoreConfig};
use serde_json::{Value, json};

use crate::harness::app::{Answer, TestApp};
use crate::harness::callers::{ADMIN, MEMBER, OTHER, READER};
use crate::harness::web::{Says, Web};

/// Shown locations, a second file store, and a store of what is on the web, of which this machine is part.
fn shown(config: &mut Config) {
    let Driver::File(local) = &config.stores.enabled[0].driver else { panic!("the first is of files") };
    let more = Driver::File(FileStore::in_folder(format!("{}-more", local.datadirs[0].0)));
    for (id, driver) in [("more", more), ("web", Driver::Http(HttpStore::default()))] {
        config.stores.enabled.push(StoreConfig { id: id.into(), description: None, weight: 0, driver });
    }
    config.api.show_multiple_locations = true;
    config.uri_filter.allowed_hosts = vec!["127.0.0.1".into()];
    config.uri_filter.allowed_ports = vec![];
}

/// A server that has ten bytes at `/a` … `/z`, and nothing at `/empty` and `/missing`.
async fn server() -> Web {
    Web::serve(|path| match path {
        "/empty" => Says::bytes(b""),
        "/missing" => Says::status(404),
        "/broken" => Says::status(500),
        _ => Says::bytes(b"0123456789"),
    })
    .await
}

fn ready() -> Value {
    json!({"disk_format": "raw", "container_format": "bare"})
}

fn add(at: &str, url: &str, metadata: Value) -> Value {
    let mut location = json!({"url": url});
    location["metadata"] = metadata;
    json!([{"op": "add", "path": format!("/locations/{at}"), "value": location}])
}

fn urls(answer: &Answer) -> Vec<String> {
    let image = answer.json();
    image["locations"].as_array().unwrap().iter().map(|it| it["url"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_place_makes_an_image_active() {
    let (app, web) = (TestApp::with(shown).await, server().await);
    let id = app.create(MEMBER, ready()).await;
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json()["locations"], json!([]));
    let hash = "a".repeat(128);
    let said = json!({"checksum": "b".repeat(32), "os_hash_algo": "sha512", "os_hash_value": hash});
    let location = json!({"url": web.url("/a"), "metadata": {"k": "v"}, "validation_data": said});
    let answer = app.patch(MEMBER, &id, json!([{"op": "replace", "path": "/locations", "value": [location]}])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["locations"], json!([{"url": web.url("/a"), "metadata": {"k": "v", "store": "web"}}]));
    assert_eq!((&image["status"], &image["size"], &image["stores"]), (&json!("active"), &json!(10), &json!("web")));
    assert_eq!((&image["checksum"], &image["os_hash_value"]), (&json!("b".repeat(32)), &json!(hash)));
    assert_eq!(image["locations"], answer.json()["locations"]);
    assert_eq!(web.asked(), ["HEAD /a"]);

    let file = format!("/v2/images/{id}/file");
    assert_eq!(app.get(MEMBER, &file).await.text(), "0123456789");
    for (name, value, told) in [
        ("range", "bytes=2-4", "Offset: 2, length: 3"),
        ("range", "bytes=0-", "Offset: 0, length: 10"),
        ("content-range", "bytes 1-3/10", "Offset: 1, length: 3"),
    ] {
        let answer = app.request(MEMBER, "GET", &file).header(name, value).send().await;
        let message = format!("Getting images randomly from this store is not supported. {told}|");
        assert_eq!((answer.status, answer.message()), (400, message), "{value}");
    }

    let more = app.patch(MEMBER, &id, add("-", &web.url("/b"), json!({}))).await;
    assert_eq!(urls(&more), [web.url("/a"), web.url("/b")]);
    let first = app.patch(MEMBER, &id, add("0", &web.url("/c"), json!({}))).await;
    assert_eq!(urls(&first), [web.url("/c"), web.url("/a"), web.url("/b")], "as it was asked for");
    assert_eq!(
        urls(&app.get(MEMBER, &format!("/v2/images/{id}")).await),
        [web.url("/a"), web.url("/b"), web.url("/c")]
    );
    assert_eq!(app.request(MEMBER, "DELETE", &format!("/v2/images/{id}")).send().await.status, 204);
    assert!(web.asked().iter().all(|asked| !asked.starts_with("DELETE")));
}

/// What is refused of a queued image: (operations, status, message). `@` is the web server. The image stays as it was.
#[tokio::test]
async fn what_cannot_be_a_location() {
    let (app, web) = (TestApp::with(shown).await, server().await);
    let good = web.url("/a");
    let with = |said: Value| json!([{"op": "add", "path": "/locations/-", "value": {"url": good, "metadata": {}, "validation_data": said}}]);
    let sha512 = "a".repeat(128);
    let said = |name: &str, value: &str| {
        let mut said = json!({"os_hash_algo": "sha512", "os_hash_value": sha512});
        said[name] = value.into();
        with(said)
    };
    let schema = |text: &str| format!("Provided object does not match schema 'image': {text}|");
    let (malformed, invalid) = ("The Store URI was malformed.|", "Invalid location|");
    let cases = [
        (add("-", "file:///etc/passwd", json!({})), 400, invalid.to_owned()),
        (add("-", "filesystem:///etc/passwd", json!({})), 400, invalid.into()),
        (add("-", "swift+config://x/y/z", json!({})), 400, invalid.into()),
        (add("-", "gopher://127.0.0.1/", json!({})), 400, invalid.into()),
        (add("-", "data:text/plain,x", json!({})), 400, invalid.into()),
        (add("-", "rbd://a/b/c/d", json!({"store": "web"})), 400, invalid.into()),
        (add("-", "", json!({})), 400, invalid.into()),
        (add("-", &web.url("/empty"), json!({})), 400, invalid.into()),
        (add("-", &web.url("/missing"), json!({})), 400, invalid.into()),
        (add("-", &web.url("/broken"), json!({})), 400, malformed.into()),
        (add("-", "http://169.254.169.254/latest", json!({})), 400, invalid.into()),
        (add("-", "http://2130706433/", json!({})), 400, invalid.into()),
        (add("-", "http://", json!({})), 400, invalid.into()),
        (add("x", &good, json!({})), 400, "Invalid position for adding a location.|".into()),
        (add("-1", &good, json!({})), 400, "Invalid position for adding a location.|".into()),
        (
            add("-", &good, json!({"a": {"b": 1}})),
            400,
            "The image metadata key a has an invalid type. Only dict, list, and unicode are supported.|".into(),
        ),
        (
            json!([{"op": "replace", "path": "/locations", "value": [
                {"url": good, "metadata": {}}, {"url": good, "metadata": {}}
            ]}]),
            400,
            format!("The location {good} already exists|"),
        ),
        (
            json!([{"op": "replace", "path": "/locations", "value": vec![json!({"url": good, "metadata": {}}); 11]}]),
            413,
            "The limit has been exceeded on the number of allowed image locations. Attempted: 11, Maximum: 10|".into(),
        ),
        (add("-", &"x".repeat(256), json!({})), 400, schema(&format!("'{}' is too long", "x".repeat(256)))),
        (add("-", &good, json!([])), 400, schema("[] is not of type 'object'")),
        (with(json!(7)), 400, schema("7 is not of type 'object'")),
        (with(json!({})), 400, schema("'os_hash_algo' is a required property")),
        (with(json!({"os_hash_algo": "sha512"})), 400, schema("'os_hash_value' is a required property")),
        (said("size", "1"), 400, schema("Additional properties are not allowed ('size' was unexpected)")),
        (said("checksum", "abc"), 400, schema("'abc' is too short")),
        (said("os_hash_algo", &"x".repeat(65)), 400, schema(&format!("'{}' is too long", "x".repeat(65)))),
        (said("os_hash_algo", "md5"), 409, "os_hash_algo must be sha512, not md5|".into()),
        (said("os_hash_value", "xy"), 409, "os_hash_value (xy) is not a valid hexadecimal value|".into()),
        (
            said("os_hash_value", "abcd"),
            409,
            "os_hash_value (abcd) is not the correct size for sha512 (should be 64 bytes)|".into(),
        ),
        (
            said("checksum", &"x".repeat(32)),
            409,
            format!("checksum ({}) is not a valid hexadecimal value|", "x".repeat(32)),
        ),
        (
            json!([{"op": "remove", "path": "/locations/0"}]),
            403,
            "You are not authorized to complete delete_image_location action.|".into(),
        ),
    ];
    let id = app.create(MEMBER, ready()).await;
    let before = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    for (operations, status, message) in cases {
        let answer = app.patch(MEMBER, &id, operations.clone()).await;
        assert_eq!((answer.status, answer.message()), (status, message), "{operations}");
    }
    let early = app.patch(ADMIN, &id, json!([{"op": "remove", "path": "/locations/0"}])).await;
    let text = "It's not allowed to remove locations if image status is queued.|";
    assert_eq!((early.status, early.message()), (409, text.to_owned()));
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json(), before);
    let bare = app.create(MEMBER, json!({"disk_format": "raw"})).await;
    let answer = app.patch(MEMBER, &bare, add("-", &good, json!({}))).await;
    let text = "Property container_format must be set prior to saving data.|";
    assert_eq!((answer.status, answer.message()), (400, text.to_owned()));
    for (caller, status) in [(READER, 403), (OTHER, 404)] {
        assert_eq!(app.patch(caller, &id, add("-", &good, json!({}))).await.status, status, "{}", caller.name);
    }
}

/// An image with ten bytes in a file and at two places on the web: (caller, operations, status, message or locations left).
#[tokio::test]
async fn locations_of_an_active_image() {
    let (app, web) = (TestApp::with(shown).await, server().await);
    let id = app.active(MEMBER, json!({}), b"0123456789").await;
    let file = urls(&app.get(MEMBER, &format!("/v2/images/{id}")).await)[0].clone();
    let (a, b) = (web.url("/a"), web.url("/b"));
    for url in [&a, &b] {
        assert_eq!(app.patch(MEMBER, &id, add("-", url, json!({}))).await.status, 200);
    }
    let replace = |urls: &[&str], metadata: Value| {
        let value: Vec<Value> = urls.iter().map(|url| json!({"url": url, "metadata": metadata})).collect();
        json!([{"op": "replace", "path": "/locations", "value": value}])
    };
    let remove = |at: &str| json!([{"op": "remove", "path": format!("/locations/{at}")}]);
    let already = format!("The location {a} already exists|");
    let not_empty = "Original locations is not empty|".to_owned();
    let no_position = "Invalid position for removing a location.|".to_owned();
    let refused = [
        (MEMBER, add("-", &a, json!({})), 400, already),
        (MEMBER, replace(&[&a], json!({})), 400, not_empty.clone()),
        (MEMBER, replace(&[&file, &a, &web.url("/c")], json!({})), 400, not_empty),
        (
            MEMBER,
            replace(&[], json!({})),
            403,
            "Access was denied to this resource.|Cannot set locations to empty list.".into(),
        ),
        (MEMBER, remove("0"), 403, "You are not authorized to complete delete_image_location action.|".into()),
        (ADMIN, remove("3"), 400, no_position.clone()),
        (ADMIN, remove("x"), 400, no_position),
        (
            MEMBER,
            json!([{"op": "add", "path": "/locations/-", "value": {"url": web.url("/c"), "metadata": {}, "validation_data":
                {"os_hash_algo": "sha512", "os_hash_value": "a".repeat(128)}}}]),
            409,
            "os_hash_value is already set with a different value|".into(),
        ),
        // The first operation is good, the second is not: nothing is done.
        (
            ADMIN,
            json!([{"op": "remove", "path": "/locations/0"}, {"op": "replace", "path": "/x", "value": "y"}]),
            409,
            "There was a conflict when trying to complete your request.|Property x does not exist.".into(),
        ),
    ];
    let before = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    for (caller, operations, status, message) in refused {
        let answer = app.patch(caller, &id, operations.clone()).await;
        assert_eq!((answer.status, answer.message()), (status, message), "{operations}");
    }
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json(), before);
    assert_eq!(app.stored_files(), std::slice::from_ref(&id));

    let noted = app.patch(MEMBER, &id, replace(&[&b, &file, &a], json!({"k": ["v"]}))).await;
    assert_eq!(noted.status, 200, "{}", noted.text());
    let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["locations"][0], json!({"url": file, "metadata": {"k": ["v"], "store": "local"}}));
    assert_eq!(image["locations"][2]["metadata"], json!({"k": ["v"], "store": "web"}));

    let answer = app.patch(ADMIN, &id, remove("0")).await;
    assert_eq!((answer.status, urls(&answer)), (200, vec![a.clone(), b.clone()]));
    assert!(app.stored_files().is_empty(), "the bytes go with their location");
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "0123456789");
    assert_eq!(urls(&app.patch(ADMIN, &id, remove("-")).await), std::slice::from_ref(&a));
    let last = app.patch(ADMIN, &id, remove("0")).await;
    let text = "Access was denied to this resource.|Cannot remove last location in the image.";
    assert_eq!((last.status, last.message()), (403, text.to_owned()));
    assert_eq!(urls(&app.get(MEMBER, &format!("/v2/images/{id}")).await), [a]);
}

/// Ten locations and no more, also when many come at once.
#[tokio::test]
async fn an_image_has_ten_locations() {
    let (app, web) = (TestApp::with(shown).await, server().await);
    let id = app.active(MEMBER, json!({}), b"0123456789").await;
    for at in 1..9 {
        assert_eq!(app.patch(MEMBER, &id, add("-", &web.url(&format!("/{at}")), json!({}))).await.status, 200);
    }
    let many = (0..4).map(|at| app.patch(MEMBER, &id, add("-", &web.url(&format!("/many{at}")), json!({}))));
    let statuses: Vec<u16> = futures_util::future::join_all(many).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409, 413].contains(status)), "{statuses:?}");
    let beyond = app.patch(MEMBER, &id, add("-", &web.url("/beyond"), json!({}))).await;
    let text = "The limit has been exceeded on the number of allowed image locations. Attempted: 11, Maximum: 10|";
    assert_eq!((beyond.status, beyond.message()), (413, text.to_owned()));
}

/// A project's storage quota counts every location, also when many are named at once on different images.
#[tokio::test]
async fn locations_count_towards_the_quota() {
    let web = server().await;
    let app = TestApp::with(|config| {
        shown(config);
        config.quotas.user_storage_quota = Some(35);
    })
    .await;
    let mut images = Vec::new();
    for _ in 0..5 {
        images.push(app.create(MEMBER, ready()).await);
    }
    let many = images.iter().map(|id| app.patch(MEMBER, id, add("-", &web.url("/a"), json!({}))));
    let answers = futures_util::future::join_all(many).await;
    let (good, full): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), full.len()), (3, 2), "{answers:?}");
    let text = "Denying attempt to upload image because it exceeds the quota: The size of the data 10 will exceed the limit. \
                5 bytes remaining.|";
    assert!(full.iter().all(|answer| (answer.status, answer.message()) == (413, text.to_owned())), "{full:?}");
    let full = images.iter().zip(&answers).find(|(_, answer)| answer.status == 413).unwrap().0;
    let body = json!({"url": web.url("/b")});
    let added = app.request(MEMBER, "POST", &format!("/v2/images/{full}/locations")).json(&body).send().await;
    assert_eq!(added.status, 202);
    app.app.background.close();
    app.app.background.wait().await;
    let image = app.get(MEMBER, &format!("/v2/images/{full}")).await.json();
    assert_eq!((&image["status"], &image["locations"]), (&json!("queued"), &json!([])));
}

/// A crash between hiding a location and removing its bytes: the next start finishes it.
#[tokio::test]
async fn a_removal_that_was_cut_off_is_finished() {
    let (app, web) = (TestApp::with(shown).await, server().await);
    let id = app.active(MEMBER, json!({}), b"0123456789").await;
    assert_eq!(app.patch(MEMBER, &id, add("-", &web.url("/a"), json!({}))).await.status, 200);
    app.row("UPDATE image_locations SET status = 'pending_delete' WHERE value LIKE 'file:%'").await;
    app.row(&format!(
        "INSERT INTO glint_leases (image_id, purpose, holder, token, store, expires_at) \
         VALUES ('{id}', 'remove', 'stand-alone', 't', '', '2020-01-01 00:00:00')"
    ))
    .await;
    assert_eq!(urls(&app.get(MEMBER, &format!("/v2/images/{id}")).await), [web.url("/a")]);
    glint::work::reap::at_start(&app.app).await.unwrap();
    assert!(app.stored_files().is_empty());
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "0123456789");
}

/// One removal that cannot be finished yet, for its store is not there, keeps no other from it.
#[tokio::test]
async fn a_removal_whose_store_is_away_waits() {
    let (app, web) = (TestApp::with(shown).await, server().await);
    let mut images = Vec::new();
    for _ in 0..2 {
        let id = app.active(MEMBER, json!({}), b"0123456789").await;
        assert_eq!(app.patch(MEMBER, &id, add("-", &web.url("/a"), json!({}))).await.status, 200);
        images.push(id);
    }
    for (id, expires_at) in images.iter().zip(["2020-01-01 00:00:00", "2020-01-02 00:00:00"]) {
        app.row(&format!(
            "INSERT INTO glint_leases (image_id, purpose, holder, token, store, expires_at) \
             VALUES ('{id}', 'remove', 'stand-alone', 't', '', '{expires_at}')"
        ))
        .await;
    }
    app.row("UPDATE image_locations SET status = 'pending_delete' WHERE value LIKE 'file:%'").await;
    let of_the_first = format!("WHERE status = 'pending_delete' AND image_id = '{}'", images[0]);
    app.row(&format!("UPDATE image_locations SET value = CONCAT('away:', value) {of_the_first}")).await;
    glint::work::reap::at_start(&app.app).await.unwrap();
    assert_eq!(app.stored_files(), [images[0].clone()]);
    app.row(&format!("UPDATE image_locations SET value = REPLACE(value, 'away:', '') {of_the_first}")).await;
    glint::work::reap::at_start(&app.app).await.unwrap();
    assert!(app.stored_files().is_empty());
}

/// What a server on the web does wrong while an image is read from it.
#[tokio::test]
async fn servers_that_fail() {
    let (app, web) = (TestApp::with(shown).await, server().await);
    let image = async |url: &str| {
        let id = app.create(MEMBER, ready()).await;
        assert_eq!(app.patch(MEMBER, &id, add("-", &web.url("/a"), json!({}))).await.status, 200);
        app.row(&format!("UPDATE image_locations SET value = '{url}' WHERE image_id = '{id}'")).await;
        format!("/v2/images/{id}/file")
    };
    let closed = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    let away = "Remote server where the image is present is unavailable.|";
    let answer = app.get(MEMBER, &image(&format!("http://{closed}/a")).await).await;
    assert_eq!((answer.status, answer.message()), (503, away.to_owned()));
    assert_eq!(app.get(MEMBER, &image(&web.url("/missing")).await).await.status, 204);
    assert_eq!(app.get(MEMBER, &image(&web.url("/broken")).await).await.status, 500);
}
