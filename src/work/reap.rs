//! Making good what a crash cut off: uploads are undone, deletions finished, as soon as their leases have run out.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::clock::new_uuid;
use crate::db::images;
use crate::db::leases::{self, Lease, Purpose};
use crate::error::Result;
use crate::image::{adopt, claim, delete, removal};
use crate::model::identity::Identity;

/// How often leases that ran out are looked for.
const INTERVAL: Duration = Duration::from_secs(30);
/// How many are seen to at a time; a node has no more than that many uploads under way by far.
const BATCH: u32 = 10_000;

/// Sees to all leases of this node's former self. To be called before the first request: from then on, leases of this
/// node are its own.
///
/// # Errors
/// When the database fails.
pub async fn at_start(app: &Arc<App>) -> Result<()> {
    reap(app, Some(&app.config.node)).await
}

/// Sees to leases that run out, until `stop`.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        if let Err(error) = reap(&app, None).await {
            tracing::error!(?error, "leases not seen to: {error}");
        }
    }
}

/// Sees to every lease that ran out, and to all that `former_self` held.
async fn reap(app: &Arc<App>, former_self: Option<&str>) -> Result<()> {
    let abandoned = leases::abandoned(&app.db, former_self, app.clock.now(), BATCH).await?;
    for lease in &abandoned {
        // One whose store is away, say, keeps neither the others nor the node waiting: its lease runs out once more.
        if let Err(error) = see_to(app, lease).await {
            let id = &lease.image_id;
            tracing::error!(image_id = id, purpose = ?lease.purpose, ?error, "image {id} is not made good yet: {error}");
        }
    }
    Ok(())
}

/// Takes `lease` over and makes its work good, unless somebody else has it by now.
async fn see_to(app: &Arc<App>, lease: &Lease) -> Result<()> {
    let ours = Lease { holder: app.config.node.clone(), token: new_uuid().to_string(), ..lease.clone() };
    if !leases::take_over(&app.db, lease, &ours, app.clock.now()).await? {
        return Ok(());
    }
    tracing::info!(image_id = lease.image_id, purpose = ?lease.purpose, "making good what was cut off");
    match lease.purpose {
        Purpose::Upload => claim::undo(Arc::clone(app), ours).await,
        Purpose::Remove => removal::resume(app, &ours).await?,
        Purpose::Adopt => match images::find(&app.db, &lease.image_id, &Identity::service()).await? {
            Some(image) => adopt::resume(app, ours, &image).await?,
            None => leases::release(&app.db, &ours).await?,
        },
        Purpose::Delete => match images::find(&app.db, &lease.image_id, &Identity::service()).await? {
            Some(image) => delete::resume(app, &ours, &image).await?,
            None => leases::release(&app.db, &ours).await?,
        },
    }
    Ok(())
}
