//! Images over the API: create, show, change, delete; each refusal in the reference's words.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, ANONYMOUS, MEMBER, OTHER, READER};
use crate::harness::database::{Engine, engine};

#[tokio::test]
async fn a_new_image_has_every_attribute() {
    let app = TestApp::new().await;
    let given = json!({
        "name": "cirros", "disk_format": "qcow2", "container_format": "bare", "tags": ["b", "a"], "min_disk": 3,
        "min_ram": 64, "protected": true, "os_hidden": false, "visibility": "private", "hw_firmware_type": "uefi",
    });
    let answer = app.request(MEMBER, "POST", "/v2/images").json(&given).send().await;
    assert_eq!(answer.status, 201);
    let image = answer.json();
    let id = image["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(format!("http://images.test/v2/images/{id}").as_str()));
    assert_eq!(answer.header("openstack-image-store-ids"), Some("local"));
    assert_eq!(answer.header("openstack-image-import-methods"), None);
    let now = &image["created_at"];
    let expected = json!({
        "hw_firmware_type": "uefi", "name": "cirros", "disk_format": "qcow2", "container_format": "bare",
        "visibility": "private", "size": null, "virtual_size": null, "status": "queued", "checksum": null,
        "protected": true, "min_ram": 64, "min_disk": 3, "owner": "p1", "os_hidden": false, "os_hash_algo": null,
        "os_hash_value": null, "id": id, "created_at": now, "updated_at": now, "tags": ["a", "b"],
        "self": format!("/v2/images/{id}"), "file": format!("/v2/images/{id}/file"), "schema": "/v2/schemas/image",
    });
    assert_eq!(image, expected);
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json(), expected);
}

/// What `POST /v2/images` refuses: (body, status, message). A `|` stands between the two texts of an error.
#[tokio::test]
async fn what_cannot_be_created() {
    let app = TestApp::new().await;
    let long = "x".repeat(256);
    let cases: Vec<(String, u16, String)> = [
        ("{bad", 400, "Malformed JSON in request body.|"),
        ("\"x\"", 400, "Unexpected body type. Expected list/dict.|"),
        ("", 400, "Body expected in request.|"),
        (r#"{"name": 5}"#, 400, "Provided object does not match schema 'image': 5 is not of type 'null', 'string'|"),
        (r#"{"foo": 1}"#, 400, "Provided object does not match schema 'image': 1 is not of type 'string'|"),
        (r#"{"foo": null}"#, 400, "Provided object does not match schema 'image': None is not of type 'string'|"),
        (r#"{"foo": {"a": [true, 1.5]}}"#, 400, "Provided object does not match schema 'image': {'a': [True, 1.5]} is not of type 'string'|"),
        (r#"{"protected": "yes"}"#, 400, "Provided object does not match schema 'image': 'yes' is not of type 'boolean'|"),
        (r#"{"visibility": "zz"}"#, 400, "Provided object does not match schema 'image': 'zz' is not one of ['community', 'public', 'private', 'shared']|"),
        (r#"{"container_format": "zz"}"#, 400, "Provided object does not match schema 'image': 'zz' is not one of [None, 'ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed']|"),
        (r#"{"min_ram": 1.5}"#, 400, "Provided object does not match schema 'image': 1.5 is not of type 'integer'|"),
        (r#"{"min_disk": -1}"#, 400, "Invalid value '-1' for parameter 'min_disk': Cannot be a negative value|"),
        (r#"{"min_disk": 2147483648}"#, 400, "'min_disk' value out of range, must not exceed 2147483647.|"),
        (r#"{"id": "abc"}"#, 400, "Provided object does not match schema 'image': 'abc' does not match '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'|"),
        (r#"{"tags": "a"}"#, 400, "Provided object does not match schema 'image': 'a' is not of type 'array'|"),
        (r#"{"tags": [1]}"#, 400, "Provided object does not match schema 'image': 1 is not of type 'string'|"),
        (r#"{"status": "active"}"#, 403, "Attribute 'status' is read-only.|"),
        (r#"{"status": "nonsense"}"#, 400, "Provided object does not match schema 'image': 'nonsense' is not one of ['queued', 'saving', 'active', 'killed', 'deleted', 'uploading', 'importing', 'pending_delete', 'deactivated']|"),
        (r#"{"size": 7}"#, 403, "Attribute 'size' is read-only.|"),
        (r#"{"checksum": "x"}"#, 403, "Attribute 'checksum' is read-only.|"),
        (r#"{"self": "x"}"#, 403, "Attribute 'self' is read-only.|"),
        (r#"{"locations": []}"#, 403, "Attribute 'locations' is reserved.|"),
        (r#"{"os_glance_x": "1"}"#, 403, "Access was denied to this resource.|Attribute 'os_glance_x' is reserved."),
        (r#"{"deleted": "1"}"#, 403, "Access was denied to this resource.|Attribute 'deleted' is reserved."),
        (r#"{"owner": "p9"}"#, 403, "Access was denied to this resource.|You are not permitted to create images owned by 'p9'"),
        (r#"{"visibility": "public"}"#, 403, "You are not authorized to complete publicize_image action.|"),
    ]
    .into_iter()
    .map(|(body, status, message)| (body.to_owned(), status, message.to_owned()))
    .chain([
        (format!(r#"{{"name": "{long}"}}"#), 400, format!("Provided object does not match schema 'image': '{long}' is too long|")),
        (format!(r#"{{"{long}": "x"}}"#), 400, "Custom property should not be greater than 255 characters.|".to_owned()),
    ])
    .collect();
    for (body, status, message) in cases {
        let answer = app.request(MEMBER, "POST", "/v2/images").body(body.clone()).send().await;
        assert_eq!((answer.status, answer.message()), (status, message), "{body}");
    }
    assert_eq!(app.get(ADMIN, "/v2/images?visibility=all").await.json()["images"], json!([]), "nothing was made");
}

#[tokio::test]
async fn who_may_create_what() {
    let app = TestApp::new().await;
    let create = async |caller, body: Value| app.request(caller, "POST", "/v2/images").json(&body).send().await.status;
    assert_eq!(create(ANONYMOUS, json!({})).await, 401);
    assert_eq!(create(READER, json!({})).await, 403);
    assert_eq!(create(MEMBER, json!({"visibility": "community"})).await, 201);
    assert_eq!(create(ADMIN, json!({"visibility": "public", "owner": "p9"})).await, 201);
}

#[tokio::test]
async fn an_id_is_used_once_and_for_ever() {
    let app = TestApp::new().await;
    let id = "11111111-2222-3333-4444-555555555555";
    let message = format!("Image ID {id} already exists!|");
    let create = async |caller| app.request(caller, "POST", "/v2/images").json(&json!({"id": id})).send().await;
    assert_eq!(create(MEMBER).await.json()["id"], id);
    assert_eq!((create(OTHER).await.status, create(OTHER).await.message()), (409, message.clone()));
    assert_eq!(app.request(MEMBER, "DELETE", &format!("/v2/images/{id}")).send().await.status, 204);
    assert_eq!((create(ADMIN).await.status, create(MEMBER).await.message()), (409, message));
    assert_eq!(app.get(ADMIN, &format!("/v2/images/{id}")).await.status, 404, "not even administrators see it");
}

#[tokio::test]
async fn quotas_of_one_image() {
    let app = TestApp::with(|config| {
        config.quotas.image_property_quota = Some(2);
        config.quotas.image_tag_quota = Some(2);
    })
    .await;
    let cases = [
        (json!({"a": "1", "b": "2"}), 201, ""),
        (
            json!({"a": "1", "b": "2", "c": "3"}),
            413,
            "The limit has been exceeded on the number of allowed image properties. Attempted: 3, Maximum: 2|",
        ),
        (json!({"tags": ["a", "b"]}), 201, ""),
        (
            json!({"tags": ["a", "b", "b"]}),
            413,
            "The limit has been exceeded on the number of allowed image tags. Attempted: 3, Maximum: 2|",
        ),
    ];
    for (body, status, message) in cases {
        let answer = app.request(MEMBER, "POST", "/v2/images").json(&body).send().await;
        assert_eq!(answer.status, status, "{body}");
        if status != 201 {
            assert_eq!(answer.message(), message);
        }
    }
    let id = app.create(MEMBER, json!({"a": "1", "tags": ["a", "b"]})).await;
    let third = app.request(MEMBER, "PUT", &format!("/v2/images/{id}/tags/c")).send().await;
    assert_eq!(third.status, 413);
    assert_eq!(
        third.message(),
        format!(
            "Image tag limit exceeded for image {id}: The limit has been exceeded on the number of allowed image tags. Attempted: 3, Maximum: 2:|"
        )
    );
    let change = json!([{"op": "add", "path": "/b", "value": "2"}, {"op": "add", "path": "/c", "value": "3"}]);
    assert_eq!(app.patch(MEMBER, &id, change).await.status, 413);
    let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!((&image["b"], &image["tags"]), (&Value::Null, &json!(["a", "b"])), "nothing was changed");
}

#[tokio::test]
async fn patches_apply_in_order_and_together() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({"name": "a", "keep": "1", "drop": "2", "tags": ["x"]})).await;
    let answer = app
        .patch(
            MEMBER,
            &id,
            json!([
                {"op": "replace", "path": "/name", "value": "b"},
                {"op": "add", "path": "/new", "value": "n"},
                {"op": "replace", "path": "/new", "value": "m"},
                {"op": "remove", "path": "/drop"},
                {"op": "add", "path": "/tags", "value": ["y", "z"]},
                {"op": "add", "path": "/with~1slash~0", "value": "s"},
                {"op": "replace", "path": "/min_ram", "value": 7},
                {"op": "replace", "path": "/disk_format", "value": "raw"},
            ]),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let image = answer.json();
    let expected = [
        ("name", json!("b")),
        ("new", json!("m")),
        ("drop", Value::Null),
        ("keep", json!("1")),
        ("tags", json!(["y", "z"])),
        ("with/slash~", json!("s")),
        ("min_ram", json!(7)),
        ("disk_format", json!("raw")),
    ];
    for (name, value) in expected {
        assert_eq!(image[name], value, "{name}");
    }
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json(), image);

    let half = json!([{"op": "replace", "path": "/name", "value": "c"}, {"op": "remove", "path": "/nope"}]);
    assert_eq!(app.patch(MEMBER, &id, half).await.status, 409);
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json(), image, "all or nothing");
    assert_eq!(app.patch(READER, &id, json!([])).await.status, 200, "changing nothing needs no right");
}

/// Names and tags are told apart by case. MariaDB has one row for both names: what it cannot keep apart is refused, and nothing is
/// written under another's name.
#[tokio::test]
async fn case_makes_a_difference() {
    let app = TestApp::new().await;
    let is_one_name = engine() == Engine::MySql;
    for given in [json!({"id": "99999999-9999-4999-8999-999999999999"}), json!({})] {
        let mut both = given.clone();
        both["a"] = "1".into();
        both["A"] = "2".into();
        let answer = app.request(MEMBER, "POST", "/v2/images").json(&both).send().await;
        assert_eq!(answer.status, if is_one_name { 400 } else { 201 }, "{}", answer.text());
    }
    let id = app.create(MEMBER, json!({"a": "1", "tags": ["x", "X"]})).await;
    let shown = async || {
        let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
        (image["a"].clone(), image["A"].clone(), image["tags"].clone())
    };
    let second = json!([{"op": "add", "path": "/A", "value": "2"}]);
    let answer = app.patch(MEMBER, &id, second).await;
    assert_eq!(answer.status, if is_one_name { 400 } else { 200 }, "{}", answer.text());
    let a = if is_one_name { Value::Null } else { json!("2") };
    assert_eq!(shown().await, (json!("1"), a, json!(["X", "x"])));
    let renamed = json!([{"op": "remove", "path": "/a"}, {"op": "add", "path": "/A", "value": "3"}]);
    assert_eq!(app.patch(MEMBER, &id, renamed).await.status, 200);
    assert_eq!(app.request(MEMBER, "DELETE", &format!("/v2/images/{id}/tags/x")).send().await.status, 204);
    assert_eq!(shown().await, (Value::Null, json!("3"), json!(["X"])));
}

/// What a patch refuses: (operations, status, message).
#[tokio::test]
async fn what_cannot_be_patched() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({"name": "a"})).await;
    let cases = [
        (json!({}), 400, "Request body must be a JSON array of operation objects.|"),
        (json!([1]), 400, "Operations must be JSON objects.|"),
        (
            json!([{"op": "test", "path": "/name", "value": "x"}]),
            400,
            "Invalid operation: `test`. It must be one of the following: add, remove, replace.|",
        ),
        (
            json!([{"op": "move", "path": "/name", "from": "/x"}]),
            400,
            "Invalid operation: `move`. It must be one of the following: add, remove, replace.|",
        ),
        (
            json!([{"path": "/name", "value": "x"}]),
            400,
            "Unable to find `op` in JSON Schema change. It must be one of the following: add, remove, replace.|",
        ),
        (json!([{"op": "replace", "value": "x"}]), 400, "Unable to find 'path' in JSON Schema change|"),
        (json!([{"op": "replace", "path": "/name"}]), 400, "Operation \"replace\" requires a member named \"value\".|"),
        (json!([{"op": "replace", "path": 5, "value": "x"}]), 400, "A JSON pointer must be a string.|"),
        (json!([{"op": "replace", "path": "name", "value": "x"}]), 400, "Pointer `name` does not start with \"/\".|"),
        (json!([{"op": "replace", "path": "/a//b", "value": "x"}]), 400, "Pointer `/a//b` contains adjacent \"/\".|"),
        (json!([{"op": "replace", "path": "/a/ /b", "value": "x"}]), 400, "Pointer `/a/ /b` contains adjacent \"/\".|"),
        (json!([{"op": "replace", "path": "/a/", "value": "x"}]), 400, "Pointer `/a/` end with \"/\".|"),
        (
            json!([{"op": "replace", "path": "/~2", "value": "x"}]),
            400,
            "Pointer `/~2` contains \"~\" not part of a recognized escape sequence.|",
        ),
        (
            json!([{"op": "replace", "path": "/a~", "value": "x"}]),
            400,
            "Pointer `/a~` contains \"~\" not part of a recognized escape sequence.|",
        ),
        (
            json!([{"op": "replace", "path": "/a/b", "value": "x"}]),
            400,
            "Invalid JSON pointer for this resource: '/a/b'|",
        ),
        (
            json!([{"op": "add", "path": "/tags/-", "value": "x"}]),
            400,
            "Invalid JSON pointer for this resource: '/tags/-'|",
        ),
        (
            json!([{"op": "replace", "path": "/", "value": "x"}]),
            409,
            "There was a conflict when trying to complete your request.|Property  does not exist.",
        ),
        (
            json!([{"op": "replace", "path": "/foo", "value": "x"}]),
            409,
            "There was a conflict when trying to complete your request.|Property foo does not exist.",
        ),
        (
            json!([{"op": "remove", "path": "/foo"}]),
            409,
            "There was a conflict when trying to complete your request.|Property foo does not exist.",
        ),
        (
            json!([{"op": "remove", "path": "/name"}]),
            403,
            "Access was denied to this resource.|Property name may not be removed.",
        ),
        (
            json!([{"op": "remove", "path": "/tags"}]),
            403,
            "Access was denied to this resource.|Property tags may not be removed.",
        ),
        (json!([{"op": "replace", "path": "/status", "value": "active"}]), 403, "Attribute 'status' is read-only.|"),
        (json!([{"op": "replace", "path": "/id", "value": "x"}]), 403, "Attribute 'id' is read-only.|"),
        (json!([{"op": "replace", "path": "/stores", "value": "x"}]), 403, "Attribute 'stores' is read-only.|"),
        (json!([{"op": "add", "path": "/deleted_at", "value": "x"}]), 403, "Attribute 'deleted_at' is reserved.|"),
        (json!([{"op": "add", "path": "/os_glance_y", "value": "x"}]), 403, "Attribute 'os_glance_y' is reserved.|"),
        (
            json!([{"op": "replace", "path": "/owner", "value": "p2"}]),
            403,
            "Access was denied to this resource.|Owner can't be updated by non admin.",
        ),
        (
            json!([{"op": "add", "path": "/owner", "value": "p2"}]),
            403,
            "Access was denied to this resource.|Owner can't be updated by non admin.",
        ),
        (
            json!([{"op": "replace", "path": "/visibility", "value": "public"}]),
            403,
            "You are not authorized to complete publicize_image action.|",
        ),
        (
            json!([{"op": "replace", "path": "/min_disk", "value": -1}]),
            400,
            "Invalid value '-1' for parameter 'min_disk': Cannot be a negative value|",
        ),
        (
            json!([{"op": "replace", "path": "/min_disk", "value": 99_999_999_999_i64}]),
            400,
            "'min_disk' value out of range, must not exceed 2147483647.|",
        ),
        (
            json!([{"op": "replace", "path": "/min_disk", "value": 1e30}]),
            400,
            "'min_disk' value out of range, must not exceed 2147483647.|",
        ),
        (
            json!([{"op": "replace", "path": "/locations", "value": []}]),
            403,
            "Access was denied to this resource.|Cannot set locations to empty list.",
        ),
        (
            json!([{"op": "add", "path": "/locations/-", "value": {"url": "http://x", "metadata": {}}}]),
            403,
            "It's not allowed to add locations if locations are invisible.|",
        ),
        (
            json!([{"op": "add", "path": "/locations/-", "value": {"url": "http://x"}}]),
            400,
            "Provided object does not match schema 'image': 'metadata' is a required property|",
        ),
        (
            json!([{"op": "remove", "path": "/locations/0"}]),
            403,
            "You are not authorized to complete delete_image_location action.|",
        ),
    ];
    let before = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    for (operations, status, message) in cases {
        let answer = app.patch(MEMBER, &id, operations.clone()).await;
        assert_eq!((answer.status, answer.message()), (status, message.to_owned()), "{operations}");
    }
    assert_eq!(app.get(MEMBER, &format!("/v2/images/{id}")).await.json(), before);
    assert_eq!(app.patch(OTHER, &id, json!([])).await.status, 404);
}

#[tokio::test]
async fn the_older_patch_names_its_operation_by_member() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({"name": "a", "p": "1"})).await;
    let patch = async |operations: Value| {
        app.request(MEMBER, "PATCH", &format!("/v2/images/{id}"))
            .header("content-type", "application/openstack-images-v2.0-json-patch")
            .body(operations.to_string())
            .send()
            .await
    };
    let done = patch(json!([{"replace": "/name", "value": "b"}, {"add": "/q", "value": "2"}, {"remove": "/p"}])).await;
    assert_eq!((done.status, &done.json()["name"], &done.json()["q"]), (200, &json!("b"), &json!("2")));
    let cases = [
        (
            json!([{"add": "/q", "value": "3"}]),
            409,
            "There was a conflict when trying to complete your request.|Property q already present.",
        ),
        (
            json!([{"add": "/name", "value": "3"}]),
            409,
            "There was a conflict when trying to complete your request.|Property name already present.",
        ),
        (
            json!([{"op": "add", "path": "/x", "value": "3"}]),
            400,
            "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".|",
        ),
        (
            json!([{"add": "/x", "remove": "/x", "value": "3"}]),
            400,
            "Operation objects must contain only one member named \"add\", \"remove\", or \"replace\".|",
        ),
    ];
    for (operations, status, message) in cases {
        let answer = patch(operations.clone()).await;
        assert_eq!((answer.status, answer.message()), (status, message.to_owned()), "{operations}");
    }
}

#[tokio::test]
async fn a_patch_of_another_type_is_told_which_ones_there_are() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({})).await;
    for content_type in ["application/json", "application/json-patch+json", "text/plain"] {
        let answer = app
            .request(MEMBER, "PATCH", &format!("/v2/images/{id}"))
            .header("content-type", content_type)
            .body("[]")
            .send()
            .await;
        assert_eq!(answer.status, 415);
        let types = "application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch";
        assert_eq!(answer.header("accept-patch"), Some(types));
        let lead = format!("The request media type {content_type} is not supported by this server.\n");
        assert_eq!(answer.message(), format!("{lead}|Image PATCH expects Content-Type one of: {types}"));
    }
}

#[tokio::test]
async fn formats_are_fixed_once_there_is_data() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({"name": "a"}), b"data").await;
    for format in ["disk_format", "container_format"] {
        let change = json!([{"op": "replace", "path": format!("/{format}"), "value": null}]);
        let answer = app.patch(MEMBER, &id, change).await;
        let message = format!("Attribute {format} can be only replaced for a queued image.|");
        assert_eq!((answer.status, answer.message()), (403, message));
    }
}

#[tokio::test]
async fn deleting() {
    let app = TestApp::new().await;
    let id = app.active(MEMBER, json!({"name": "a", "tags": ["t"], "p": "v"}), b"data").await;
    let path = format!("/v2/images/{id}");
    let delete = async |caller| app.request(caller, "DELETE", &path).send().await;
    assert_eq!(delete(OTHER).await.message(), format!("Failed to find image {id} to delete|"));
    assert_eq!(delete(READER).await.message(), "You are not authorized to complete delete_image action.|");
    app.patch(MEMBER, &id, json!([{"op": "replace", "path": "/protected", "value": true}])).await;
    let protected = delete(MEMBER).await;
    assert_eq!(
        (protected.status, protected.message()),
        (403, format!("Image {id} is protected and cannot be deleted.|"))
    );
    assert_eq!(app.stored_files(), std::slice::from_ref(&id));
    app.patch(MEMBER, &id, json!([{"op": "replace", "path": "/protected", "value": false}])).await;
    assert_eq!(delete(MEMBER).await.status, 204);
    assert_eq!(app.stored_files(), [""; 0], "the data is gone");
    assert_eq!(delete(MEMBER).await.status, 404);
    assert_eq!(app.get(MEMBER, &path).await.message(), format!("No image found with ID {id}|"));
    assert_eq!(app.get(ADMIN, "/v2/images?visibility=all").await.json()["images"], json!([]));
}

/// What is hidden reads like what is not there, byte for byte.
#[tokio::test]
async fn hidden_and_missing_images_answer_alike() {
    let app = TestApp::new().await;
    // However much belongs to it: what is read of that takes time.
    let mut image = json!({"visibility": "private"});
    for at in 0..100 {
        image[format!("property_{at}")] = "x".into();
    }
    let hidden = app.active(MEMBER, image, b"data").await;
    let missing = "99999999-2222-3333-4444-555555555555";
    let place = r#"{"url": "http://192.0.2.1/a", "validation_data": {}}"#;
    let asks: [(&str, &str, &str); 19] = [
        ("GET", "", ""),
        ("PATCH", "", "[]"),
        ("DELETE", "", ""),
        ("GET", "/file", ""),
        ("PUT", "/file", "data"),
        ("PUT", "/stage", "data"),
        ("POST", "/import", r#"{"method": {"name": "glance-direct"}}"#),
        ("GET", "/tasks", ""),
        ("GET", "/locations", ""),
        ("POST", "/locations", place),
        ("GET", "/members", ""),
        ("POST", "/members", r#"{"member": "p3"}"#),
        ("GET", "/members/p3", ""),
        ("PUT", "/members/p3", r#"{"status": "accepted"}"#),
        ("DELETE", "/members/p3", ""),
        ("PUT", "/tags/x", ""),
        ("DELETE", "/tags/x", ""),
        ("POST", "/actions/deactivate", ""),
        ("POST", "/actions/reactivate", ""),
    ];
    for (method, below, body) in asks {
        let answers = [&hidden, missing].map(async |id: &str| {
            let mut ask = app.request(OTHER, method, &format!("/v2/images/{id}{below}"));
            ask = match method {
                "PATCH" => ask.header("content-type", crate::harness::app::PATCH_TYPE),
                _ => ask.header("content-type", "application/octet-stream"),
            };
            let before = app.app.db.counts();
            let answer = if body.is_empty() { ask.send().await } else { ask.body(body).send().await };
            let after = app.app.db.counts();
            let cost = (after.statements - before.statements, after.steps - before.steps);
            // No method of import is on: no image is looked for.
            let status = if below == "/import" { 400 } else { 404 };
            assert_eq!(answer.status, status, "{method} {below}: {}", answer.text());
            (answer.text().replace(id, "ID"), cost)
        });
        let [hidden, missing] = answers;
        let (hidden, hidden_cost) = hidden.await;
        let (missing, missing_cost) = missing.await;
        assert_eq!(hidden, missing, "{method} {below}");
        // A clock tells no more than the database's own steps do: some looks at one row, far below a microsecond.
        assert_eq!(hidden_cost.0, missing_cost.0, "{method} {below}: statements");
        assert!(hidden_cost.1.abs_diff(missing_cost.1) < 60, "{method} {below}: {hidden_cost:?} {missing_cost:?}");
    }
}

#[tokio::test]
async fn tags() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({})).await;
    let tag = async |method: &str, tag: &str| {
        app.request(MEMBER, method, &format!("/v2/images/{id}/tags/{tag}")).send().await.status
    };
    let long = "x".repeat(256);
    let longest = "\u{e4}".repeat(255);
    let longest_encoded = "%C3%A4".repeat(255);
    for (method, value, status) in [
        ("PUT", "a%20b", 204),
        ("PUT", "a%20b", 204),
        ("PUT", "x%2Fy", 404),
        ("PUT", &long, 400),
        ("PUT", &longest_encoded, 204),
        ("DELETE", "none", 404),
        ("PUT", "c", 204),
        ("DELETE", "c", 204),
        ("DELETE", "c", 404),
        ("PUT", "c", 204),
    ] {
        assert_eq!(tag(method, value).await, status, "{method} {value}");
    }
    let image = app.get(MEMBER, &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["tags"], json!(["a b", "c", longest]));
}
