//! When requests are sent where the database keeps whole seconds: two servers that are asked one after the other have the same
//! things in the same order only if they have written them in the same seconds.

use std::cell::Cell;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::table::Request;
use crate::database::Engine;

/// The end of a second, in which nothing is begun that has to be done within it.
const END: Duration = Duration::from_millis(300);

/// When requests are sent.
pub enum Pace {
    /// At once: order does not depend on it.
    Free,
    /// At once, and the order of images is not compared: those of one second come in that of their ids, which are random.
    Unordered,
    /// Each to both servers in one second. If they were apart once, nothing is known of their order, and no list is asked for any
    /// more.
    Together { apart: Cell<bool> },
    /// Each change in a second of its own.
    OneByOne,
}

impl Pace {
    /// That of what is asked of both `engine`s together.
    pub fn together(engine: Engine) -> Self {
        if engine == Engine::MySql { Self::Together { apart: Cell::default() } } else { Self::Free }
    }

    /// The lists of which the order is not compared.
    pub fn sets(&self) -> &'static [&'static str] {
        if matches!(self, Self::Unordered) { &["tags", "images"] } else { &["tags"] }
    }

    /// Begins something that has nothing to do with what was before.
    pub fn begin(&self) {
        if let Self::Together { apart } = self {
            apart.set(false);
        }
    }

    /// What `ask` says in its time; none when `request` has to be left out.
    pub fn ask<T>(&self, request: &Request, ask: impl FnOnce() -> T) -> Option<T> {
        let reads = request.method == "GET";
        match self {
            Self::OneByOne if !reads => sleep(left()),
            Self::Free | Self::Unordered | Self::OneByOne => {}
            Self::Together { apart } if reads && apart.get() && request.path.contains('?') => return None,
            Self::Together { .. } if reads => {}
            Self::Together { apart } => {
                if left() <= END {
                    sleep(left());
                }
                let second = now().as_secs();
                let done = ask();
                apart.set(apart.get() || now().as_secs() != second);
                return Some(done);
            }
        }
        Some(ask())
    }
}

/// How much is left of this second.
fn left() -> Duration {
    Duration::from_secs(1).saturating_sub(Duration::from_nanos(now().subsec_nanos().into()))
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}
