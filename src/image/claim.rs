//! The claim on an image whose data is being written: the one place where an upload changes the status.
//!
//! A claim is a lease in the database, renewed while the claim lives. Dropped without `commit`, it removes what was
//! written and puts the image back to `queued`; if the whole process dies, `work::reap` does that when the lease has
//! run out. So no upload leaves anything behind, however it ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::app::App;
use crate::db::DbError;
use crate::db::leases::{self, LEASE_DURATION, Lease, Purpose};
use crate::db::moves::{self, Begun, Uploaded};
use crate::db::storage::Allowance;
use crate::error::{Error, Result};
use crate::image::{limits, room};
use crate::model::image::Image;
use crate::model::lifecycle::Status;

/// How often a lease is renewed: often enough that two failures in a row do not lose it.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(LEASE_DURATION.as_secs() / 4);

/// The right to write one image's data.
pub struct Claim {
    app: Arc<App>,
    lease: Lease,
    /// None as long as there is no lease.
    renewal: Option<JoinHandle<()>>,
    /// The place of the work that undoes it; none when there is nothing to undo.
    place: Option<OwnedSemaphorePermit>,
}

/// Claims `image`, which must be `queued`, for an upload of `size` bytes to `store`. Its status is `saving` from now on,
/// and room for the bytes is reserved where there is an `allowance`.
///
/// # Errors
/// `Conflict` when somebody else was faster, `TooLarge` when there is no room, or there are too many uploads.
pub async fn begin(
    app: &Arc<App>,
    image: &Image,
    store: &str,
    allowance: Option<&Allowance>,
    size: Option<i64>,
) -> Result<Claim> {
    let lease = Lease { store: store.to_owned(), ..Lease::new(Purpose::Upload, &image.id, &app.config.node) };
    let claim = Claim { app: Arc::clone(app), lease, renewal: None, place: Some(app.place().await?) };
    let allowance = allowance.cloned();
    let (answer, answered) = oneshot::channel();
    // In a task of its own: a commit that is on its way cannot be called back. Who goes away before it leaves nothing, and who
    // goes away during it leaves a claim that is dropped, and not an image that is `saving` until the lease runs out.
    let taking = async move {
        let taken = claim.take(allowance, size, || !answer.is_closed()).await;
        drop(answer.send(taken));
    };
    app.background.spawn(taking.in_current_span());
    answered.await.map_err(Error::internal)?
}

impl Claim {
    async fn take(
        mut self,
        allowance: Option<Allowance>,
        size: Option<i64>,
        wanted: impl Fn() -> bool,
    ) -> Result<Self> {
        let (app, lease) = (&self.app, &self.lease);
        let begun = moves::begin_upload(&app.db, lease, allowance.as_ref(), size, app.clock.now(), wanted).await;
        // What may have been done all the same is undone when this is dropped.
        if !matches!(begun, Ok(Begun::Saving)) && !begun.as_ref().is_err_and(DbError::may_be_kept) {
            self.place = None;
        }
        match (begun?, &allowance) {
            (Begun::Saving, _) => {
                self.renewal = Some(app.background.spawn(renew(Arc::clone(app), lease.clone())));
                Ok(self)
            }
            (Begun::Full(room), Some(allowance)) => Err(room::refused(allowance, size, room)),
            (Begun::TooMany(uploading), Some(Allowance { project, uploading: Some(most), .. })) => {
                Err(limits::too_many_uploads(project.as_deref(), *most, uploading))
            }
            _ => Err(not_allowed(Status::Saving, Status::Saving)),
        }
    }

    /// The lease that stands for it.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Ends the upload well: the image is `active`.
    ///
    /// # Errors
    /// `Gone` when the image was deleted meanwhile; the data is removed then.
    pub async fn commit(self, uploaded: Uploaded) -> Result<()> {
        // In a task of its own: who goes away now must not leave an active image whose bytes are undone.
        let app = Arc::clone(&self.app);
        app.background.spawn(self.finish(uploaded).in_current_span()).await.map_err(Error::internal)?
    }

    async fn finish(mut self, uploaded: Uploaded) -> Result<()> {
        match moves::finish_upload(&self.app.db, &self.lease, &uploaded, self.app.clock.now()).await {
            Ok(true) => {
                self.place = None;
                Ok(())
            }
            Ok(false) => {
                let id = self.lease.image_id.clone();
                if let Err(error) = moves::regain(&self.app.db, &self.lease, self.app.clock.now()).await {
                    tracing::warn!(image_id = id, "lease not taken once more: {error}");
                }
                self.undo().await;
                Err(Error::gone(format!(
                    "Image {id} could not be found after upload. The image may have been deleted during the upload, \
                     cleaning up the chunks uploaded."
                )))
            }
            // It may have happened all the same. The bytes go only when it is certain that it did not, which the lease tells;
            // when nothing is, the lease runs out and `work::reap` sees.
            Err(error) => Err(error.into()),
        }
    }

    /// Ends an upload that failed: nothing of it is left when this returns.
    pub async fn undo(mut self) {
        if let Some(undoing) = self.begin_undo() {
            // Only a panic ends it early, which the log has; the lease runs out then.
            drop(undoing.await);
        }
    }

    /// Undoes it, unless it is settled, in a task of its own: who goes away meanwhile does not leave it half done.
    fn begin_undo(&mut self) -> Option<JoinHandle<()>> {
        let place = self.place.take()?;
        let (app, lease) = (Arc::clone(&self.app), self.lease.clone());
        let undoing = async move {
            undo(app, lease).await;
            drop(place);
        };
        Some(self.app.background.spawn(undoing.in_current_span()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(renewal) = &self.renewal {
            renewal.abort();
        }
        self.begin_undo();
    }
}

/// Removes what an upload wrote, and gives image and lease back, if the lease is still there: else somebody else has seen to
/// it, and the bytes may be those of the next upload. What fails here is done later by `work::reap`.
pub async fn undo(app: Arc<App>, lease: Lease) {
    let id = &lease.image_id;
    let undone = async {
        if !leases::renew(&app.db, &lease, app.clock.now()).await? {
            return Ok(false);
        }
        app.stores.named(&lease.store)?.discard(id).await.map_err(Error::internal)?;
        moves::undo_upload(&app.db, &lease, app.clock.now()).await?;
        Ok::<_, Error>(true)
    };
    match undone.await {
        Ok(true) => tracing::info!(image_id = id, "upload of image {id} undone"),
        Ok(false) => tracing::debug!(image_id = id, "upload of image {id} has nothing to undo"),
        Err(error) => tracing::error!(image_id = id, ?error, "upload of image {id} not undone yet: {error}"),
    }
}

/// What a user is told who wants a move between statuses that does not exist.
pub fn not_allowed(from: Status, to: Status) -> Error {
    Error::conflict(format!("Image status transition from {from} to {to} is not allowed"))
}

/// Renews `lease` until it is lost.
pub(super) async fn renew(app: Arc<App>, lease: Lease) {
    loop {
        tokio::time::sleep(RENEWAL_INTERVAL).await;
        match leases::renew(&app.db, &lease, app.clock.now()).await {
            Ok(true) => {}
            // Lost: `commit` will find out, and the bytes are the business of whoever took it.
            Ok(false) => return,
            Err(error) => tracing::warn!(image_id = lease.image_id, "lease not renewed: {error}"),
        }
    }
}
