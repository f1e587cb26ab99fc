//! Removing the tokens of the built-in identity that have ended.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;

/// How often they are looked for.
const INTERVAL: Duration = Duration::from_mins(10);

/// Removes them now and then, until `stop`.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let Some(identity) = app.authority.built_in() else {
        return;
    };
    loop {
        match identity.purge_tokens().await {
            Ok(0) => {}
            Ok(purged) => tracing::debug!(purged, "tokens that have ended are removed"),
            Err(error) => tracing::error!(?error, "tokens not purged: {error}"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}
