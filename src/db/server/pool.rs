//! The connections to a server that nobody uses at the moment, and the room for more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::link::{Ask, Link, Told};
use crate::config::DatabaseServer;
use crate::db::DbError;

/// A connection that lay idle for longer is asked whether it lives before it is used. Others are believed: when one breaks
/// at its first statement, nothing is lost.
const BELIEVED: Duration = Duration::from_secs(1);
/// Connections beyond `max_pool_size` stay open so long for whoever comes next.
const SURPLUS_KEPT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Pool {
    server: DatabaseServer,
    idle: Mutex<Vec<Idle>>,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    opened: Instant,
    since: Instant,
}

/// A connection and its place in the pool. Dropped, the connection is closed; `keep` gives it back.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) link: Link,
    /// Whether the connection is not what it was: nobody else is to have it.
    pub(super) spent: bool,
    opened: Instant,
    pool: Arc<Pool>,
    _room: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(server: DatabaseServer) -> Arc<Self> {
        let room = Arc::new(Semaphore::new(server.connections_max.max(1)));
        Arc::new(Self { server, idle: Mutex::default(), room })
    }

    /// A connection on which `first` was done, and what came of that. A connection that is found broken by it is replaced.
    pub(super) async fn begin(self: &Arc<Self>, first: Ask<'_>) -> Result<(Held, Told), DbError> {
        let room = timeout(self.server.pool_timeout, Arc::clone(&self.room).acquire_owned()).await;
        let room = room.map_err(|_| DbError::Unavailable("every connection is busy".into()))?;
        let room = room.map_err(|_| DbError::Unavailable("the database is closed".into()))?;
        let (mut link, mut opened, mut known) = match self.known().await {
            Some(idle) => (idle.link, idle.opened, true),
            None => (Link::open(&self.server).await?, Instant::now(), false),
        };
        loop {
            match link.ask(first).await {
                Ok(told) => {
                    return Ok((Held { link, spent: false, opened, pool: Arc::clone(self), _room: room }, told));
                }
                Err(DbError::Unavailable(error)) if known => {
                    tracing::debug!(%error, "a connection was broken");
                    // The others that lie idle are broken, too, if the server was away.
                    self.forget_idle();
                    (link, opened, known) = (Link::open(&self.server).await?, Instant::now(), false);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A connection that lies idle and lives.
    async fn known(&self) -> Option<Idle> {
        loop {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let old = self.server.recycle_after.is_some_and(|age| idle.opened.elapsed() >= age);
            if old {
                idle.link.close().await;
            } else if idle.since.elapsed() < BELIEVED || idle.link.lives().await {
                return Some(idle);
            }
        }
    }

    fn forget_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Closes every connection after its present work.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.server.connections_max.max(1)).unwrap_or(u32::MAX);
        if let Ok(all) = self.room.acquire_many(all).await {
            all.forget();
        }
        self.room.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for idle in idle {
            idle.link.close().await;
        }
    }
}

impl Held {
    /// Closes the connection, which is broken; the others that lie idle are, too, if the server was away.
    pub(super) fn broken(self) {
        self.pool.forget_idle();
    }

    /// Gives the connection back, which has no transaction open.
    pub(super) fn keep(self) {
        let Self { link, spent, opened, pool, _room } = self;
        if spent {
            return;
        }
        let now = Instant::now();
        let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { link, opened, since: now });
        // The first has lain idle longest, for the last is taken first.
        if idle.len() > pool.server.connections_kept && idle[0].since + SURPLUS_KEPT < now {
            idle.remove(0);
        }
    }
}
