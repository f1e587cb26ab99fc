//! Slowing down who guesses: after some wrong passwords for a user in a row, the next one is looked at only after a wait
//! that grows. A right password that comes meanwhile is not looked at either, which is the price.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::Duration;

use crate::clock::Timestamp;

/// Wrong passwords in a row that cost nothing.
const FREE_FAILURES: u32 = 10;
/// The longest wait, in seconds.
const WAIT_MAX_S: i64 = 60;
/// How long after the last failure a user is forgotten, in seconds.
const MEMORY_S: i64 = 15 * 60;
/// How many users are remembered: those that exist, so it is more than there are.
const USERS_MAX: usize = 10_000;

/// Who failed to log in lately.
#[derive(Default)]
pub(super) struct Throttle {
    by_user: Mutex<HashMap<String, Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    in_a_row: u32,
    last: Timestamp,
}

impl Failures {
    /// When the next attempt is looked at.
    fn over_at(self) -> Timestamp {
        let doublings = self.in_a_row.saturating_sub(FREE_FAILURES).min(16);
        let wait_s = if doublings == 0 { 0 } else { (1_i64 << (doublings - 1)).min(WAIT_MAX_S) };
        self.last + Duration::seconds(wait_s)
    }
}

impl Throttle {
    /// Whether a password for `user` is looked at now.
    pub(super) fn allows(&self, user: &str, now: Timestamp) -> bool {
        self.lock().get(user).is_none_or(|failures| failures.over_at() <= now)
    }

    /// Takes note of a wrong password.
    pub(super) fn failed(&self, user: &str, now: Timestamp) {
        let mut by_user = self.lock();
        if by_user.len() >= USERS_MAX && !by_user.contains_key(user) {
            by_user.retain(|_, failures| failures.last + Duration::seconds(MEMORY_S) > now);
        }
        if by_user.len() >= USERS_MAX && !by_user.contains_key(user) {
            return;
        }
        let failures = by_user.entry(user.to_owned()).or_insert(Failures { in_a_row: 0, last: now });
        if failures.last + Duration::seconds(MEMORY_S) <= now {
            failures.in_a_row = 0;
        }
        failures.in_a_row += 1;
        failures.last = now;
    }

    /// Takes note of a right password.
    pub(super) fn succeeded(&self, user: &str) {
        self.lock().remove(user);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        // Whoever panicked with the lock left at worst one count behind.
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};

    use super::{FREE_FAILURES, MEMORY_S, Throttle, USERS_MAX, WAIT_MAX_S};

    #[test]
    fn failures_in_a_row_make_wait() {
        let throttle = Throttle::default();
        let mut now = DateTime::UNIX_EPOCH;
        for _ in 0..FREE_FAILURES {
            assert!(throttle.allows("u", now));
            throttle.failed("u", now);
        }
        assert!(throttle.allows("u", now));
        for wait in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            throttle.failed("u", now);
            assert!(!throttle.allows("u", now + Duration::seconds(wait) - Duration::microseconds(1)));
            assert!(throttle.allows("other", now));
            now += Duration::seconds(wait);
            assert!(throttle.allows("u", now), "after {wait} s");
        }
        throttle.succeeded("u");
        throttle.failed("u", now);
        assert!(throttle.allows("u", now));
    }

    #[test]
    fn old_failures_are_forgotten() {
        let throttle = Throttle::default();
        let mut now = DateTime::UNIX_EPOCH;
        for _ in 0..100 {
            throttle.failed("u", now);
        }
        assert!(!throttle.allows("u", now + Duration::seconds(WAIT_MAX_S - 1)));
        now += Duration::seconds(MEMORY_S);
        throttle.failed("u", now);
        assert!(throttle.allows("u", now));
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        let mut now = DateTime::UNIX_EPOCH;
        for user in 0..=USERS_MAX {
            throttle.failed(&user.to_string(), now);
        }
        assert_eq!(throttle.lock().len(), USERS_MAX);
        now += Duration::seconds(MEMORY_S);
        throttle.failed("later", now);
        assert_eq!(throttle.lock().len(), 1);
    }
}
