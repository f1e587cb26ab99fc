//! The claim on an image whose data is being written: the one place where an upload changes the status.
//!
//! A claim is a lease in the database, renewed while the claim lives. Dropped without `commit`, it removes what was
//! written and puts the image back to `queued`; if the whole process dies, `work::reap` does that when the lease has
//! run out. So no upload leaves anything behind, however it ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::app::App;
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
    renewal: JoinHandle<()>,
    settled: bool,
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
    // In a task of its own: who goes away meanwhile leaves a claim that is dropped, and not an image that is `saving`
    // until the lease runs out.
    let taking = app.background.spawn(take(Arc::clone(app), lease, allowance.cloned(), size));
    taking.await.map_err(Error::internal)?
}

async fn take(app: Arc<App>, lease: Lease, allowance: Option<Allowance>, size: Option<i64>) -> Result<Claim> {
    let begun = moves::begin_upload(&app.db, &lease, allowance.as_ref(), size, app.clock.now()).await?;
    match (begun, &allowance) {
        (Begun::Saving, _) => {}
        (Begun::Full(room), Some(allowance)) => return Err(room::refused(allowance, size, room)),
        (Begun::TooMany(uploading), Some(Allowance { project, uploading: Some(most), .. })) => {
            return Err(limits::too_many_uploads(project.as_deref(), *most, uploading));
        }
        _ => return Err(not_allowed(Status::Saving, Status::Saving)),
    }
    let renewal = app.background.spawn(renew(Arc::clone(&app), lease.clone()));
    Ok(Claim { app, lease, renewal, settled: false })
}

impl Claim {
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
        app.background.spawn(self.finish(uploaded)).await.map_err(Error::internal)?
    }

    async fn finish(mut self, uploaded: Uploaded) -> Result<()> {
        match moves::finish_upload(&self.app.db, &self.lease, &uploaded, self.app.clock.now()).await {
            Ok(true) => {
                self.settled = true;
                Ok(())
            }
            Ok(false) => {
                let id = self.lease.image_id.clone();
                self.undo().await;
                Err(Error::gone(format!(
                    "Image {id} could not be found after upload. The image may have been deleted during the upload, \
                     cleaning up the chunks uploaded."
                )))
            }
            Err(error) => {
                // It may have happened all the same. The bytes go only when it is certain that it did not; when
                // nothing is, the lease runs out and `work::reap` sees.
                let renewed = leases::renew(&self.app.db, &self.lease, self.app.clock.now()).await;
                self.settled = !matches!(renewed, Ok(true));
                Err(error.into())
            }
        }
    }

    /// Ends an upload that failed: nothing of it is left when this returns.
    pub async fn undo(mut self) {
        self.settled = true;
        undo(Arc::clone(&self.app), self.lease.clone()).await;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.renewal.abort();
        if !self.settled {
            self.app.background.spawn(undo(Arc::clone(&self.app), self.lease.clone()));
        }
    }
}

/// Removes what an upload wrote, and gives image and lease back. What fails here is done later by `work::reap`.
pub async fn undo(app: Arc<App>, lease: Lease) {
    let id = &lease.image_id;
    let undone = async {
        app.stores.named(&lease.store)?.discard(id).await.map_err(Error::internal)?;
        Ok::<_, Error>(moves::undo_upload(&app.db, &lease, app.clock.now()).await?)
    };
    match undone.await {
        Ok(()) => tracing::info!(image_id = id, "upload of image {id} undone"),
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
