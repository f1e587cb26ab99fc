//! The catalogue: the two services that there are, both here, and where clients find them.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::api::identity::{PREFIX, Visit, view};
use crate::api::reply::{self, Reply};
use crate::error::{Error, Result};
use crate::model::account::Token;

/// The one region.
const REGION: &str = "RegionOne";

/// A service and its endpoints. Ids are the same everywhere, which is as good as any.
struct Service {
    id: &'static str,
    kind: &'static str,
    name: &'static str,
    /// What comes behind the address of this program.
    path: &'static str,
    /// Interface and id of each endpoint.
    endpoints: [(&'static str, &'static str); 3],
}

const SERVICES: [Service; 2] = [
    Service {
        id: "6a1a5f5e0c5b4f0c9d0c7a0f7c1e0001",
        kind: "image",
        name: "glance",
        path: "",
        endpoints: [
            ("public", "6a1a5f5e0c5b4f0c9d0c7a0f7c1e0011"),
            ("internal", "6a1a5f5e0c5b4f0c9d0c7a0f7c1e0012"),
            ("admin", "6a1a5f5e0c5b4f0c9d0c7a0f7c1e0013"),
        ],
    },
    Service {
        id: "6a1a5f5e0c5b4f0c9d0c7a0f7c1e0002",
        kind: "identity",
        name: "keystone",
        path: PREFIX,
        endpoints: [
            ("public", "6a1a5f5e0c5b4f0c9d0c7a0f7c1e0021"),
            ("internal", "6a1a5f5e0c5b4f0c9d0c7a0f7c1e0022"),
            ("admin", "6a1a5f5e0c5b4f0c9d0c7a0f7c1e0023"),
        ],
    },
];

/// The catalogue as it stands in tokens.
pub(super) fn of(base_url: &str) -> Value {
    let services = SERVICES.iter().map(|service| {
        let endpoints = service.endpoints.iter().map(|(interface, id)| {
            json!({
                "id": id,
                "interface": interface,
                "region_id": REGION,
                "url": format!("{base_url}{}", service.path),
                "region": REGION,
            })
        });
        let endpoints: Vec<Value> = endpoints.collect();
        json!({ "endpoints": endpoints, "id": service.id, "type": service.kind, "name": service.name })
    });
    services.collect()
}

/// `GET /v3/services`.
pub(super) async fn services(visit: Visit, _token: Token) -> Result<Reply> {
    let shown = SERVICES.iter().map(|service| service_view(&visit, service)).collect();
    view::list(&visit, "services", shown)
}

/// `GET /v3/services/{service_id}`.
pub(super) async fn service(visit: Visit, _token: Token) -> Result<Reply> {
    let shown = SERVICES.iter().map(|service| service_view(&visit, service)).collect();
    one(&visit, "service", shown)
}

/// `GET /v3/endpoints`.
pub(super) async fn endpoints(visit: Visit, _token: Token) -> Result<Reply> {
    view::list(&visit, "endpoints", endpoint_views(&visit))
}

/// `GET /v3/endpoints/{endpoint_id}`.
pub(super) async fn endpoint(visit: Visit, _token: Token) -> Result<Reply> {
    one(&visit, "endpoint", endpoint_views(&visit))
}

/// `GET /v3/regions`.
pub(super) async fn regions(visit: Visit, _token: Token) -> Result<Reply> {
    view::list(&visit, "regions", vec![region_view(&visit)])
}

/// `GET /v3/regions/{region_id}`.
pub(super) async fn region(visit: Visit, _token: Token) -> Result<Reply> {
    one(&visit, "region", vec![region_view(&visit)])
}

/// The one of `all` whose id stands in the path.
fn one(visit: &Visit, what: &str, all: Vec<Value>) -> Result<Reply> {
    let id = visit.call.place(0);
    let found = all.into_iter().find(|value| value["id"] == id);
    let found = found.ok_or_else(|| Error::not_found(format!("Could not find {what}: {id}.")))?;
    reply::json(StatusCode::OK, &json!({ what: found }))
}

fn service_view(visit: &Visit, service: &Service) -> Value {
    json!({
        "name": service.name,
        "id": service.id,
        "type": service.kind,
        "enabled": true,
        "links": view::links(visit, "services", service.id),
    })
}

fn endpoint_views(visit: &Visit) -> Vec<Value> {
    let base_url = visit.base_url();
    let all = SERVICES.iter().flat_map(|service| service.endpoints.iter().map(move |endpoint| (service, endpoint)));
    let shown = all.map(|(service, (interface, id))| {
        json!({
            "id": id,
            "interface": interface,
            "region_id": REGION,
            "service_id": service.id,
            "url": format!("{base_url}{}", service.path),
            "enabled": true,
            "region": REGION,
            "links": view::links(visit, "endpoints", id),
        })
    });
    shown.collect()
}

fn region_view(visit: &Visit) -> Value {
    json!({
        "id": REGION,
        "description": "",
        "parent_region_id": null,
        "links": view::links(visit, "regions", REGION),
    })
}
