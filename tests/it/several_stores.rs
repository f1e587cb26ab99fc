//! Several stores: which one takes an upload, in which order they are read, what is told of them, and taking an image out
//! of one.

use glint::config::{Config, Driver, FileStore, HttpStore, StoreConfig};
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, MEMBER, OTHER, READER};

/// Stores `local`, `fast` (the heaviest) and `slow`.
fn three(config: &mut Config) {
    let Driver::File(local) = &config.stores.enabled[0].driver else { panic!("the first is of files") };
    let folder = local.datadirs[0].0.clone();
    for (id, weight) in [("fast", 10), ("slow", -10)] {
        config.stores.enabled.push(StoreConfig {
            id: id.into(),
            description: Some(format!("The {id} one")),
            weight,
            driver: Driver::File(FileStore::in_folder(format!("{folder}-{id}"))),
        });
    }
}

#[tokio::test]
async fn an_upload_goes_where_it_is_sent() {
    let app = TestApp::with(three).await;
    let ready = json!({"disk_format": "raw", "container_format": "bare"});
    for (wanted, store) in [(None, "local"), (Some("fast"), "fast"), (Some("slow"), "slow")] {
        let id = app.create(MEMBER, ready.clone()).await;
        let ask = app.upload(MEMBER, &id, b"data");
        let ask = if let Some(wanted) = wanted { ask.header("x-image-meta-store", wanted) } else { ask };
        assert_eq!(ask.send().await.status, 204, "{wanted:?}");
        let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
        assert_eq!(image["stores"], store);
        let folder = if store == "local" { "images".to_owned() } else { format!("images-{store}") };
        assert!(app.folder().join(folder).join(&id).exists(), "{store}");
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data");
    }
    let id = app.create(MEMBER, ready).await;
    for unknown in ["zz", "", "os_glance_staging_store", "../images"] {
        let answer = app.upload(MEMBER, &id, b"data").header("x-image-meta-store", unknown).send().await;
        let message = format!("Store for identifier {unknown} not found|");
        assert_eq!((answer.status, answer.message()), (400, message));
    }
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json()["status"], "queued");
}

#[tokio::test]
async fn stores_are_told() {
    let app = TestApp::with(|config| {
        three(config);
        config.stores.enabled.push(StoreConfig {
            id: "web".into(),
            description: None,
            weight: 3,
            driver: Driver::Http(HttpStore::default()),
        });
    })
    .await;
    let expected = json!({"stores": [
        {"id": "local", "default": "true"},
        {"id": "fast", "description": "The fast one"},
        {"id": "slow", "description": "The slow one"},
        {"id": "web", "read-only": "true"},
    ]});
    assert_eq!(app.get(READER, "/v2/info/stores").await.json(), expected);
    let detail = app.get(ADMIN, "/v2/info/stores/detail").await.json();
    assert_eq!(
        detail["stores"][1],
        json!({
            "id": "fast",
            "description": "The fast one",
            "type": "file",
            "properties": {
                "data_dir": format!("{}-fast", app.folder().join("images").display()),
                "chunk_size": 65536,
                "thin_provisioning": false,
            },
            "weight": 10,
        })
    );
    assert_eq!(
        detail["stores"][3],
        json!({"id": "web", "read-only": "true", "type": "http", "properties": {}, "weight": 3})
    );
    assert_eq!(app.get(MEMBER, "/v2/info/stores/detail").await.status, 403);
}

#[tokio::test]
async fn the_heaviest_store_is_read_first() {
    let app = TestApp::with(|config| {
        three(config);
        config.api.show_multiple_locations = true;
        config.api.show_image_direct_url = true;
    })
    .await;
    let id = app.active(MEMBER, json!({}), b"data").await;
    app.copy_into(&id, "slow").await;
    app.copy_into(&id, "fast").await;
    let stores = async || {
        let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
        let listed = app.get(MEMBER, "/v2/images").await.json()["images"][0].clone();
        assert_eq!(image, listed);
        assert_eq!(image["direct_url"], image["locations"][0]["url"]);
        image["stores"].clone()
    };
    assert_eq!(stores().await, "fast,local,slow");
    // What a row does not say, or says of a store that has another name now, the URL tells.
    app.row("UPDATE image_locations SET meta_data = '{}' WHERE value LIKE '%slow%'").await;
    app.row("UPDATE image_locations SET meta_data = '{\"store\": \"quick\"}' WHERE value LIKE '%fast%'").await;
    assert_eq!(stores().await, "fast,local,slow");
    std::fs::remove_file(app.folder().join(format!("images-fast/{id}"))).unwrap();
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data", "the next one has it");
}

/// (caller, store, status, message), one after the other, on an image in all three stores.
#[tokio::test]
async fn an_image_can_be_taken_out_of_a_store() {
    let app = TestApp::with(three).await;
    let id = app.active(MEMBER, json!({}), b"data").await;
    let lone = app.active(MEMBER, json!({}), b"data").await;
    let queued = app.create(MEMBER, json!({})).await;
    app.copy_into(&id, "slow").await;
    app.copy_into(&id, "fast").await;
    let not_there = |store: &str, id: &str| format!("Image {id} is not stored in store {store}.|");
    let only = "Cannot delete image data from the only store containing it. Consider deleting the image instead.|";
    let inactive = "It's not allowed to remove image data from store if image status is not 'active'|";
    let zz = "The selected store zz is not available on this node.|";
    let staging = "The selected store os_glance_staging_store is not available on this node.|";
    let cases = [
        (
            MEMBER,
            "fast",
            id.as_str(),
            403,
            "You are not authorized to complete delete_image_location action.|".to_owned(),
        ),
        (OTHER, "fast", &id, 404, format!("Failed to find image {id}|")),
        (ADMIN, "zz", &id, 409, zz.to_owned()),
        (ADMIN, "os_glance_staging_store", &id, 409, staging.to_owned()),
        (ADMIN, "fast", "x", 404, "Failed to find image x|".to_owned()),
        (ADMIN, "local", &queued, 409, inactive.to_owned()),
        (ADMIN, "local", &lone, 403, only.to_owned()),
        (ADMIN, "fast", &id, 204, String::new()),
        (ADMIN, "fast", &id, 404, not_there("fast", &id)),
        (ADMIN, "local", &id, 204, String::new()),
        (ADMIN, "slow", &id, 403, only.to_owned()),
    ];
    for (caller, store, id, status, message) in cases {
        let answer = app.request(caller, "DELETE", &format!("/v2/stores/{store}/{id}")).send().await;
        let told = if status == 204 { String::new() } else { answer.message() };
        assert_eq!((answer.status, told), (status, message), "{} {store} {id}", caller.name);
    }
    assert!(!app.folder().join(format!("images-fast/{id}")).exists());
    assert!(!app.folder().join(format!("images/{id}")).exists());
    let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["stores"], "slow");
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data");
}

/// Of many at once, one location is left, and so are its bytes.
#[tokio::test]
async fn the_last_copy_survives_a_race() {
    let app = TestApp::with(three).await;
    for _ in 0..10 {
        let id = app.active(MEMBER, json!({}), b"data").await;
        app.copy_into(&id, "slow").await;
        app.copy_into(&id, "fast").await;
        let deletions = ["local", "fast", "slow"].map(|store| {
            let ask = app.request(ADMIN, "DELETE", &format!("/v2/stores/{store}/{id}"));
            async move { ask.send().await.status }
        });
        let statuses = futures_util::future::join_all(deletions).await;
        assert!(statuses.contains(&204), "{statuses:?}");
        assert!(statuses.iter().all(|status| [204, 403, 404, 409].contains(status)), "{statuses:?}");
        assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}/file")).await.text(), "data");
    }
}

/// One store without a name, as `enabled_backends` not set.
#[tokio::test]
async fn a_single_store_has_no_name() {
    let app = TestApp::with(|config| {
        config.stores.multi = false;
        config.api.show_multiple_locations = true;
    })
    .await;
    let created = app.request(MEMBER, "POST", "/v2/images").json(&json!({})).send().await;
    assert_eq!(created.header("openstack-image-store-ids"), None);
    let id = app.active(MEMBER, json!({}), b"data").await;
    let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!((&image["stores"], &image["locations"][0]["metadata"]), (&Value::Null, &json!({})));
    let other = app.create(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    let answer = app.upload(MEMBER, &other, b"data").header("x-image-meta-store", "zz").send().await;
    assert_eq!(answer.status, 204, "the header means nothing here");
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{other}/file")).await.text(), "data");
    for path in ["/v2/info/stores", "/v2/info/stores/detail"] {
        let answer = app.get(ADMIN, path).await;
        assert_eq!(
            (answer.status, answer.message()),
            (404, "Multi backend is not supported at this site.|".to_owned())
        );
    }
    let answer = app.request(ADMIN, "DELETE", &format!("/v2/stores/local/{id}")).send().await;
    assert_eq!((answer.status, answer.message()), (404, "The resource could not be found.|".to_owned()));
    let versions = app.get(MEMBER, "/versions").await.json();
    let ids: Vec<&str> = versions["versions"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids.join(" "), "v2.15 v2.9 v2.17 v2.7 v2.6 v2.5 v2.4 v2.3 v2.2 v2.1 v2.0");
    assert_eq!(app.request(ADMIN, "DELETE", &format!("/v2/images/{id}")).send().await.status, 204);
    assert_eq!(app.stored_files(), [other]);
}

/// (what is wrong with the stores, what is said about it at start)
#[tokio::test]
async fn stores_that_cannot_be() {
    let cases: [(fn(&mut Config), &str); 2] = [
        (|config| config.stores.enabled[0].id = "os_glance_mine".into(), "'os_glance_' prefix should not be used"),
        (|config| config.stores.default = "zz".into(), "Store for identifier zz not found"),
    ];
    for (change, text) in cases {
        let refusal = TestApp::refused(change).await;
        assert!(refusal.contains(text), "{refusal}");
    }
}
