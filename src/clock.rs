//! Time and new ids. Both are inputs, so that a test can hold them still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, SubsecRound, Utc};
use uuid::{Builder, Uuid};

/// A moment in UTC, in whole microseconds, as the reference's rows hold it.
pub type Timestamp = DateTime<Utc>;

/// Where `now` comes from.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Microseconds added to the system's time; tests move it forward.
    ahead_us: Arc<AtomicI64>,
}

impl Clock {
    /// The present moment.
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    pub fn now(&self) -> Timestamp {
        let ahead = Duration::microseconds(self.ahead_us.load(Ordering::Relaxed));
        Utc::now().trunc_subsecs(6) + ahead
    }

    /// Moves this clock forward by `step`; every copy of it moves along.
    pub fn advance(&self, step: Duration) {
        let micros = step.num_microseconds().unwrap_or(i64::MAX);
        self.ahead_us.fetch_add(micros, Ordering::Relaxed);
    }
}

/// A new random id (UUID version 4).
pub fn new_uuid() -> Uuid {
    Builder::from_random_bytes(random_bytes()).into_uuid()
}

/// Bytes that nobody can guess, from the operating system.
///
/// # Panics
/// When the operating system has no randomness to give, which no caller could handle.
#[expect(clippy::expect_used, clippy::disallowed_methods, reason = "without randomness nothing here is safe to do")]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
