//! Lists of images: who finds what, filters, orders, pages and their links.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::callers::{ADMIN, Caller, MEMBER, OTHER};
use crate::harness::database::{Engine, engine};

/// The names on the page at `path`, in order.
async fn names(app: &TestApp, caller: Caller, path: &str) -> Vec<String> {
    let answer = app.get(caller, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    let name = |image: &Value| image["name"].as_str().unwrap_or("null").to_owned();
    answer.json()["images"].as_array().unwrap().iter().map(name).collect()
}

/// Images of every visibility, of two projects, one of them shared with the other in each state.
async fn gallery() -> TestApp {
    let app = TestApp::new().await;
    for visibility in ["private", "shared", "community"] {
        app.create(MEMBER, json!({"name": format!("own-{visibility}"), "visibility": visibility})).await;
        app.create(OTHER, json!({"name": format!("other-{visibility}"), "visibility": visibility})).await;
    }
    app.create(ADMIN, json!({"name": "public", "visibility": "public"})).await;
    app.create(MEMBER, json!({"name": "own-hidden", "os_hidden": true})).await;
    for status in ["pending", "accepted", "rejected"] {
        let id = app.create(OTHER, json!({"name": format!("from-other-{status}")})).await;
        let members = format!("/v2/images/{id}/members");
        let shared = app.request(OTHER, "POST", &members).json(&json!({"member": "p1"})).send().await;
        assert_eq!(shared.status, 200, "{}", shared.text());
        let answer = app.request(MEMBER, "PUT", &format!("{members}/p1")).json(&json!({"status": status})).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    app
}

/// Who finds which images: (caller, query, names in order of name).
#[tokio::test]
async fn who_finds_what() {
    let app = gallery().await;
    let cases: [(Caller, &str, &[&str]); 17] = [
        (MEMBER, "", &["from-other-accepted", "own-community", "own-private", "own-shared", "public"]),
        (MEMBER, "visibility=public", &["public"]),
        (MEMBER, "visibility=private", &["own-private"]),
        (MEMBER, "visibility=shared", &["from-other-accepted", "own-shared"]),
        (MEMBER, "visibility=community", &["other-community", "own-community"]),
        (
            MEMBER,
            "visibility=all",
            &["from-other-accepted", "other-community", "own-community", "own-private", "own-shared", "public"],
        ),
        (MEMBER, "visibility=shared&member_status=pending", &["from-other-pending", "own-shared"]),
        (MEMBER, "visibility=shared&member_status=rejected", &["from-other-rejected", "own-shared"]),
        (
            MEMBER,
            "visibility=shared&member_status=all",
            &["from-other-accepted", "from-other-pending", "from-other-rejected", "own-shared"],
        ),
        (MEMBER, "owner=p2&visibility=private", &[]),
        (MEMBER, "owner=p2", &["from-other-accepted"]),
        (MEMBER, "os_hidden=true", &["own-hidden"]),
        (MEMBER, "os_hidden=FALSE&owner=p1", &["own-community", "own-private", "own-shared"]),
        (OTHER, "visibility=private", &["other-private"]),
        (ADMIN, "visibility=private", &["other-private", "own-private"]),
        (ADMIN, "visibility=community", &["other-community", "own-community"]),
        (
            ADMIN,
            "",
            &[
                "from-other-accepted",
                "from-other-pending",
                "from-other-rejected",
                "other-private",
                "other-shared",
                "own-private",
                "own-shared",
                "public",
            ],
        ),
    ];
    for (caller, query, expected) in cases {
        let found = names(&app, caller, &format!("/v2/images?sort=name:asc&{query}")).await;
        assert_eq!(found, expected, "{} ?{query}", caller.name);
        // In the usual order the list is put together differently: page by page, newest first, the same images.
        let mut walked = Vec::new();
        let mut next = Some(format!("/v2/images?limit=2&{query}"));
        while let Some(path) = next {
            let page = app.get(caller, &path).await.json();
            let images = page["images"].as_array().unwrap();
            let text = |image: &Value, name: &str| image[name].as_str().unwrap().to_owned();
            walked.extend(images.iter().map(|image| (text(image, "created_at"), text(image, "name"))));
            next = page["next"].as_str().map(str::to_owned);
        }
        assert!(walked.windows(2).all(|two| two[0].0 >= two[1].0), "{} ?{query}: {walked:?}", caller.name);
        let mut found: Vec<String> = walked.into_iter().map(|(_, name)| name).collect();
        found.sort();
        assert_eq!(found, expected, "{} ?{query}, page by page", caller.name);
    }
}

/// Images that differ in everything a filter can ask for, made a second apart.
async fn shelf() -> TestApp {
    let app = TestApp::new().await;
    let images = [
        json!({"name": "a", "disk_format": "raw", "container_format": "bare", "tags": ["x", "y"], "os": "linux"}),
        json!({"name": "b", "disk_format": "qcow2", "container_format": "bare", "tags": ["x"], "os": "linux", "v": "1"}),
        json!({"name": "c", "disk_format": "raw", "container_format": "ova", "min_ram": 64, "protected": true}),
        json!({"name": "d,e", "min_disk": 2, "os": "50%_\\"}),
        json!({}),
    ];
    for image in images {
        app.create(MEMBER, image).await;
        app.clock.advance(chrono::Duration::seconds(1));
    }
    app
}

/// (query, names in order of name)
#[tokio::test]
async fn filters() {
    let app = shelf().await;
    let cases: [(&str, &[&str]); 29] = [
        ("name=a", &["a"]),
        ("name=in:a,b", &["a", "b"]),
        ("name=in:\"d,e\",a", &["a", "d,e"]),
        ("name=in:", &[]),
        ("name=' OR 1=1--", &[]),
        ("name=%25", &[]),
        ("disk_format=raw", &["a", "c"]),
        ("disk_format=in:raw,qcow2&container_format=bare", &["a", "b"]),
        ("status=queued&name=a", &["a"]),
        ("status=active", &[]),
        ("status=in:active,queued&os=linux", &["a", "b"]),
        ("tag=x", &["a", "b"]),
        ("tag=x&tag=y", &["a"]),
        ("tag=z", &[]),
        ("os=linux", &["a", "b"]),
        ("os=linux&v=1", &["b"]),
        ("os=50%25_%5C", &["d,e"]),
        ("os=%25", &[]),
        ("nope=1", &[]),
        ("protected=true", &["c"]),
        ("min_ram_min=1", &["c"]),
        ("min_disk_max=1", &["null", "a", "b", "c"]),
        ("min_ram=64", &["c"]),
        ("min_ram=abc", &[]),
        ("size_min=1", &[]),
        ("created_at=gt:2001-01-01T00:00:00Z", &["null", "a", "b", "c", "d,e"]),
        ("created_at=lt:2001-01-01", &[]),
        ("updated_at=gte:2001-01-01T00:00:00%2B02:00&name=a", &["a"]),
        ("created_at=neq:2001&name=b", &["b"]),
    ];
    for (query, expected) in cases {
        let found =
            names(&app, MEMBER, &format!("/v2/images?sort=name:asc&{}", query.replace(' ', "%20").replace('"', "%22")))
                .await;
        let mut expected = expected.to_vec();
        if engine() == Engine::PostgreSql {
            // NULL comes last there.
            expected.sort_by_key(|name| *name == "null");
        }
        assert_eq!(found, expected, "?{query}");
    }
}

#[tokio::test]
async fn times_compare_to_the_microsecond() {
    let app = TestApp::new().await;
    app.create(MEMBER, json!({"name": "a"})).await;
    let exact = app.app.clock.now();
    app.clock.advance(chrono::Duration::seconds(5));
    app.create(MEMBER, json!({"name": "b"})).await;
    let at = |offset: i64| (exact + chrono::Duration::seconds(offset)).format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    assert_eq!(names(&app, MEMBER, &format!("/v2/images?created_at=lt:{}", at(2))).await, ["a"]);
    assert_eq!(names(&app, MEMBER, &format!("/v2/images?created_at=gt:{}", at(2))).await, ["b"]);
    assert_eq!(names(&app, MEMBER, &format!("/v2/images?created_at={}", at(2))).await, [""; 0]);
}

/// (query, names, and names on PostgreSQL, where NULL is greater than everything: the reference asks for no other order)
#[tokio::test]
async fn orders() {
    let app = shelf().await;
    let usual = ["null", "d,e", "c", "b", "a"];
    let by_name = ["a", "b", "c", "d,e", "null"];
    let cases: [(&str, [&str; 5], [&str; 5]); 11] = [
        ("", usual, usual),
        ("sort_dir=asc", by_name, by_name),
        ("sort_key=name", ["d,e", "c", "b", "a", "null"], usual),
        ("sort_key=name&sort_dir=asc", ["null", "a", "b", "c", "d,e"], by_name),
        ("sort=name", ["d,e", "c", "b", "a", "null"], usual),
        ("sort=name:asc", ["null", "a", "b", "c", "d,e"], by_name),
        ("sort=disk_format:asc,name:desc", ["d,e", "null", "b", "c", "a"], ["b", "c", "a", "null", "d,e"]),
        (
            "sort_key=disk_format&sort_dir=asc&sort_key=name&sort_dir=desc",
            ["d,e", "null", "b", "c", "a"],
            ["b", "c", "a", "null", "d,e"],
        ),
        (
            "sort_key=disk_format&sort_key=name&sort_dir=asc",
            ["null", "d,e", "b", "a", "c"],
            ["b", "a", "c", "d,e", "null"],
        ),
        ("sort=container_format:desc,created_at:asc", ["c", "a", "b", "d,e", "null"], ["d,e", "null", "c", "a", "b"]),
        ("sort=status,name:asc", ["null", "a", "b", "c", "d,e"], by_name),
    ];
    for (query, expected, on_postgres) in cases {
        let expected = if engine() == Engine::PostgreSql { on_postgres } else { expected };
        assert_eq!(names(&app, MEMBER, &format!("/v2/images?{query}")).await, expected, "?{query}");
    }
}

/// Walking by `next` with any page size gives the whole list in its order, whatever it is sorted by.
#[tokio::test]
async fn pages_join_up() {
    let app = shelf().await;
    let sorts = [
        "",
        "sort=name:asc",
        "sort=name:desc",
        "sort=disk_format:asc,name",
        "sort=disk_format:asc",
        "sort=container_format:desc",
        "sort=size",
        "sort=size:asc",
        "sort=status:asc,id",
        "sort=id:asc",
        "sort=updated_at:asc",
        "sort=created_at:desc,name:asc",
        "os=linux",
        "tag=x&sort=name:desc",
        "name=in:a,b,c",
    ];
    for sort in sorts {
        let whole = names(&app, MEMBER, &format!("/v2/images?{sort}")).await;
        for limit in 1..=6 {
            let mut walked = Vec::new();
            let mut next = Some(format!("/v2/images?limit={limit}&{sort}"));
            while let Some(path) = next {
                let page = app.get(MEMBER, &path).await.json();
                let images = page["images"].as_array().unwrap();
                assert!(images.len() <= limit);
                walked.extend(images.iter().map(|image| image["name"].as_str().unwrap_or("null").to_owned()));
                next = page["next"].as_str().map(str::to_owned);
                assert!(walked.len() <= whole.len(), "{sort} limit {limit} goes round");
            }
            assert_eq!(walked, whole, "{sort} limit {limit}");
        }
    }
}

#[tokio::test]
async fn links_keep_the_question() {
    let app = shelf().await;
    let page = app.get(MEMBER, "/v2/images?limit=1&tag=x&os=linux&sort=name:asc").await.json();
    let id = page["images"][0]["id"].as_str().unwrap();
    assert_eq!(page["first"], "/v2/images?limit=1&tag=x&os=linux&sort=name%3Aasc");
    assert_eq!(page["next"], format!("/v2/images?limit=1&tag=x&os=linux&sort=name%3Aasc&marker={id}"));
    assert_eq!(page["schema"], "/v2/schemas/images");
    let page = app.get(MEMBER, &format!("/v2/images?limit=1&tag=x&tag=y&marker={id}&name=a+b")).await.json();
    assert_eq!(page["first"], "/v2/images?limit=1&tag=x&tag=y&name=a+b");
    assert_eq!(page["next"], Value::Null);
    let page = app.get(MEMBER, "/v2/images?limit=1").await.json();
    let id = page["images"][0]["id"].as_str().unwrap();
    let page = app.get(MEMBER, &format!("/v2/images?limit=1&marker={id}&marker=x")).await.json();
    let second = page["images"][0]["id"].as_str().unwrap();
    assert_eq!(page["next"], format!("/v2/images?limit=1&marker={second}"), "the first marker counts");
    let page = app.get(MEMBER, "/v2/images?limit=0").await.json();
    assert_eq!(page, json!({"images": [], "first": "/v2/images?limit=0", "schema": "/v2/schemas/images"}));
}

#[tokio::test]
async fn the_page_size_is_bounded() {
    let app = TestApp::with(|config| {
        config.api.limit_param_default = 2;
        config.api.api_limit_max = 3;
    })
    .await;
    for _ in 0..5 {
        app.create(MEMBER, json!({})).await;
    }
    for (query, count) in
        [("", 2), ("?limit=1", 1), ("?limit=3", 3), ("?limit=4", 3), ("?limit=99999999999999999999", 3)]
    {
        assert_eq!(names(&app, MEMBER, &format!("/v2/images{query}")).await.len(), count, "{query}");
    }
}

/// (query, message): each a 400.
#[tokio::test]
async fn what_cannot_be_listed() {
    let app = shelf().await;
    let foreign = app.create(OTHER, json!({})).await;
    let keys = "name, status, container_format, disk_format, size, id, created_at, updated_at";
    let cases = [
        ("limit=x".to_owned(), "limit param must be an integer".to_owned()),
        ("limit=-1".into(), "limit param must be positive".into()),
        ("limit=1.5".into(), "limit param must be an integer".into()),
        ("marker=nope".into(), "No image found with ID nope".into()),
        (format!("marker={foreign}"), format!("No image found with ID {foreign}")),
        ("sort_key=zz".into(), format!("Invalid sort key: zz. It must be one of the following: {keys}.")),
        ("sort=zz".into(), format!("Invalid sort key: zz. It must be one of the following: {keys}.")),
        ("sort=name:up".into(), "Invalid sort direction: up".into()),
        ("sort_dir=up".into(), "Invalid sort direction: up".into()),
        ("sort=name&sort_key=name".into(), "Old and new sorting syntax cannot be combined".into()),
        (
            "sort_key=name&sort_dir=asc&sort_dir=desc".into(),
            "Number of sort dirs does not match the number of sort keys".into(),
        ),
        ("visibility=zz".into(), "Invalid visibility value: zz".into()),
        ("member_status=zz".into(), "Invalid status: zz".into()),
        (
            "os_hidden=zz".into(),
            "Invalid value 'zz' for 'os_hidden' filter. Valid values are 'true' or 'false'.".into(),
        ),
        (
            "protected=True".into(),
            "Invalid value 'True' for 'protected' filter. Valid values are 'true' or 'false'.".into(),
        ),
        ("size_min=x".into(), "Unable to filter on a range with a non-numeric value.".into()),
        ("name_min=1".into(), "Unable to filter on a range of 'name'.".into()),
        ("name=neq:a".into(), "Unable to filter by unknown operator 'neq'.".into()),
        ("status=a:b".into(), "Unable to filter by unknown operator 'a'.".into()),
        ("created_at=bad".into(), "Bad \"created_at\" query filter format. Use ISO 8601 DateTime notation.".into()),
        (
            "created_at=gt:202001".into(),
            "Bad \"created_at\" query filter format. Use ISO 8601 DateTime notation.".into(),
        ),
        ("created_at=in:2020-01-01".into(), "Unable to filter on a unknown operator.".into()),
        ("name=in:%22a".into(), "Invalid filter value \"a. The quote is not closed.".into()),
        (
            "name=in:a%22b%22".into(),
            "Invalid filter value a\"b\". There is no comma before opening quotation mark.".into(),
        ),
        (
            "name=in:%22a%22b".into(),
            "Invalid filter value \"a\"b. There is no comma after closing quotation mark.".into(),
        ),
        ("changes-since=2020".into(), "The \"changes-since\" filter is no longer available on v2.".into()),
        (
            "name=%ff".into(),
            "Error decoding your request. Either the URL or the request body contained characters that could not be \
             decoded by Glance"
                .into(),
        ),
    ];
    for (query, message) in cases {
        let answer = app.get(MEMBER, &format!("/v2/images?{query}")).await;
        assert_eq!((answer.status, answer.message()), (400, format!("{message}|")), "?{query}");
    }
}
