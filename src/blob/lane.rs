//! Work on blocks beside the stream that carries them: in order, off the executor, and holding a thread only while
//! there is something to do.
//!
//! A thread kept for the whole of a transfer would be simpler, but the pool of blocking threads is finite and a
//! transfer lasts as long as the other end likes: some hundred slow clients would hold every thread, and uploads that
//! hold one thread and wait for a second would never end.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

/// Blocks that may wait while one is worked on. Two let either side be late by a block without stopping the other.
const DEPTH: usize = 2;

/// What is done to every block. It may block its thread for the time of one block.
pub type Work<S> = fn(&mut S, &Bytes) -> io::Result<()>;

/// A lane that does `work` on every block fed to it. `state` comes back by the outcome.
pub fn open<S: Send + 'static>(state: S, work: Work<S>) -> (Feeder<S>, Outcome<S>) {
    let (queue, blocks) = mpsc::channel(DEPTH);
    let (outcome, result) = oneshot::channel();
    let worker = Worker { state, work, blocks, outcome };
    let idle = Arc::new(Mutex::new(Some(worker)));
    (Feeder { queue, idle }, Outcome { result })
}

/// The end of a lane where the blocks go in. Dropped before `finish`, it abandons the work; the state is then dropped
/// off the executor as well, since that may mean to close and remove files.
pub struct Feeder<S: Send + 'static> {
    /// `None` ends the work.
    queue: mpsc::Sender<Option<Bytes>>,
    idle: Idle<S>,
}

/// The worker stopped; the outcome tells why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl<S: Send + 'static> Feeder<S> {
    /// Adds a block, waiting while `DEPTH` others wait.
    ///
    /// # Errors
    /// `Stopped` when the work failed.
    pub async fn feed(&self, block: Bytes) -> Result<(), Stopped> {
        self.send(Some(block)).await
    }

    /// Says that all blocks have been fed.
    pub async fn finish(self) {
        // A worker that stopped has told the outcome why.
        let _ = self.send(None).await;
    }

    async fn send(&self, message: Option<Bytes>) -> Result<(), Stopped> {
        self.queue.send(message).await.map_err(|_| Stopped)?;
        let idle = lock(&self.idle).take();
        if let Some(worker) = idle {
            let idle = Arc::clone(&self.idle);
            spawn_blocking(move || worker.run(&idle));
        }
        Ok(())
    }
}

impl<S: Send + 'static> Drop for Feeder<S> {
    fn drop(&mut self) {
        let idle = lock(&self.idle).take();
        // A worker that is not idle notices by itself. Outside of a runtime there is no executor to spare.
        if let (Some(worker), Ok(runtime)) = (idle, Handle::try_current()) {
            runtime.spawn_blocking(move || drop(worker));
        }
    }
}

/// What became of the work. Dropping it changes nothing: the worker notices when it is done.
pub struct Outcome<S> {
    result: oneshot::Receiver<io::Result<S>>,
}

impl<S> Outcome<S> {
    /// Waits until every block is worked on, and gives the state back.
    ///
    /// # Errors
    /// What `work` returned; or `Interrupted` when the feeder was dropped before its `finish`, or the worker was lost.
    pub async fn finished(self) -> io::Result<S> {
        self.result.await.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::Interrupted, "the work was abandoned")))
    }
}

/// Where the worker rests while there is nothing to do. Empty while it works.
type Idle<S> = Arc<Mutex<Option<Worker<S>>>>;

struct Worker<S> {
    state: S,
    work: Work<S>,
    blocks: mpsc::Receiver<Option<Bytes>>,
    outcome: oneshot::Sender<io::Result<S>>,
}

impl<S> Worker<S> {
    /// Works until the queue is empty, then rests at `idle`.
    fn run(mut self, idle: &Idle<S>) {
        loop {
            // The feeder first sends and then looks here. Under the lock, either we see its block or it finds us.
            let mut resting = lock(idle);
            match self.blocks.try_recv() {
                Ok(Some(block)) => {
                    drop(resting);
                    if let Err(error) = (self.work)(&mut self.state, &block) {
                        return self.end(Err(error));
                    }
                }
                Ok(None) => {
                    drop(resting);
                    return self.end(Ok(()));
                }
                Err(TryRecvError::Empty) => {
                    *resting = Some(self);
                    return;
                }
                Err(TryRecvError::Disconnected) => return,
            }
        }
    }

    /// Tells the outcome. A failed state is dropped first, so that whoever hears of the failure finds it undone.
    fn end(self, result: io::Result<()>) {
        let Self { state, outcome, .. } = self;
        let result = match result {
            Ok(()) => Ok(state),
            Err(error) => {
                drop(state);
                Err(error)
            }
        };
        // Nobody waits for it any more: the state is dropped here.
        let _ = outcome.send(result);
    }
}

/// The lock is never held while foreign code runs, so what it guards is whole even after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
