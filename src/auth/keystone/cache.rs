//! What Keystone said lately, by the hash of the token, in bounded memory: the oldest goes when there is no room.

use std::collections::{HashMap, VecDeque};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::Duration;

use crate::clock::Timestamp;

/// What was asked: the hash of a token, and whether it may have ended already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    hash: [u8; 32],
    /// Whether the question was about a token that may have ended.
    pub(super) allow_expired: bool,
}

impl Question {
    /// The question whether `token` is good.
    pub(super) fn about(token: &str, allow_expired: bool) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self { hash, allow_expired }
    }
}

/// Answers of one kind, each kept for the same time.
pub(super) struct Cache<A> {
    answers: HashMap<Question, (Timestamp, A)>,
    /// The questions in the order of their answers' end.
    by_end: VecDeque<(Timestamp, Question)>,
    keep: Duration,
    entries_max: usize,
}

impl<A: Clone> Cache<A> {
    /// A cache of at most `entries_max` answers, each for as long as `keep`.
    pub(super) fn new(keep: Duration, entries_max: usize) -> Self {
        Self { answers: HashMap::new(), by_end: VecDeque::new(), keep, entries_max }
    }

    /// The answer to `question`, if it is still known at `now`.
    pub(super) fn get(&self, question: &Question, now: Timestamp) -> Option<A> {
        self.answers.get(question).filter(|(end, _)| now < *end).map(|(_, answer)| answer.clone())
    }

    /// Remembers `answer`, which came at `now`.
    pub(super) fn put(&mut self, question: Question, answer: A, now: Timestamp) {
        let end = now + self.keep;
        if end <= now {
            return;
        }
        while let Some(&(oldest, old)) = self.by_end.front() {
            if now < oldest && self.by_end.len() < self.entries_max {
                break;
            }
            self.by_end.pop_front();
            // What was asked again meanwhile has a later end, and stays.
            if self.answers.get(&old).is_some_and(|(end, _)| *end == oldest) {
                self.answers.remove(&old);
            }
        }
        self.answers.insert(question, (end, answer));
        self.by_end.push_back((end, question));
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};

    use super::{Cache, Question};

    #[test]
    fn answers_are_kept_for_their_time() {
        let mut cache = Cache::new(Duration::seconds(10), 100);
        let (question, now) = (Question::about("t", false), DateTime::UNIX_EPOCH);
        cache.put(question, 1, now);
        assert_eq!(cache.get(&question, now + Duration::seconds(9)), Some(1));
        assert_eq!(cache.get(&question, now + Duration::seconds(10)), None);
        assert_eq!(cache.get(&Question::about("t", true), now), None, "another question");
        cache.put(question, 2, now + Duration::seconds(5));
        cache.put(Question::about("u", false), 3, now + Duration::seconds(11));
        assert_eq!(cache.get(&question, now + Duration::seconds(14)), Some(2), "the later answer lives on");
    }

    #[test]
    fn the_oldest_makes_room() {
        let (mut cache, now) = (Cache::new(Duration::seconds(10), 3), DateTime::UNIX_EPOCH);
        let question = |n: i64| Question::about(&n.to_string(), false);
        for n in 0..5 {
            cache.put(question(n), n, now + Duration::microseconds(n));
        }
        let known: Vec<_> = (0..5).filter_map(|n| cache.get(&question(n), now)).collect();
        assert_eq!(known, [2, 3, 4]);
        assert_eq!((cache.answers.len(), cache.by_end.len()), (3, 3));
    }

    #[test]
    fn without_time_nothing_is_kept() {
        let (mut cache, now) = (Cache::new(Duration::zero(), 3), DateTime::UNIX_EPOCH);
        cache.put(Question::about("t", false), 1, now);
        assert_eq!((cache.get(&Question::about("t", false), now), cache.answers.len()), (None, 0));
    }
}
