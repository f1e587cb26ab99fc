//! Every method and path of the reference's router is here, and nothing else is.

use glint::api::routes::ROUTES;

use crate::harness::app::TestApp;
use crate::harness::callers::ADMIN;

/// (method, path, whether it takes a body): the 81 rows of the reference's router that do something.
const PAIRS: [(&str, &str, bool); 81] = [
    ("GET", "/schemas/image", false),
    ("GET", "/schemas/images", false),
    ("GET", "/schemas/member", false),
    ("GET", "/schemas/members", false),
    ("GET", "/schemas/task", true),
    ("GET", "/schemas/tasks", true),
    ("GET", "/schemas/metadefs/namespace", false),
    ("GET", "/schemas/metadefs/namespaces", false),
    ("GET", "/schemas/metadefs/resource_type", false),
    ("GET", "/schemas/metadefs/resource_types", false),
    ("GET", "/schemas/metadefs/property", false),
    ("GET", "/schemas/metadefs/properties", false),
    ("GET", "/schemas/metadefs/object", false),
    ("GET", "/schemas/metadefs/objects", false),
    ("GET", "/schemas/metadefs/tag", false),
    ("GET", "/schemas/metadefs/tags", false),
    ("GET", "/metadefs/resource_types", false),
    ("GET", "/metadefs/namespaces/{}/resource_types", false),
    ("POST", "/metadefs/namespaces/{}/resource_types", true),
    ("DELETE", "/metadefs/namespaces/{}/resource_types/{}", false),
    ("GET", "/metadefs/namespaces", true),
    ("POST", "/metadefs/namespaces", true),
    ("GET", "/metadefs/namespaces/{}", false),
    ("PUT", "/metadefs/namespaces/{}", true),
    ("DELETE", "/metadefs/namespaces/{}", false),
    ("GET", "/metadefs/namespaces/{}/properties", false),
    ("POST", "/metadefs/namespaces/{}/properties", true),
    ("DELETE", "/metadefs/namespaces/{}/properties", true),
    ("GET", "/metadefs/namespaces/{}/properties/{}", true),
    ("PUT", "/metadefs/namespaces/{}/properties/{}", true),
    ("DELETE", "/metadefs/namespaces/{}/properties/{}", true),
    ("GET", "/metadefs/namespaces/{}/objects", true),
    ("POST", "/metadefs/namespaces/{}/objects", true),
    ("DELETE", "/metadefs/namespaces/{}/objects", true),
    ("GET", "/metadefs/namespaces/{}/objects/{}", false),
    ("PUT", "/metadefs/namespaces/{}/objects/{}", true),
    ("DELETE", "/metadefs/namespaces/{}/objects/{}", false),
    ("GET", "/metadefs/namespaces/{}/tags", true),
    ("POST", "/metadefs/namespaces/{}/tags", true),
    ("DELETE", "/metadefs/namespaces/{}/tags", true),
    ("GET", "/metadefs/namespaces/{}/tags/{}", false),
    ("POST", "/metadefs/namespaces/{}/tags/{}", false),
    ("PUT", "/metadefs/namespaces/{}/tags/{}", true),
    ("DELETE", "/metadefs/namespaces/{}/tags/{}", false),
    ("GET", "/images", true),
    ("POST", "/images", true),
    ("PATCH", "/images/{}", true),
    ("GET", "/images/{}", false),
    ("GET", "/images/{}/tasks", false),
    ("DELETE", "/images/{}", false),
    ("POST", "/images/{}/import", true),
    ("DELETE", "/stores/{}/{}", false),
    ("POST", "/images/{}/actions/deactivate", false),
    ("POST", "/images/{}/actions/reactivate", false),
    ("GET", "/images/{}/file", false),
    ("PUT", "/images/{}/file", true),
    ("PUT", "/images/{}/stage", true),
    ("POST", "/images/{}/locations", true),
    ("GET", "/images/{}/locations", true),
    ("PUT", "/images/{}/tags/{}", false),
    ("DELETE", "/images/{}/tags/{}", false),
    ("GET", "/images/{}/members", false),
    ("POST", "/images/{}/members", true),
    ("GET", "/images/{}/members/{}", false),
    ("PUT", "/images/{}/members/{}", true),
    ("DELETE", "/images/{}/members/{}", false),
    ("POST", "/tasks", true),
    ("GET", "/tasks", true),
    ("GET", "/tasks/{}", true),
    ("DELETE", "/tasks/{}", true),
    ("GET", "/info/import", false),
    ("GET", "/info/stores", false),
    ("GET", "/info/usage", true),
    ("GET", "/info/stores/detail", false),
    ("GET", "/cache", false),
    ("DELETE", "/cache", true),
    ("DELETE", "/cache/{}", true),
    ("PUT", "/cache/{}", true),
    ("GET", "/cache/nodes/{}", false),
    ("POST", "/cache/clean", true),
    ("POST", "/cache/prune", true),
];

#[tokio::test]
async fn every_pair_is_there_and_refuses_a_body_if_it_takes_none() {
    let app = TestApp::new().await;
    for (method, path, takes_body) in PAIRS {
        let there = ROUTES
            .iter()
            .any(|route| route.path == path && route.methods.iter().any(|endpoint| endpoint.method.as_str() == method));
        assert!(there, "{method} {path} is missing");
        let place = path.replace("{}", "x");
        let answer = app.request(ADMIN, method, &format!("/v2{place}")).body("x").send().await;
        let refused = answer.status == 400 && answer.message() == "A body is not expected with this request.|";
        assert_eq!(refused, !takes_body, "{method} {path}: {}", answer.text());
    }
}

#[test]
fn there_are_no_others() {
    let known = |method: &str, path: &str| PAIRS.iter().any(|pair| (pair.0, pair.1) == (method, path));
    for route in ROUTES {
        for endpoint in route.methods {
            assert!(known(endpoint.method.as_str(), route.path), "{} {}", endpoint.method, route.path);
        }
    }
}
