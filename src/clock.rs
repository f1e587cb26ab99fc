//! Time and new ids. Both are inputs, so that a test can hold them still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Datelike, Duration, SubsecRound, Timelike, Utc};
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

/// `time` as `2024-01-31 12:00:00.000000`. Lists write thousands of them.
pub fn digits(time: Timestamp) -> String {
    let Some(year) = u32::try_from(time.year()).ok().filter(|year| *year < 10_000) else {
        return time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    };
    let mut text = *b"0000-00-00 00:00:00.000000";
    let places = [
        (0..4, year),
        (5..7, time.month()),
        (8..10, time.day()),
        (11..13, time.hour()),
        (14..16, time.minute()),
        (17..19, time.second()),
        (20..26, time.timestamp_subsec_micros()),
    ];
    for (place, mut number) in places {
        for digit in text[place].iter_mut().rev() {
            *digit = b"0123456789"[(number % 10) as usize];
            number /= 10;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
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

#[cfg(test)]
mod tests {
    use super::{Timestamp, digits};

    #[test]
    fn digits_are_those_of_the_calendar() {
        let cases = [
            ("2024-01-31T12:34:56.789012Z", "2024-01-31 12:34:56.789012"),
            ("2024-02-29T00:00:00Z", "2024-02-29 00:00:00.000000"),
            ("0001-01-01T01:02:03.000004Z", "0001-01-01 01:02:03.000004"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999"),
            ("+10000-01-01T00:00:00Z", "+10000-01-01 00:00:00.000000"),
        ];
        for (time, expected) in cases {
            assert_eq!(digits(time.parse::<Timestamp>().unwrap()), expected);
        }
    }
}
