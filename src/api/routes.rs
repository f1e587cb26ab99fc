//! Every path and method of the API in one table, and the way of a request to its handler.

use std::pin::Pin;
use std::sync::Arc;

use hyper::header::{HeaderValue, LOCATION, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use crate::api::ctx::{Call, Head, RequestBody};
use crate::api::error::{self, Asked};
use crate::api::metadefs::{namespaces, objects, properties, resource_types};
use crate::api::paths::{one_slash_each, places};
use crate::api::query::{Query, UNDECODABLE};
use crate::api::reply::{self, Outgoing, Reply};
use crate::api::versions::{self, Negotiated};
use crate::api::{
    cached, caller, cors, gzip, health, identity, image_actions, image_data, image_import, images, info, locations,
    members, metadefs, patch, schemas, stores, tags, tasks,
};
use crate::app::App;
use crate::error::{Error, Kind, Result};

type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Reply>> + Send>>;

/// A path of the API, what it answers to, and what it says it answers to.
pub struct Route {
    /// The path behind the version; `{}` stands for one segment.
    pub path: &'static str,
    /// The `Allow` of a 405; none where the reference has a 404 instead.
    pub allow: Option<&'static str>,
    /// What is done for each method.
    pub methods: &'static [Endpoint],
}

/// A method of a path.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    takes_body: bool,
    handler: Handler,
}

macro_rules! on {
    ($method:ident $handler:path) => {
        Endpoint { method: Method::$method, takes_body: true, handler: |call| Box::pin($handler(call)) }
    };
    ($method:ident $handler:path, no body) => {
        Endpoint { method: Method::$method, takes_body: false, handler: |call| Box::pin($handler(call)) }
    };
}

/// Every route.
pub const ROUTES: &[Route] = &[
    Route { path: "/images", allow: Some("GET, POST"), methods: &[on!(GET images::list), on!(POST images::create)] },
    Route {
        path: "/images/{}",
        allow: Some("GET, PATCH, DELETE"),
        methods: &[on!(GET images::show, no body), on!(PATCH images::update), on!(DELETE images::delete, no body)],
    },
    Route {
        path: "/images/{}/file",
        allow: Some("GET, PUT"),
        methods: &[on!(GET image_data::download, no body), on!(PUT image_data::upload)],
    },
    Route { path: "/images/{}/stage", allow: Some("PUT"), methods: &[on!(PUT image_import::stage)] },
    Route { path: "/images/{}/import", allow: Some("POST"), methods: &[on!(POST image_import::import)] },
    Route {
        path: "/images/{}/actions/deactivate",
        allow: Some("POST"),
        methods: &[on!(POST image_actions::deactivate, no body)],
    },
    Route {
        path: "/images/{}/actions/reactivate",
        allow: Some("POST"),
        methods: &[on!(POST image_actions::reactivate, no body)],
    },
    Route {
        path: "/images/{}/tags/{}",
        allow: Some("PUT, DELETE"),
        methods: &[on!(PUT tags::put, no body), on!(DELETE tags::delete, no body)],
    },
    Route {
        path: "/images/{}/members",
        allow: Some("GET, POST"),
        methods: &[on!(GET members::list, no body), on!(POST members::create)],
    },
    Route {
        path: "/images/{}/members/{}",
        allow: Some("GET, PUT, DELETE"),
        methods: &[on!(GET members::show, no body), on!(PUT members::update), on!(DELETE members::delete, no body)],
    },
    Route {
        // compat: the refusal of other methods says nothing of GET.
        path: "/images/{}/locations",
        allow: Some("POST"),
        methods: &[on!(POST locations::add), on!(GET locations::list)],
    },
    Route { path: "/stores/{}/{}", allow: Some("DELETE"), methods: &[on!(DELETE stores::delete_data, no body)] },
    Route { path: "/images/{}/tasks", allow: None, methods: &[on!(GET tasks::of_image, no body)] },
    Route { path: "/tasks", allow: Some("GET, POST"), methods: &[on!(GET tasks::list), on!(POST tasks::create)] },
    Route {
        path: "/tasks/{}",
        allow: Some("GET, DELETE"),
        methods: &[on!(GET tasks::show), on!(DELETE tasks::delete)],
    },
    Route { path: "/info/import", allow: Some("GET"), methods: &[on!(GET info::import, no body)] },
    Route { path: "/info/stores", allow: Some("GET"), methods: &[on!(GET info::stores, no body)] },
    Route { path: "/info/stores/detail", allow: Some("GET"), methods: &[on!(GET info::stores_detail, no body)] },
    Route { path: "/info/usage", allow: None, methods: &[on!(GET info::usage)] },
    Route { path: "/schemas/image", allow: Some("GET"), methods: &[on!(GET schemas::image, no body)] },
    Route { path: "/schemas/images", allow: Some("GET"), methods: &[on!(GET schemas::images, no body)] },
    Route { path: "/schemas/member", allow: Some("GET"), methods: &[on!(GET schemas::member, no body)] },
    Route { path: "/schemas/members", allow: Some("GET"), methods: &[on!(GET schemas::members, no body)] },
    Route { path: "/schemas/task", allow: Some("GET"), methods: &[on!(GET schemas::task)] },
    Route { path: "/schemas/tasks", allow: Some("GET"), methods: &[on!(GET schemas::tasks)] },
    Route { path: "/schemas/metadefs/namespace", allow: Some("GET"), methods: &[on!(GET schemas::namespace, no body)] },
    Route {
        path: "/schemas/metadefs/namespaces",
        allow: Some("GET"),
        methods: &[on!(GET schemas::namespaces, no body)],
    },
    Route {
        path: "/schemas/metadefs/resource_type",
        allow: Some("GET"),
        methods: &[on!(GET schemas::resource_type, no body)],
    },
    Route {
        path: "/schemas/metadefs/resource_types",
        allow: Some("GET"),
        methods: &[on!(GET schemas::resource_types, no body)],
    },
    Route { path: "/schemas/metadefs/property", allow: Some("GET"), methods: &[on!(GET schemas::property, no body)] },
    Route {
        path: "/schemas/metadefs/properties",
        allow: Some("GET"),
        methods: &[on!(GET schemas::properties, no body)],
    },
    Route { path: "/schemas/metadefs/object", allow: Some("GET"), methods: &[on!(GET schemas::object, no body)] },
    Route { path: "/schemas/metadefs/objects", allow: Some("GET"), methods: &[on!(GET schemas::objects, no body)] },
    Route { path: "/schemas/metadefs/tag", allow: Some("GET"), methods: &[on!(GET schemas::tag, no body)] },
    Route { path: "/schemas/metadefs/tags", allow: Some("GET"), methods: &[on!(GET schemas::tags, no body)] },
    Route {
        path: "/cache",
        allow: Some("GET, DELETE"),
        methods: &[on!(GET cached::show, no body), on!(DELETE cached::clear)],
    },
    Route { path: "/cache/clean", allow: Some("POST"), methods: &[on!(POST cached::clean)] },
    Route { path: "/cache/prune", allow: Some("POST"), methods: &[on!(POST cached::prune)] },
    Route {
        path: "/cache/{}",
        allow: Some("DELETE, PUT"),
        methods: &[on!(DELETE cached::delete), on!(PUT cached::queue)],
    },
    Route { path: "/cache/nodes/{}", allow: Some("GET"), methods: &[on!(GET cached::nodes, no body)] },
    Route { path: "/metadefs/resource_types", allow: Some("GET"), methods: &[on!(GET resource_types::list, no body)] },
    Route {
        path: "/metadefs/namespaces",
        allow: Some("GET, POST"),
        methods: &[on!(GET namespaces::list), on!(POST namespaces::create)],
    },
    Route {
        path: "/metadefs/namespaces/{}",
        allow: Some("GET, PUT, DELETE"),
        methods: &[
            on!(GET namespaces::show, no body),
            on!(PUT namespaces::update),
            on!(DELETE namespaces::delete, no body),
        ],
    },
    Route {
        path: "/metadefs/namespaces/{}/resource_types",
        allow: Some("GET, POST"),
        methods: &[on!(GET resource_types::of_namespace, no body), on!(POST resource_types::associate)],
    },
    Route {
        path: "/metadefs/namespaces/{}/resource_types/{}",
        allow: Some("DELETE"),
        methods: &[on!(DELETE resource_types::dissociate, no body)],
    },
    Route {
        path: "/metadefs/namespaces/{}/properties",
        allow: Some("GET, POST, DELETE"),
        methods: &[
            on!(GET properties::list, no body),
            on!(POST properties::create),
            on!(DELETE properties::delete_all),
        ],
    },
    Route {
        path: "/metadefs/namespaces/{}/properties/{}",
        allow: Some("GET, PUT, DELETE"),
        methods: &[on!(GET properties::show), on!(PUT properties::update), on!(DELETE properties::delete)],
    },
    Route {
        path: "/metadefs/namespaces/{}/objects",
        allow: Some("GET, POST, DELETE"),
        methods: &[on!(GET objects::list), on!(POST objects::create), on!(DELETE objects::delete_all)],
    },
    Route {
        path: "/metadefs/namespaces/{}/objects/{}",
        allow: Some("GET, PUT, DELETE"),
        methods: &[on!(GET objects::show, no body), on!(PUT objects::update), on!(DELETE objects::delete, no body)],
    },
    Route {
        path: "/metadefs/namespaces/{}/tags",
        allow: Some("GET, POST, DELETE"),
        methods: &[
            on!(GET metadefs::tags::list),
            on!(POST metadefs::tags::create_all),
            on!(DELETE metadefs::tags::delete_all),
        ],
    },
    Route {
        path: "/metadefs/namespaces/{}/tags/{}",
        allow: Some("GET, POST, PUT, DELETE"),
        methods: &[
            on!(GET metadefs::tags::show, no body),
            on!(POST metadefs::tags::create, no body),
            on!(PUT metadefs::tags::update),
            on!(DELETE metadefs::tags::delete, no body),
        ],
    },
];

/// Answers one request.
pub async fn answer(app: Arc<App>, head: Head, body: RequestBody) -> Reply {
    let asked = Asked { method: head.method.clone(), headers: head.headers.clone() };
    let path = match percent_decode_str(head.uri.path()).decode_utf8() {
        Ok(path) => one_slash_each(&path),
        Err(_) => return cors::shared(&app.config.cors, &asked, error::reply(&Error::invalid(UNDECODABLE), &asked)),
    };
    if health::owns(&path) {
        return health::answer(&app, &asked).await;
    }
    let shown = Arc::clone(&app);
    let reply = if app.authority.built_in().is_some() && identity::owns(head.uri.path()) {
        identity::answer(app, head, body).await
    } else {
        let reply = images_api(app, head, &path, body, &asked).await;
        if shown.config.api.gzip { gzip::encoded(&asked, reply).await } else { reply }
    };
    cors::shared(&shown.config.cors, &asked, reply)
}

async fn images_api(app: Arc<App>, head: Head, path: &str, body: RequestBody, asked: &Asked) -> Reply {
    match dispatch(app, head, path, body, asked).await {
        Ok(reply) => reply,
        Err(error) => {
            let mut reply = error::reply(&error, asked);
            if error.kind() == Kind::Unsupported && asked.method == Method::PATCH {
                let accepted = HeaderValue::from_static(patch::ACCEPTED);
                reply.headers_mut().insert("accept-patch", accepted);
            }
            reply
        }
    }
}

async fn dispatch(app: Arc<App>, head: Head, path: &str, body: RequestBody, asked: &Asked) -> Result<Reply> {
    let mut call = Call::new(app, head, body);
    let path = match versions::negotiate(path, &call.headers, &call.app.config) {
        Negotiated::List { explicit } => return versions::list(&call.app.config, &call.base_url(), explicit),
        Negotiated::Api(path) => path,
    };
    call.app.policy.refresh().await;
    call.policy = call.app.policy.now();
    let Some(identity) = caller::identify(&call, path).await? else {
        return Ok(unauthenticated(&call, asked));
    };
    call.identity = identity;
    if path.is_empty() {
        return redirect_to_root(&call);
    }
    let Some((route, places)) = find(path) else {
        return unknown(&call, asked);
    };
    let Some(endpoint) = route.methods.iter().find(|endpoint| endpoint.method == call.method) else {
        return match route.allow {
            Some(allow) => Ok(error::method_not_allowed(allow, asked)),
            None => unknown(&call, asked),
        };
    };
    if !endpoint.takes_body && call.has_body() {
        return Err(Error::invalid("A body is not expected with this request."));
    }
    call.places = places;
    call.query = Query::parse(call.uri.query().unwrap_or(""))?;
    let catalogue = changes_definitions(route, &call).then(|| Arc::clone(&call.app));
    let reply = (endpoint.handler)(call).await?;
    if let Some(app) = catalogue {
        app.image_definitions.forget().await;
    }
    Ok(reply)
}

/// Whether what is known of the catalogue of metadata definitions may be another thing after this.
fn changes_definitions(route: &Route, call: &Call) -> bool {
    route.path.starts_with("/metadefs/") && call.method != Method::GET
}

fn unauthenticated(call: &Call, asked: &Asked) -> Reply {
    let mut reply = error::reply(&Error::new(Kind::Unauthenticated), asked);
    let realm = caller::token_source(call).map(|source| format!("Keystone uri=\"{source}\""));
    // A Host header that cannot stand in an answer leaves the hint out.
    if let Some(Ok(realm)) = realm.as_deref().map(HeaderValue::from_str) {
        reply.headers_mut().insert(WWW_AUTHENTICATE, realm);
    }
    reply
}

/// `/v2` is no place; `/v2/` would be, if anything were there.
fn redirect_to_root(call: &Call) -> Result<Reply> {
    let mut reply = reply::with_type(StatusCode::FOUND, "text/plain; charset=utf8", Outgoing::Empty);
    let location = HeaderValue::from_str(&format!("{}/v2/", call.base_url())).map_err(Error::internal)?;
    reply.headers_mut().insert(LOCATION, location);
    Ok(reply)
}

fn unknown(call: &Call, asked: &Asked) -> Result<Reply> {
    let implemented =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH].contains(&call.method);
    if implemented { Err(Error::new(Kind::NotFound)) } else { Ok(error::not_implemented(asked)) }
}

/// The route of `path`, and what stands in the places of its pattern.
fn find(path: &str) -> Option<(&'static Route, Vec<String>)> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    ROUTES.iter().find_map(|route| Some((route, places(route.path, &segments)?)))
}
