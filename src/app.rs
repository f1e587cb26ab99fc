//! All that a request may reach, built once at start. Nothing is global: two apps live in one test process.

mod health;
pub mod image_schema;
mod property_rules;
pub mod rulebook;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::app::image_schema::ImageSchema;
use crate::app::rulebook::Rulebook;
use crate::auth::Authority;
use crate::auth::keystone::Keystone;
use crate::auth::standalone::Standalone;
use crate::blob::hash::Algorithm;
use crate::catalogue::image_properties::ImageDefinitions;
use crate::clock::Clock;
use crate::config::{Callers, Config};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::fetch::policy_server::PolicyServer;
use crate::keystone::limits::Limits;
use crate::policy::property::PropertyRules;
use crate::store::registry::Registry;

/// The service.
pub struct App {
    /// What the operator decided.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The database.
    pub db: Db,
    /// Where bytes are kept.
    pub stores: Registry,
    /// The algorithm of the secure hash.
    pub hashing: Algorithm,
    /// What an image may look like.
    pub image_schema: ImageSchema,
    /// What the catalogue of metadata definitions says about properties of images.
    pub image_definitions: ImageDefinitions,
    /// Who may do what.
    pub policy: Rulebook,
    /// The way to services that decide rules of the policy.
    pub policy_server: PolicyServer,
    /// Who may do what to single properties; none when they are everybody's.
    pub property_rules: Option<PropertyRules>,
    /// Who is calling.
    pub authority: Authority,
    /// The limits in Keystone; none where they do not hold.
    pub limits: Option<Limits>,
    /// The turns of those who read whole images only to know their hashes.
    pub readers: Semaphore,
    /// Work that outlives its request. Stopping waits for it.
    pub background: TaskTracker,
    /// The places for work that goes on when whoever asked for it goes away: as many as connections, so that nobody waits for
    /// one until as many pieces of such work are left behind.
    places: Arc<Semaphore>,
    /// The places for health checks that look at files.
    health_checks: Arc<Semaphore>,
}

/// How many images are read at once to know their hashes; the reference has as many threads for it.
const READERS_MAX: usize = 16;

/// How long `close` waits for work that outlives its request.
const BACKGROUND_GRACE: Duration = Duration::from_secs(30);

impl App {
    /// The service that `config` describes.
    ///
    /// # Errors
    /// When database, stores or policy files cannot be opened.
    pub async fn open(config: Config, clock: Clock) -> Result<Arc<Self>> {
        let db = Db::open(&config.database).await?;
        let stores = Registry::open(&config.stores, &config.uri_filter)?;
        let hashing = Algorithm::from_name(&config.api.hashing_algorithm).ok_or_else(|| {
            Error::internal(format!("hashing_algorithm = {:?} is none that we know", config.api.hashing_algorithm))
        })?;
        let authority = match &config.callers {
            Callers::BuiltIn => {
                let standalone = Standalone::new(db.clone(), clock.clone(), config.identity.clone())?;
                Authority::Standalone(Box::new(standalone))
            }
            Callers::Keystone(options) => {
                Authority::Keystone(Box::new(Keystone::open((**options).clone(), clock.clone())?))
            }
            Callers::TrustedHeaders => Authority::TrustedHeaders,
            Callers::FakeTokens => Authority::FakeTokens,
            Callers::Nobody => Authority::Nobody,
        };
        let limits = match &config.limits {
            Some(Ok(options)) => Some(Limits::open((**options).clone(), clock.clone())?),
            Some(Err(missing)) => Some(Limits::out_of_reach(missing)),
            None => None,
        };
        let policy = Rulebook::open(&config.policy).await.map_err(Error::internal)?;
        let policy_server = PolicyServer::new(config.remote_checks.clone()).map_err(Error::internal)?;
        let image_schema = ImageSchema::new(&config)?;
        let property_rules = match &config.property_protection {
            Some(protection) => Some(property_rules::read(protection).await?),
            None => None,
        };
        let places = Arc::new(Semaphore::new(config.listener.connections_max.max(1)));
        Ok(Arc::new(Self {
            config,
            clock,
            db,
            stores,
            hashing,
            policy,
            policy_server,
            property_rules,
            image_schema,
            image_definitions: ImageDefinitions::default(),
            authority,
            limits,
            readers: Semaphore::new(READERS_MAX),
            background: TaskTracker::new(),
            places,
            health_checks: Arc::new(Semaphore::new(health::CHECKS_MAX)),
        }))
    }

    /// A place for work that goes on when whoever asked for it goes away. Who has one must not wait for another.
    ///
    /// # Errors
    /// Never, as long as the service lives.
    pub async fn place(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.map_err(Error::internal)
    }

    /// Does `work` to its end, also when whoever asked for it goes away meanwhile: for what has to be done whole once it is
    /// begun. It must not wait for a place itself.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn to_its_end<T>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
    {
        let place = self.place().await?;
        let (answer, answered) = oneshot::channel();
        let work = async move {
            let done = work.await;
            drop(place);
            if let Err(Err(error)) = answer.send(done) {
                tracing::warn!(?error, "not done, and nobody waits to be told: {error}");
            }
        };
        self.background.spawn(work.in_current_span());
        answered.await.map_err(Error::internal)?
    }

    /// Ends the service in order: work that outlives its request is waited for, then the database is closed.
    pub async fn close(&self) {
        self.background.close();
        if tokio::time::timeout(BACKGROUND_GRACE, self.background.wait()).await.is_err() {
            tracing::warn!(left = self.background.len(), "background work is not done; the next start will do it");
        }
        self.db.close().await;
    }
}
