//! Passwords: hashed with argon2id and compared, off the executor, a few at a time, since each takes memory on purpose.

use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::thread::available_parallelism;

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::clock::random_bytes;
use crate::config::PasswordCost;
use crate::error::{Error, Result};

/// How many passwords are worked on at the same time, if there are as many processors. With the usual cost that is
/// 76 MiB, and some fifty logins a second for each processor.
const AT_ONCE_MAX: usize = 4;
/// How many more may wait for their turn.
const WAITING_MAX: usize = 64;
/// The length of a hash, in bytes.
const HASH_LEN: usize = 32;
/// The length of a salt, in bytes.
const SALT_LEN: usize = 16;

/// Where passwords are hashed and compared.
pub(super) struct Passwords {
    params: Params,
    /// A hash that no password has: what a wrong guess is compared with when there is nobody to be guessed.
    nobody: PasswordHash,
    turns: Arc<Semaphore>,
    room: Arc<Semaphore>,
    /// The working memory of those at work, kept: given back and taken anew each time, it would stay with the
    /// allocator in more pieces than are ever in use.
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
}

impl Passwords {
    /// # Errors
    /// When `cost` is none that argon2 knows.
    pub(super) fn new(cost: PasswordCost) -> Result<Self> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, Some(HASH_LEN)).map_err(|error| defect(&error))?;
        let nobody = phc(&params, &random_bytes::<SALT_LEN>(), &random_bytes::<HASH_LEN>())?;
        let at_once = available_parallelism().map_or(1, NonZero::get).min(AT_ONCE_MAX);
        Ok(Self {
            params,
            nobody,
            turns: Arc::new(Semaphore::new(at_once)),
            room: Arc::new(Semaphore::new(at_once + WAITING_MAX)),
            memory: Arc::default(),
        })
    }

    /// The hash of `password`, in the PHC string format.
    ///
    /// # Errors
    /// `Unavailable` when too many wait already.
    pub(super) async fn hash(&self, password: &SecretString) -> Result<String> {
        let (params, salt) = (self.params.clone(), random_bytes::<SALT_LEN>());
        let hash = self.work(password, params, salt.to_vec(), HASH_LEN).await?;
        Ok(phc(&self.params, &salt, &hash)?.to_string())
    }

    /// Whether `password` has `hash`. Finding out that nobody has it takes as long as finding out that it is wrong.
    ///
    /// # Errors
    /// `Unavailable` when too many wait already.
    pub(super) async fn matches(&self, password: &SecretString, hash: Option<&str>) -> Result<bool> {
        let known = match hash {
            Some(hash) => PasswordHash::new(hash).map_err(|error| defect(&error))?,
            None => self.nobody.clone(),
        };
        let (Some(salt), Some(output)) = (known.salt, known.hash) else {
            return Err(Error::internal("a password hash without salt or hash"));
        };
        if known.algorithm != ARGON2ID_IDENT || known.version != Some(Version::V0x13.into()) {
            return Err(Error::internal("a password hash that is not argon2id"));
        }
        let params = Params::try_from(&known).map_err(|error| defect(&error))?;
        let salt: &[u8] = salt.as_ref();
        let found = self.work(password, params, salt.to_vec(), output.len()).await?;
        // Compares in constant time.
        let same = Output::new(&found).is_ok_and(|found| found == output);
        Ok(same && hash.is_some())
    }

    /// Runs argon2id on a thread for such work. Whoever does not wait for the end leaves its turn to the work, which
    /// holds its memory until then.
    async fn work(&self, password: &SecretString, params: Params, salt: Vec<u8>, len: usize) -> Result<Vec<u8>> {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            return Err(Error::unavailable("too many passwords are being checked at the same time"));
        };
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(Error::internal)?;
        let (password, memory) = (password.clone(), Arc::clone(&self.memory));
        let work = move || {
            let mut blocks = memory.lock().ok().and_then(|mut kept| kept.pop()).unwrap_or_default();
            blocks.resize(params.block_count(), Block::default());
            let mut hash = vec![0; len];
            let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
                password.expose_secret().as_bytes(),
                &salt,
                &mut hash,
                &mut blocks,
            );
            if let Ok(mut kept) = memory.lock() {
                kept.push(blocks);
            }
            drop((turn, place));
            done.map(|()| hash)
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?.map_err(|error| defect(&error))
    }
}

/// A hash in the PHC string format.
fn phc(params: &Params, salt: &[u8], hash: &[u8]) -> Result<PasswordHash> {
    Ok(PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|error| defect(&error))?,
        salt: Some(Salt::new(salt).map_err(|error| defect(&error))?),
        hash: Some(Output::new(hash).map_err(|error| defect(&error))?),
    })
}

/// What these crates say cannot hold a password.
fn defect(error: &dyn std::fmt::Display) -> Error {
    Error::internal(error.to_string())
}

#[cfg(test)]
mod tests;
