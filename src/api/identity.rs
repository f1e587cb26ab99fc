//! The Identity API v3 of a stand-alone service, below `/identity`: as much of it as clients of an image service use.
//!
//! It has a table of routes and a form of errors of its own, those of Keystone. What is in no row is answered with 404.

mod accounts;
mod catalog;
mod credentials;
mod discovery;
mod error;
mod fields;
mod login;
mod tokens;
mod view;

use std::pin::Pin;
use std::sync::Arc;

use hyper::header::{ALLOW, HeaderName, HeaderValue, VARY};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use crate::api::ctx::{Call, Head, RequestBody};
use crate::api::paths;
use crate::api::query::{Query, UNDECODABLE};
use crate::api::reply::{Outgoing, Reply};
use crate::app::App;
use crate::auth::standalone::Standalone;
use crate::error::{Error, Kind, Result};
use crate::model::account::{Role, Token};

const PREFIX: &str = "/identity";

type Answer = Pin<Box<dyn Future<Output = Result<Reply>> + Send>>;

/// A path of the API and what is done for each method. `HEAD` is done as `GET`, `OPTIONS` lists the methods.
pub struct Route {
    /// The path behind `/identity`; `{}` stands for one segment.
    pub path: &'static str,
    /// What is done for each method.
    pub methods: &'static [Endpoint],
}

/// A method of a path.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    handler: Handler,
}

enum Handler {
    /// For anybody.
    Open(fn(Visit) -> Answer),
    /// For the bearer of a token that is good.
    Bearer(fn(Visit, Token) -> Answer),
}

impl Endpoint {
    /// Whether it can be called without a token.
    pub fn is_open(&self) -> bool {
        matches!(self.handler, Handler::Open(_))
    }
}

macro_rules! open {
    ($method:ident $handler:path) => {
        Endpoint { method: Method::$method, handler: Handler::Open(|visit| Box::pin($handler(visit))) }
    };
}

macro_rules! bearer {
    ($method:ident $handler:path) => {
        Endpoint { method: Method::$method, handler: Handler::Bearer(|visit, token| Box::pin($handler(visit, token))) }
    };
}

/// Every route.
pub const ROUTES: &[Route] = &[
    Route { path: "/", methods: &[open!(GET discovery::versions)] },
    Route { path: "/v3", methods: &[open!(GET discovery::version)] },
    Route {
        path: "/v3/auth/tokens",
        methods: &[open!(POST tokens::issue), bearer!(GET tokens::validate), bearer!(DELETE tokens::revoke)],
    },
    Route { path: "/v3/auth/catalog", methods: &[bearer!(GET tokens::catalog)] },
    Route { path: "/v3/auth/projects", methods: &[bearer!(GET tokens::projects)] },
    Route { path: "/v3/auth/domains", methods: &[bearer!(GET tokens::domains)] },
    Route { path: "/v3/auth/system", methods: &[bearer!(GET tokens::system)] },
    Route { path: "/v3/domains", methods: &[bearer!(GET accounts::domains)] },
    Route { path: "/v3/domains/{}", methods: &[bearer!(GET accounts::domain)] },
    Route { path: "/v3/projects", methods: &[bearer!(GET accounts::projects)] },
    Route { path: "/v3/projects/{}", methods: &[bearer!(GET accounts::project)] },
    Route { path: "/v3/users", methods: &[bearer!(GET accounts::users)] },
    Route { path: "/v3/users/{}", methods: &[bearer!(GET accounts::user)] },
    Route { path: "/v3/users/{}/projects", methods: &[bearer!(GET accounts::projects_of)] },
    Route { path: "/v3/users/{}/password", methods: &[open!(POST accounts::change_password)] },
    Route {
        path: "/v3/users/{}/application_credentials",
        methods: &[bearer!(GET credentials::list), bearer!(POST credentials::create)],
    },
    Route {
        path: "/v3/users/{}/application_credentials/{}",
        methods: &[bearer!(GET credentials::show), bearer!(DELETE credentials::delete)],
    },
    Route { path: "/v3/roles", methods: &[bearer!(GET accounts::roles)] },
    Route { path: "/v3/roles/{}", methods: &[bearer!(GET accounts::role)] },
    Route { path: "/v3/role_assignments", methods: &[bearer!(GET accounts::role_assignments)] },
    Route { path: "/v3/services", methods: &[bearer!(GET catalog::services)] },
    Route { path: "/v3/services/{}", methods: &[bearer!(GET catalog::service)] },
    Route { path: "/v3/endpoints", methods: &[bearer!(GET catalog::endpoints)] },
    Route { path: "/v3/endpoints/{}", methods: &[bearer!(GET catalog::endpoint)] },
    Route { path: "/v3/regions", methods: &[bearer!(GET catalog::regions)] },
    Route { path: "/v3/regions/{}", methods: &[bearer!(GET catalog::region)] },
];

/// One request to the Identity API.
pub(crate) struct Visit {
    call: Call,
}

impl Visit {
    /// The address of this service for clients: the one that the operator decided on, or where this client found it.
    fn base_url(&self) -> String {
        let configured = self.call.app.config.api.public_endpoint.as_deref();
        let base = configured.map_or_else(|| self.call.base_url(), str::to_owned);
        base.trim_end_matches('/').to_owned()
    }

    /// The address of this API, with its version.
    fn identity_url(&self) -> String {
        format!("{}{PREFIX}/v3", self.base_url())
    }

    /// The address of what was asked for.
    fn own_url(&self) -> String {
        let asked = self.call.uri.path_and_query().map_or("", PathAndQuery::as_str);
        format!("{}{asked}", self.base_url())
    }

    /// The users, projects and tokens.
    fn accounts(&self) -> Result<&Standalone> {
        let built_in = self.call.app.authority.built_in();
        built_in.ok_or_else(|| Error::new(Kind::NotFound))
    }
}

/// Whether `path` belongs to this API.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers one request.
pub(crate) async fn answer(app: Arc<App>, head: Head, body: RequestBody) -> Reply {
    let visit = Visit { call: Call::new(app, head, body) };
    let identity_url = visit.identity_url();
    let mut reply = match dispatch(visit).await {
        Ok(reply) => reply,
        Err(error) => error::reply(&error, &identity_url),
    };
    reply.headers_mut().insert(VARY, HeaderValue::from_static("X-Auth-Token"));
    reply
}

async fn dispatch(mut visit: Visit) -> Result<Reply> {
    let path = percent_decode_str(visit.call.uri.path()).decode_utf8().map_err(|_| Error::invalid(UNDECODABLE))?;
    let Some((route, places)) = find(path[PREFIX.len()..].trim_end_matches('/')) else {
        return Err(Error::new(Kind::NotFound));
    };
    let method = match &visit.call.method {
        &Method::HEAD => Method::GET,
        other => other.clone(),
    };
    let Some(endpoint) = route.methods.iter().find(|endpoint| endpoint.method == method) else {
        return elsewhere(route, &method);
    };
    visit.call.places = places;
    visit.call.query = Query::parse(visit.call.uri.query().unwrap_or(""))?;
    match endpoint.handler {
        Handler::Open(handler) => handler(visit).await,
        Handler::Bearer(handler) => {
            let token = bearer(&visit).await?.ok_or_else(|| Error::new(Kind::Unauthenticated))?;
            handler(visit, token).await
        }
    }
}

fn find(path: &str) -> Option<(&'static Route, Vec<String>)> {
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    ROUTES.iter().find_map(|route| Some((route, paths::places(route.path, &segments)?)))
}

/// The answer for a method that a path does not have.
fn elsewhere(route: &Route, method: &Method) -> Result<Reply> {
    let mut allow: Vec<&str> = route.methods.iter().map(|endpoint| endpoint.method.as_str()).collect();
    if allow.contains(&"GET") {
        allow.push("HEAD");
    }
    allow.push("OPTIONS");
    let mut reply = if *method == Method::OPTIONS { empty(StatusCode::OK) } else { error::method_not_allowed() };
    let allow = HeaderValue::from_str(&allow.join(", ")).map_err(Error::internal)?;
    reply.headers_mut().insert(ALLOW, allow);
    Ok(reply)
}

/// Nothing more to say.
fn empty(status: StatusCode) -> Reply {
    let mut reply = Reply::new(Outgoing::Empty);
    *reply.status_mut() = status;
    reply
}

/// What the caller's token says; none without one that is good.
async fn bearer(visit: &Visit) -> Result<Option<Token>> {
    match visit.call.header("x-auth-token") {
        Some(token) => visit.accounts()?.token(token).await,
        None => Ok(None),
    }
}

/// What `action` is refused with, which is named as Keystone's rule for it.
fn refused(action: &str) -> Error {
    Error::forbidden(format!("You are not authorized to perform the requested action: identity:{action}."))
}

/// Refuses `action` to anyone but administrators.
fn admins_only(token: &Token, action: &str) -> Result<()> {
    if token.has(Role::Admin) { Ok(()) } else { Err(refused(action)) }
}

/// Refuses `action` to anyone but the user with `id`, and administrators.
fn self_or_admin(token: &Token, id: &str, action: &str) -> Result<()> {
    if token.user.id == id { Ok(()) } else { admins_only(token, action) }
}

/// The name of the header that carries the token that a request is about, or that an answer brings.
const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");
