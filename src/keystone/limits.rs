//! What projects may have, by the limits that are registered in Keystone: asked once and believed for a moment.
//!
//! The limits are found as oslo.limit finds them: those of our endpoint's service and region, a project's own before the
//! registered ones, and none at all for what has no registered limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Duration;
use futures_util::future::FutureExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::clock::Clock;
use crate::config::keystone::{LimitedEndpoint, Limits as Options};
use crate::error::{Error, Result};
use crate::keystone::memory::{Askings, Cache};
use crate::keystone::session::{Away, Session};
use crate::model::limits::{Limits as ProjectLimits, Resource};

/// Projects whose limits are remembered.
const PROJECTS_MAX: usize = 10_000;
/// The only way to combine limits that oslo.limit knows: each project by itself.
const MODEL: &str = "flat";

/// The limits, seen from here.
pub struct Limits {
    inner: Result<Arc<Inner>, Trouble>,
}

struct Inner {
    endpoint: LimitedEndpoint,
    session: Session,
    clock: Clock,
    memory: Mutex<Memory>,
}

/// What Keystone said, and what it is being asked: for a project, or, without one, for the registered limits.
struct Memory {
    known: Cache<Option<String>, Arc<Sheet>>,
    askings: Askings<Option<String>, Said>,
}

type Said = Result<Arc<Sheet>, Trouble>;

/// Some limits by the names of what they limit, and what they are for.
struct Sheet {
    place: Place,
    limits: HashMap<String, i64>,
}

/// Our endpoint, as far as limits name it.
#[derive(Clone, Deserialize)]
struct Place {
    service_id: String,
    region_id: Option<String>,
}

/// Why there is no answer.
#[derive(Clone)]
enum Trouble {
    /// Keystone is away.
    Away(Away),
    /// It is there, and what it or the operator says cannot be.
    Wrong(Arc<str>),
}

impl Limits {
    /// The limits that `options` lead to. Nothing is asked yet.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn open(options: Options, clock: Clock) -> Result<Self> {
        let keep = Duration::from_std(options.keep).map_err(Error::internal)?;
        let memory = Memory { known: Cache::new(keep, PROJECTS_MAX), askings: Askings::default() };
        let session = Session::open(options.access, clock.clone())?;
        let inner = Inner { endpoint: options.endpoint, session, clock, memory: Mutex::new(memory) };
        Ok(Self { inner: Ok(Arc::new(inner)) })
    }

    /// Limits that cannot be asked for, because of what is `missing` in the configuration.
    pub fn out_of_reach(missing: &str) -> Self {
        Self { inner: Err(Trouble::wrong(missing.to_owned())) }
    }

    /// The limits of `project`; of what belongs to none, the registered ones.
    ///
    /// # Errors
    /// `Unavailable` when Keystone cannot say, `Internal` when it is not set up for it.
    pub async fn of(&self, project: Option<&str>) -> Result<ProjectLimits> {
        let inner = self.inner.as_ref().map_err(Trouble::clone)?;
        let registered = inner.sheet(None, None).await?;
        let own = match project {
            Some(project) => Some(inner.sheet(Some(project), Some(registered.place.clone())).await?),
            None => None,
        };
        Ok(ProjectLimits::new(|resource| {
            let name = resource.name();
            let own = own.as_ref().and_then(|own| own.limits.get(name));
            own.or_else(|| registered.limits.get(name)).copied().unwrap_or_else(|| unregistered(resource))
        }))
    }
}

/// The limit of what has none registered.
fn unregistered(resource: Resource) -> i64 {
    tracing::error!("no limit for {} is registered in Keystone, so nobody gets any", resource.name());
    0
}

impl Inner {
    /// What Keystone says of `project`: from memory, or with others who ask the same, or by asking.
    async fn sheet(self: &Arc<Self>, project: Option<&str>, place: Option<Place>) -> Said {
        let asking = {
            let mut memory = self.memory();
            let project = project.map(str::to_owned);
            if let Some(sheet) = memory.known.get(&project, self.clock.now()) {
                return Ok(sheet);
            }
            memory.askings.join(project.clone(), || Arc::clone(self).question(project, place).boxed())
        };
        asking.await
    }

    /// Asks Keystone, and remembers what it says.
    async fn question(self: Arc<Self>, project: Option<String>, place: Option<Place>) -> Said {
        let said = match (&project, place) {
            (Some(project), Some(place)) => self.of_project(project, place).await,
            _ => self.registered().await,
        };
        let said = said.map(Arc::new);
        let (mut memory, now) = (self.memory(), self.clock.now());
        memory.askings.end(&project);
        if let Ok(sheet) = &said {
            memory.known.put(project, Arc::clone(sheet), now);
        }
        said
    }

    async fn registered(&self) -> Result<Sheet, Trouble> {
        let Model { model } = self.ask("/limits/model", &[]).await?;
        if model.name != MODEL {
            return Err(Trouble::wrong(format!("enforcement model {} is not supported", model.name)));
        }
        let place = self.place().await?;
        let asked = [("service_id", Some(&*place.service_id)), ("region_id", place.region_id.as_deref())];
        let Registered { registered_limits } = self.ask("/registered_limits", &asked).await?;
        let limits = registered_limits.into_iter().map(|limit| (limit.resource_name, limit.default_limit)).collect();
        Ok(Sheet { place, limits })
    }

    async fn of_project(&self, project: &str, place: Place) -> Result<Sheet, Trouble> {
        let region = place.region_id.as_deref();
        let asked = [("service_id", Some(&*place.service_id)), ("region_id", region), ("project_id", Some(project))];
        let Own { limits: listed } = self.ask("/limits", &asked).await?;
        let mut limits = HashMap::new();
        for limit in listed {
            // The first of several counts.
            limits.entry(limit.resource_name).or_insert(limit.resource_limit);
        }
        Ok(Sheet { place, limits })
    }

    /// Where our endpoint is.
    async fn place(&self) -> Result<Place, Trouble> {
        let (service_name, service_type, region, interface) = match &self.endpoint {
            LimitedEndpoint::Id(id) => {
                let path = format!("/endpoints/{}", utf8_percent_encode(id, NON_ALPHANUMERIC));
                let One { endpoint } = self.ask(&path, &[]).await?;
                return Ok(endpoint);
            }
            LimitedEndpoint::Found { service_name, service_type, region, interface } => {
                (service_name.as_deref(), service_type.as_deref(), region.as_deref(), &**interface)
            }
        };
        let Services { services } = self.ask("/services", &[("type", service_type), ("name", service_name)]).await?;
        let service = only(services, "service")?.id;
        let asked = [("service_id", Some(&*service)), ("region_id", region), ("interface", Some(interface))];
        let Endpoints { endpoints } = self.ask("/endpoints", &asked).await?;
        only(endpoints, "endpoint")
    }

    /// What Keystone has at `path` for those of `asked` that are given.
    async fn ask<T: DeserializeOwned>(&self, path: &str, asked: &[(&str, Option<&str>)]) -> Result<T, Trouble> {
        let given = asked.iter().filter_map(|(name, value)| {
            value.map(|value| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        });
        let query = given.collect::<Vec<_>>().join("&");
        let url = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let answer = self.session.ask(&url, &[]).await.map_err(Trouble::Away)?;
        match answer.status {
            200 => serde_json::from_slice(&answer.body)
                .map_err(|error| Trouble::Away(Away::because(format!("its answer for {path}: {error}")))),
            403 | 404 => Err(Trouble::wrong(format!("Keystone answers {} for {path}", answer.status))),
            status => Err(Trouble::Away(Away::status(status))),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Whoever panicked with the lock left at worst an answer out.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The only one of `found`.
fn only<T>(mut found: Vec<T>, what: &str) -> Result<T, Trouble> {
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err(Trouble::wrong(format!("there is more than one such {what}"))),
        (None, _) => Err(Trouble::wrong(format!("there is no such {what}"))),
    }
}

impl Trouble {
    fn wrong(what: String) -> Self {
        Self::Wrong(what.into())
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Away(away) => away.into(),
            Trouble::Wrong(what) => {
                Self::internal(format!("limits cannot be asked of Keystone, see [oslo_limit]: {what}"))
            }
        }
    }
}

#[derive(Deserialize)]
struct Model {
    model: Named,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct One {
    endpoint: Place,
}

#[derive(Deserialize)]
struct Services {
    services: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    id: String,
}

#[derive(Deserialize)]
struct Endpoints {
    endpoints: Vec<Place>,
}

#[derive(Deserialize)]
struct Registered {
    registered_limits: Vec<RegisteredLimit>,
}

#[derive(Deserialize)]
struct RegisteredLimit {
    resource_name: String,
    default_limit: i64,
}

#[derive(Deserialize)]
struct Own {
    limits: Vec<OwnLimit>,
}

#[derive(Deserialize)]
struct OwnLimit {
    resource_name: String,
    resource_limit: i64,
}
