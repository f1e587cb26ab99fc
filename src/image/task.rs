//! Tasks by request: noted, and ended at once as long as nothing here can do them.

use std::sync::Arc;

use chrono::Duration;

use crate::app::App;
use crate::db::tasks::{self, Ending};
use crate::error::Result;
use crate::fetch::Guard;
use crate::model::task::Task;

/// What the task says in the end.
const NOT_DONE: &str = "This service does not carry out tasks of this type.";

/// Whether a client may name `uri` as the place that an image comes from.
pub async fn may_come_from(app: &App, uri: &str) -> bool {
    Guard::new(app.config.uri_filter.clone()).admits(uri).await
}

/// Notes `task`, and sees to its end in the background.
///
/// # Errors
/// When the database fails.
pub async fn begin(app: &Arc<App>, task: &Task) -> Result<()> {
    let (noting, task) = (Arc::clone(app), task.clone());
    // Who goes away meanwhile does not leave a task that nobody ends.
    let work = async move {
        tasks::insert(&noting.db, &task).await?;
        let background = noting.background.clone();
        background.spawn(async move { end(&noting, &task.id, Ending::Failed { message: NOT_DONE }).await });
        Ok(())
    };
    app.to_its_end(work).await
}

/// Ends task `id`. What fails here leaves a task that nobody works on, and nothing else.
pub(super) async fn end(app: &App, id: &str, ending: Ending<'_>) {
    let now = app.clock.now();
    // An age that no calendar holds is for ever.
    let kept = Duration::from_std(app.config.tasks.time_to_live).unwrap_or(Duration::MAX);
    let expires_at = now.checked_add_signed(kept).unwrap_or(now + Duration::days(365_000));
    match tasks::end(&app.db, id, ending, expires_at, now).await {
        Ok(()) => tracing::info!(task_id = id, ?ending, "task {id} ended"),
        Err(error) => tracing::error!(task_id = id, ?error, "task {id} not ended: {error}"),
    }
}
