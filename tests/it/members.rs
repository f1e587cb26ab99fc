//! Members: with whom an image is shared, who may say so, and what they answer.

use serde_json::{Value, json};

use crate::harness::app::{Answer, TestApp};
use crate::harness::callers::{ADMIN, Caller, MEMBER, OTHER, READER};

const THIRD: Caller = Caller { name: "third", project: Some("p3"), roles: "member,reader" };

async fn ask(app: &TestApp, caller: Caller, method: &str, path: &str, body: Option<Value>) -> Answer {
    let ask = app.request(caller, method, path);
    match body {
        None => ask.send().await,
        Some(body) => ask.json(&body).send().await,
    }
}

#[tokio::test]
async fn sharing() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({"name": "a"})).await;
    let members = format!("/v2/images/{id}/members");
    let added = ask(&app, MEMBER, "POST", &members, Some(json!({"member": "p2"}))).await;
    assert_eq!(added.status, 200, "not 201");
    let now = added.json()["created_at"].clone();
    let expected = json!({
        "member_id": "p2", "image_id": id, "status": "pending", "created_at": now, "updated_at": now,
        "schema": "/v2/schemas/member",
    });
    assert_eq!(added.json(), expected);
    assert_eq!(app.get(OTHER, &format!("{members}/p2")).await.json(), expected);
    ask(&app, MEMBER, "POST", &members, Some(json!({"member": "p3"}))).await;

    let all = app.get(MEMBER, &members).await.json();
    assert_eq!(all["schema"], "/v2/schemas/members");
    let ids = |list: &Value| -> Vec<String> {
        let members = list["members"].as_array().unwrap();
        members.iter().map(|member| member["member_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&all), ["p2", "p3"]);
    assert_eq!(ids(&app.get(OTHER, &members).await.json()), ["p2"], "a member sees only itself");

    let accepted = ask(&app, OTHER, "PUT", &format!("{members}/p2"), Some(json!({"status": "accepted"}))).await;
    assert_eq!((accepted.status, &accepted.json()["status"]), (200, &json!("accepted")));
    assert_eq!(ask(&app, MEMBER, "DELETE", &format!("{members}/p2"), None).await.status, 204);
    assert_eq!(app.get(OTHER, &format!("/v2/images/{id}")).await.status, 404, "sharing is over");
    let again = ask(&app, MEMBER, "POST", &members, Some(json!({"member": "p2"}))).await;
    assert_eq!((again.status, &again.json()["status"]), (200, &json!("pending")), "and begins anew");
}

/// (caller, method, path behind the image, body, status, message)
#[tokio::test]
async fn what_is_refused() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({"name": "a"})).await;
    let private = app.create(MEMBER, json!({"visibility": "private"})).await;
    ask(&app, MEMBER, "POST", &format!("/v2/images/{id}/members"), Some(json!({"member": "p2"}))).await;
    let form = "Expected a member in the form: {\"member\": \"image_id\"}|".to_owned();
    let not_allowed = |what: &str| format!("You are not authorized to complete {what} action.|");
    let status = |status: Value| Some(json!({"status": status}));
    let wrong_status = "Incorrect request: Status must be \"pending\", \"accepted\" or \"rejected\".|".to_owned();
    let no_member = |member: &str| format!("{member} not found in the member list of the image {id}.|");
    let cases = [
        (MEMBER, "POST", "", Some(json!({"member": "p2"})), 409, format!("Member p2 is duplicated for image {id}|")),
        (MEMBER, "POST", "", Some(json!({"member": ""})), 400, "Member can't be empty|".into()),
        (MEMBER, "POST", "", Some(json!({"member": null})), 400, "Member can't be empty|".into()),
        (MEMBER, "POST", "", Some(json!({"member": 5})), 400, form.clone()),
        (MEMBER, "POST", "", Some(json!({"x": "p2"})), 400, "Member to be added not specified|".into()),
        (MEMBER, "POST", "", Some(json!(["p2"])), 400, form),
        (MEMBER, "POST", "", None, 400, "Body expected in request.|".into()),
        (READER, "POST", "", Some(json!({"member": "p3"})), 403, not_allowed("add_member")),
        (OTHER, "POST", "", Some(json!({"member": "p3"})), 403, not_allowed("add_member")),
        (MEMBER, "PUT", "/p2", status(json!("accepted")), 403, not_allowed("modify_member")),
        (OTHER, "PUT", "/p2", status(json!("zz")), 400, wrong_status.clone()),
        (OTHER, "PUT", "/p2", status(json!(5)), 400, wrong_status),
        (OTHER, "PUT", "/p2", Some(json!({})), 400, "Status not specified|".into()),
        (OTHER, "PUT", "/p2", Some(json!([])), 400, "Expected a status in the form: {\"status\": \"status\"}|".into()),
        (OTHER, "PUT", "/p3", status(json!("accepted")), 404, no_member("p3")),
        (OTHER, "DELETE", "/p2", None, 403, not_allowed("delete_member")),
        (MEMBER, "DELETE", "/p3", None, 404, no_member("p3")),
        (MEMBER, "GET", "/p3", None, 404, no_member("p3")),
        (OTHER, "GET", "/p1", None, 404, no_member("p1")),
        (THIRD, "GET", "", None, 404, format!("Image {id} not found.|")),
        (THIRD, "PUT", "/p2", status(json!("accepted")), 404, format!("Image {id} not found.|")),
    ];
    for (caller, method, below, body, status, message) in cases {
        let path = format!("/v2/images/{id}/members{below}");
        let answer = ask(&app, caller, method, &path, body.clone()).await;
        assert_eq!((answer.status, answer.message()), (status, message), "{} {method} {below} {body:?}", caller.name);
    }
    let cases = [
        (
            "GET",
            "",
            None,
            403,
            format!("Not allowed to list members for image {private}: Only shared images have members.|"),
        ),
        (
            "POST",
            "",
            Some(json!({"member": "p2"})),
            403,
            format!("Not allowed to create members for image {private}.|"),
        ),
        ("GET", "/p2", None, 404, "Only shared images have members.|".to_owned()),
        (
            "PUT",
            "/p2",
            Some(json!({"status": "accepted"})),
            403,
            format!("Not allowed to update members for image {private}.|"),
        ),
        ("DELETE", "/p2", None, 403, format!("Not allowed to delete members for image {private}.|")),
    ];
    for (method, below, body, status, message) in cases {
        let path = format!("/v2/images/{private}/members{below}");
        let answer = ask(&app, MEMBER, method, &path, body).await;
        assert_eq!((answer.status, answer.message()), (status, message), "{method} {below}");
    }
}

/// However many are added at once, there are never more members than the quota.
#[tokio::test(flavor = "multi_thread")]
async fn the_member_quota_holds() {
    let app = TestApp::with(|config| config.quotas.image_member_quota = Some(3)).await;
    let id = app.create(MEMBER, json!({})).await;
    let members = format!("/v2/images/{id}/members");
    let adds = (0..20).map(|at| {
        tokio::spawn(app.request(MEMBER, "POST", &members).json(&json!({"member": format!("m{at}")})).send())
    });
    let mut refused = Vec::new();
    for add in adds.collect::<Vec<_>>() {
        let answer = add.await.unwrap();
        if answer.status != 200 {
            refused.push((answer.status, answer.message()));
        }
    }
    let message = format!(
        "Image member limit exceeded for image {id}: The limit has been exceeded on the number of allowed image \
         members for this image. Attempted: 4, Maximum: 3:|"
    );
    assert_eq!(refused, vec![(413, message); 17]);
    assert_eq!(app.get(ADMIN, &members).await.json()["members"].as_array().unwrap().len(), 3);
}

/// However often one is added at once, it is one member.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_a_member_twice() {
    let app = TestApp::new().await;
    let id = app.create(MEMBER, json!({})).await;
    let members = format!("/v2/images/{id}/members");
    for round in ["new", "removed before"] {
        let adds = (0..20)
            .map(|_| tokio::spawn(app.request(MEMBER, "POST", &members).json(&json!({"member": "p2"})).send()))
            .collect::<Vec<_>>();
        let mut told = Vec::new();
        for add in adds {
            told.push(add.await.unwrap().status);
        }
        told.sort_unstable();
        assert_eq!((told[0], &told[1..]), (200, &[409; 19][..]), "{round}");
        assert_eq!(app.get(ADMIN, &members).await.json()["members"].as_array().unwrap().len(), 1, "{round}");
        assert_eq!(ask(&app, MEMBER, "DELETE", &format!("{members}/p2"), None).await.status, 204, "{round}");
    }
}
