//! What keeps this node from serving.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio::time::{Duration, timeout};

use crate::app::App;

/// How long a check may take: a file on a network file system that is gone answers never.
const CHECK_MAX: Duration = Duration::from_secs(5);
/// The most threads that wait for such files at a time.
pub(super) const CHECKS_MAX: usize = 4;

impl App {
    /// A word for each thing that keeps this node from serving; none when it can.
    pub async fn ailments(&self) -> Vec<&'static str> {
        let mut ailments = Vec::new();
        match timeout(CHECK_MAX, self.db.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!("health check: the database does not answer: {error}");
                ailments.push("DATABASE UNAVAILABLE");
            }
            Err(_) => {
                tracing::warn!("health check: the database does not answer in time");
                ailments.push("DATABASE UNAVAILABLE");
            }
        }
        let options = &self.config.healthcheck;
        if let Some(file) = &options.disable_by_file_path
            && self.is_there(file.clone()).await.unwrap_or(true)
        {
            tracing::warn!("health check: out of service because of {}", file.display());
            ailments.push("DISABLED BY FILE");
        }
        for file in &options.enable_by_file_paths {
            if !self.is_there(file.clone()).await.unwrap_or(false) {
                tracing::warn!("health check: {} is missing", file.display());
                ailments.push("FILE PATH MISSING");
                break;
            }
        }
        ailments
    }

    /// Whether there is a file at `path`; none when that cannot be found out in time.
    async fn is_there(&self, path: PathBuf) -> Option<bool> {
        let look = async {
            let place = Arc::clone(&self.health_checks).acquire_owned().await.ok()?;
            let looked = spawn_blocking(move || {
                let there = path.try_exists().unwrap_or(false);
                drop(place);
                there
            });
            looked.await.ok()
        };
        timeout(CHECK_MAX, look).await.ok().flatten()
    }
}
