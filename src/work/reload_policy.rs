//! Taking over what the operator changed in the policy files, without a restart.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;

/// How often the files are looked at: a few system calls, and nothing at all is read while none has changed.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks after the files until `stop`.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        app.policy.refresh().await;
    }
}
