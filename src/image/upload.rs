//! Uploading an image's data: claim the image, stream the bytes into a store, through the hashes and the inspection of
//! their format, make it active.

use std::sync::Arc;

use crate::app::App;
use crate::blob::hash::{self, Digests};
use crate::blob::{Body, BodyError, pipe};
use crate::db::moves::Uploaded;
use crate::db::storage::{Allowance, Storage};
use crate::error::{Error, Kind, Result};
use crate::image::{claim, inspect, quota, room};
use crate::model::image::{Image, Location};
use crate::model::lifecycle::Status;
use crate::store::{Placed, Store, StoreError};

/// What is to be uploaded.
pub struct Upload {
    /// The bytes.
    pub bytes: Body,
    /// How many there are, where the uploader says so.
    pub size: Option<i64>,
    /// The store that takes them; the default one if none is named.
    pub store: Option<String>,
    /// What the uploader's project may keep; none for as much as it likes.
    pub allowance: Option<Allowance>,
}

/// Makes `upload` the data of `image`.
///
/// # Errors
/// `Conflict` when the image is not `queued`, `Invalid` when its formats are not set or its size is not as declared,
/// `TooLarge` beyond the cap or the quota or when the store is full, `Unsupported` when it is not of the format that the
/// image claims or not safe to open, `Gone` when the image was deleted meanwhile.
pub async fn upload(app: &Arc<App>, image: &Image, upload: Upload) -> Result<()> {
    let (store_id, store) = app.stores.for_new_data(upload.store.as_deref())?;
    ready(image)?;
    if !store.capabilities().add {
        return Err(no_adding());
    }
    let cap = app.config.quotas.image_size_cap;
    if upload.size.is_some_and(|size| u64::try_from(size).is_ok_and(|size| size > cap)) {
        return Err(quota::too_many_bytes());
    }
    let size = upload.size.filter(|&size| size != 0);
    let claim = claim::begin(app, image, store_id, upload.allowance.as_ref(), size).await?;
    let bytes = match upload.allowance.filter(|allowance| size.is_none() && allowance.storage != Storage::Unlimited) {
        Some(allowance) => room::reserved_on_the_way(app, claim.lease(), allowance, upload.bytes),
        None => upload.bytes,
    };
    let written = write(app, image, store, bytes, size).await;
    match written {
        Ok(written) => claim.commit(uploaded(app, store_id, written)).await,
        Err(error) => {
            claim.undo().await;
            Err(error)
        }
    }
}

/// Whether `image` can take data now.
fn ready(image: &Image) -> Result<()> {
    if !image.status.may_become(Status::Saving) {
        return Err(claim::not_allowed(image.status, Status::Saving));
    }
    formats_are_set(image)
}

/// Whether it is known what the data of `image` is, or is to be.
///
/// # Errors
/// `Invalid` when it is not.
pub fn formats_are_set(image: &Image) -> Result<()> {
    let formats = [("disk_format", &image.disk_format), ("container_format", &image.container_format)];
    let missing: Vec<&str> = formats.iter().filter(|(_, format)| format.is_none()).map(|(name, _)| *name).collect();
    match missing.as_slice() {
        [] => Ok(()),
        [one] => Err(Error::invalid(format!("Property {one} must be set prior to saving data."))),
        more => Err(Error::invalid(format!("Properties {} must be set prior to saving data.", more.join(", ")))),
    }
}

/// What was written, and what was found out about it on the way.
struct Written {
    placed: Placed,
    digests: Digests,
    virtual_size: Option<i64>,
}

async fn write(
    app: &App,
    image: &Image,
    store: &Arc<dyn Store>,
    bytes: Body,
    declared: Option<i64>,
) -> Result<Written> {
    // An earlier upload of this image that was cut off may have left something under its name.
    store.discard(&image.id).await.map_err(failed)?;
    let limit = declared.map_or(app.config.quotas.image_size_cap, |size| u64::try_from(size).unwrap_or(0));
    let (bytes, seen) = pipe::counted(bytes);
    let (bytes, inspected) = inspect::beside(pipe::capped(bytes, limit), image);
    let (bytes, digests) = hash::beside(bytes, app.hashing);
    let expected = declared.and_then(|size| u64::try_from(size).ok());
    let placed = store.put(&image.id, bytes, expected).await.map_err(|error| match (error, declared) {
        (StoreError::Body(BodyError::TooLong { .. }), Some(size)) => {
            Error::invalid(format!("Size exceeds: expected {size} bytes, got {} bytes", seen.bytes()))
        }
        (error, _) => failed(error),
    })?;
    if let Some(size) = declared
        && i64::try_from(placed.size) != Ok(size)
    {
        let text = format!("Size mismatch: expected {size} bytes, got {} bytes", placed.size);
        return Err(Error::invalid(text));
    }
    let virtual_size = inspected.verdict(&app.config.formats)?;
    Ok(Written { placed, digests: digests.await.map_err(Error::internal)?, virtual_size })
}

fn uploaded(app: &App, store: &str, written: Written) -> Uploaded {
    let Written { placed, digests, virtual_size } = written;
    let mut metadata = placed.metadata;
    app.stores.note(store, &mut metadata);
    Uploaded {
        location: Location { id: None, url: placed.url, metadata },
        size: i64::try_from(placed.size).unwrap_or(i64::MAX),
        virtual_size,
        checksum: digests.md5,
        os_hash_algo: app.hashing.to_string(),
        os_hash_value: digests.secure,
    }
}

/// What a failed write means to the uploader.
fn failed(error: StoreError) -> Error {
    match error {
        StoreError::Body(BodyError::TooLong { .. }) => quota::too_many_bytes(),
        StoreError::Body(BodyError::Refused(refusal)) => *refusal,
        StoreError::Body(broken) => Error::invalid(format!("The image data ended early: {broken}")),
        StoreError::Full(_) => {
            Error::too_large("Image storage media is full: There is not enough disk space on the image storage media.")
        }
        StoreError::Denied(cause) => Error::unavailable(cause)
            .saying("Insufficient permissions on image storage media: Permission to write image storage media denied."),
        StoreError::NoRoom { wanted } => Error::too_large(format!(
            "Image storage media is full: There is no enough disk space left on the image storage media. \
             requested={wanted}"
        )),
        StoreError::Unsupported { .. } => no_adding(),
        other => Error::internal(other),
    }
}

fn no_adding() -> Error {
    Error::new(Kind::Gone).saying("Error in store configuration. Adding images to store is disabled.")
}
