//! Adopting bytes that are somewhere already as an image's: the place is looked at, and the bytes are read once to know
//! their hash, while the client is not waiting any more.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use crate::app::App;
use crate::blob::hash::{self, Algorithm, Digests};
use crate::blob::pipe;
use crate::clock::new_uuid;
use crate::db::adoptions::{self, Found, Hashes};
use crate::db::images::{self, Updated};
use crate::db::leases::{self, Lease, Purpose};
use crate::db::tasks::{self, Ending};
use crate::error::{Error, Result};
use crate::image::locations::{self, NewLocation};
use crate::image::{claim, download, quota, removal, room, task, upload};
use crate::model::identity::Identity;
use crate::model::image::Image;
use crate::model::lifecycle::Status;
use crate::model::task::Task;

/// How long to wait before the bytes are read once more.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What a client says that the bytes' secure hash is.
#[derive(Clone, Debug)]
pub struct Said {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The hash, in lower-case hex.
    pub value: String,
}

/// What a client adds.
#[derive(Clone, Debug)]
pub struct Added {
    /// Where the bytes are.
    pub url: String,
    /// What the client says of them.
    pub said: Option<Said>,
    /// The client's project: whose storage quota counts.
    pub project: Option<String>,
    /// The record of this work; none for a client without a project.
    pub task: Option<Task>,
}

/// Begins to make what is `added` the data of `image`. What becomes of it shows in the image's status: `active`, or
/// `queued` still.
///
/// # Errors
/// `Conflict` when somebody is at work on the image.
pub async fn begin(app: &Arc<App>, image: &Image, added: Added) -> Result<()> {
    if image.properties.contains_key(adoptions::LOCK) {
        return Err(Error::conflict("Image has active task"));
    }
    let task_id = added.task.as_ref().map_or_else(|| new_uuid().to_string(), |task| task.id.clone());
    let lease = Lease { token: task_id.clone(), ..Lease::new(Purpose::Adopt, &image.id, &app.config.node) };
    // In a task of its own: who goes away meanwhile leaves an adoption that goes on, and not an image that is locked until
    // the lease runs out.
    let work = Adoption { app: Arc::clone(app), lease, task_id };
    app.to_its_end(work.begin(added)).await
}

/// Goes on with an adoption that a crash cut off: an image that is active by now gets its hash, any other is as before.
///
/// # Errors
/// When store or database fail.
pub async fn resume(app: &Arc<App>, lease: Lease, image: &Image) -> Result<()> {
    // The lock names the task; the lease has changed hands.
    let task_id = image.properties.get(adoptions::LOCK).cloned().unwrap_or_default();
    let work = Adoption { app: Arc::clone(app), lease, task_id };
    let reads = work.app.config.api.do_secure_hash;
    if reads && image.status == Status::Active && image.os_hash_value.is_none() {
        let image = image.clone();
        app.background.spawn(async move { work.run(work.note_hashes(&image)).await });
        return Ok(());
    }
    work.undo().await?;
    task::end(app, &work.task_id, Ending::Failed { message: "The service was stopped meanwhile." }).await;
    Ok(())
}

struct Adoption {
    app: Arc<App>,
    lease: Lease,
    task_id: String,
}

impl Adoption {
    /// Takes the lease and notes the task; the rest is done when this has returned.
    async fn begin(self, added: Added) -> Result<()> {
        let (app, id) = (Arc::clone(&self.app), &self.lease.image_id);
        let begun = adoptions::begin(&app.db, &self.lease, app.clock.now()).await;
        if let Ok(false) = begun {
            let text = "is not permitted as prior operation is still in progress";
            return Err(Error::conflict(format!("New operation on image '{id}' {text}")));
        }
        let noted = match (begun, &added.task) {
            (Ok(_), Some(task)) => tasks::insert(&app.db, task).await,
            (begun, _) => begun.map(drop),
        };
        if let Err(error) = noted {
            // It may have begun all the same, and nobody goes on with it.
            adoptions::undo(&app.db, &self.lease, &self.task_id, app.clock.now()).await?;
            return Err(error.into());
        }
        app.background.spawn(async move { self.run(self.adopt(added)).await });
        Ok(())
    }

    /// Does `work`, as long as the lease is ours: who deletes the image takes it away.
    async fn run(&self, work: impl Future<Output = Result<()>>) {
        let id = &self.lease.image_id;
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = claim::renew(Arc::clone(&self.app), self.lease.clone()) => Err(gone(id)),
        };
        let Err(error) = outcome else {
            tracing::info!(image_id = id, "image {id} has the data at the location that was added");
            let result = [("image_id".to_owned(), id.as_str().into())].into_iter().collect();
            return task::end(&self.app, &self.task_id, Ending::Done { result: &result }).await;
        };
        tracing::warn!(image_id = id, ?error, "location not added to image {id}: {error}");
        if let Err(fault) = self.undo().await {
            tracing::error!(image_id = id, ?fault, "adding a location to image {id} not undone yet: {fault}");
        }
        task::end(&self.app, &self.task_id, Ending::Failed { message: &error.to_string() }).await;
    }

    async fn adopt(&self, added: Added) -> Result<()> {
        let Self { app, lease, .. } = self;
        let Added { url, said, project, .. } = added;
        tasks::begin(&app.db, &self.task_id, app.clock.now()).await?;
        let mut image = self.image().await?;
        let new = NewLocation { url, metadata: serde_json::Map::new(), validation: None };
        let location = locations::named(app, new);
        quota::locations(&app.config.quotas, image.locations.len() + 1)?;
        let size = locations::size(app, &image, &location).await?;
        upload::formats_are_set(&image)?;
        let reads = app.config.api.do_secure_hash;
        let becomes = if reads && said.is_some() { Status::Importing } else { Status::Active };
        let size = i64::try_from(size).map_err(Error::internal)?;
        let found = Found { location, size };
        let allowance = room::allowance(app, project.as_deref());
        match adoptions::place(&app.db, lease, &found, allowance.as_ref(), becomes, app.clock.now()).await? {
            Updated::Yes => {}
            Updated::Changed => return Err(gone(&image.id)),
            Updated::Full { needed, left } => return Err(quota::no_room_for_locations(needed, left)),
        }
        image.size = Some(size);
        image.locations.push(found.location);
        match said {
            None if reads => self.note_hashes(&image).await,
            None => self.finish(Hashes::default()).await,
            Some(said) if reads => self.compare(&image, said).await,
            // Believed as it is: that is what the operator's switch is for.
            Some(Said { algorithm, value }) => {
                let os_hash_algo = Some(algorithm.to_string());
                self.finish(Hashes { checksum: None, os_hash_algo, os_hash_value: Some(value) }).await
            }
        }
    }

    /// Notes the hashes of the bytes of `image`, which is active whether or not they can be read.
    async fn note_hashes(&self, image: &Image) -> Result<()> {
        match self.read(image, self.app.hashing).await {
            Ok(digests) => self.finish(hashes(digests, self.app.hashing)).await,
            Err(error) => {
                tracing::warn!(image_id = image.id, ?error, "image {} has no hash: {error}", image.id);
                self.finish(Hashes::default()).await
            }
        }
    }

    /// Makes `image` active if its bytes have the hash that the client said.
    async fn compare(&self, image: &Image, said: Said) -> Result<()> {
        let digests = self.read(image, said.algorithm).await?;
        if digests.secure != said.value {
            let text =
                format!("os_hash_value: ({}) not matched with actual os_hash_value: ({})", said.value, digests.secure);
            return Err(Error::invalid(text));
        }
        self.finish(hashes(digests, said.algorithm)).await
    }

    /// Reads all bytes of `image`, several times if need be. A node reads few images at once.
    async fn read(&self, image: &Image, algorithm: Algorithm) -> Result<Digests> {
        let _turn = self.app.readers.acquire().await.map_err(Error::internal)?;
        let attempts = self.app.config.api.http_retries.max(1);
        let mut attempt = 1;
        loop {
            match read_once(&self.app, image, algorithm).await {
                Err(error) if attempt < attempts => {
                    tracing::info!(image_id = image.id, attempt, "image {} not read: {error}", image.id);
                }
                outcome => return outcome,
            }
            attempt += 1;
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn finish(&self, hashes: Hashes) -> Result<()> {
        let Self { app, lease, task_id } = self;
        let ours = adoptions::finish(&app.db, lease, task_id, &hashes, app.clock.now()).await?;
        if ours { Ok(()) } else { Err(gone(&lease.image_id)) }
    }

    /// Puts the image back to where it was. The bytes go as they would with any other location, unless the lease is lost: then
    /// they may be somebody else's.
    async fn undo(&self) -> Result<()> {
        let Self { app, lease, task_id } = self;
        if leases::renew(&app.db, lease, app.clock.now()).await?
            && let Ok(image) = self.image().await
            && image.status == Status::Importing
        {
            for location in &image.locations {
                removal::bytes(app, &image.id, location).await?;
            }
        }
        Ok(adoptions::undo(&app.db, lease, task_id, app.clock.now()).await?)
    }

    async fn image(&self) -> Result<Image> {
        let id = &self.lease.image_id;
        images::find(&self.app.db, id, &Identity::service()).await?.ok_or_else(|| gone(id))
    }
}

async fn read_once(app: &App, image: &Image, algorithm: Algorithm) -> Result<Digests> {
    let size = image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    let bytes = download::download(app, image, size, None).await?;
    let (mut bytes, digests) = hash::beside(pipe::blocks(bytes), algorithm);
    while let Some(block) = bytes.next().await {
        block.map_err(Error::internal)?;
    }
    digests.await.map_err(Error::internal)
}

fn hashes(digests: Digests, algorithm: Algorithm) -> Hashes {
    Hashes {
        checksum: Some(digests.md5),
        os_hash_algo: Some(algorithm.to_string()),
        os_hash_value: Some(digests.secure),
    }
}

fn gone(id: &str) -> Error {
    Error::gone(format!("Image {id} changed or went while a location was added"))
}
