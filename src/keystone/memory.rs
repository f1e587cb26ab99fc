//! What Keystone said lately, in bounded memory: the oldest goes when there is no room. And what it is being asked, so that
//! however many wait for an answer, the question is asked once.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use chrono::Duration;
use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};

use crate::clock::Timestamp;

/// Answers of one kind, each kept for the same time.
pub struct Cache<Q, A> {
    answers: HashMap<Q, (Timestamp, A)>,
    /// The questions in the order of their answers' end.
    by_end: VecDeque<(Timestamp, Q)>,
    keep: Duration,
    entries_max: usize,
}

impl<Q: Clone + Eq + Hash, A: Clone> Cache<Q, A> {
    /// A cache of at most `entries_max` answers, each for as long as `keep`.
    pub fn new(keep: Duration, entries_max: usize) -> Self {
        Self { answers: HashMap::new(), by_end: VecDeque::new(), keep, entries_max }
    }

    /// The answer to `question`, if it is still known at `now`.
    pub fn get(&self, question: &Q, now: Timestamp) -> Option<A> {
        self.answers.get(question).filter(|(end, _)| now < *end).map(|(_, answer)| answer.clone())
    }

    /// Remembers nothing of `question` any more.
    pub fn forget(&mut self, question: &Q) {
        self.answers.remove(question);
    }

    /// Remembers `answer`, which came at `now`.
    pub fn put(&mut self, question: Q, answer: A, now: Timestamp) {
        let end = now + self.keep;
        if end <= now {
            return;
        }
        while let Some((oldest, _)) = self.by_end.front() {
            if now < *oldest && self.by_end.len() < self.entries_max {
                break;
            }
            let Some((oldest, old)) = self.by_end.pop_front() else { break };
            // What was asked again meanwhile has a later end, and stays.
            if self.answers.get(&old).is_some_and(|(end, _)| *end == oldest) {
                self.answers.remove(&old);
            }
        }
        self.answers.insert(question.clone(), (end, answer));
        self.by_end.push_back((end, question));
    }
}

/// Questions that are being asked. An asking lives only as long as one of those who wait for it.
pub struct Askings<Q, S> {
    under_way: HashMap<Q, WeakShared<BoxFuture<'static, S>>>,
}

impl<Q: Eq + Hash, S: Clone> Askings<Q, S> {
    /// The asking of `question` that is under way; if there is none, `begin` makes one, which has to end it here.
    pub fn join(
        &mut self,
        question: Q,
        begin: impl FnOnce() -> BoxFuture<'static, S>,
    ) -> Shared<BoxFuture<'static, S>> {
        if let Some(asking) = self.under_way.get(&question).and_then(WeakShared::upgrade) {
            return asking;
        }
        // Those whose every asker has gone away are over. There are never more of the others than requests.
        self.under_way.retain(|_, asking| asking.upgrade().is_some());
        let asking = begin().shared();
        if let Some(weak) = asking.downgrade() {
            self.under_way.insert(question, weak);
        }
        asking
    }

    /// `question` has its answer.
    pub fn end(&mut self, question: &Q) {
        self.under_way.remove(question);
    }
}

impl<Q, S> Default for Askings<Q, S> {
    fn default() -> Self {
        Self { under_way: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};

    use super::Cache;

    #[test]
    fn answers_are_kept_for_their_time() {
        let mut cache = Cache::new(Duration::seconds(10), 100);
        let (question, now) = ("t", DateTime::UNIX_EPOCH);
        cache.put(question, 1, now);
        assert_eq!(cache.get(&question, now + Duration::seconds(9)), Some(1));
        assert_eq!(cache.get(&question, now + Duration::seconds(10)), None);
        assert_eq!(cache.get(&"u", now), None, "another question");
        cache.put(question, 2, now + Duration::seconds(5));
        cache.put("u", 3, now + Duration::seconds(11));
        assert_eq!(cache.get(&question, now + Duration::seconds(14)), Some(2), "the later answer lives on");
    }

    #[test]
    fn the_oldest_makes_room() {
        let (mut cache, now) = (Cache::new(Duration::seconds(10), 3), DateTime::UNIX_EPOCH);
        for n in 0..5 {
            cache.put(n, n, now + Duration::microseconds(n));
        }
        let known: Vec<_> = (0..5).filter_map(|n| cache.get(&n, now)).collect();
        assert_eq!(known, [2, 3, 4]);
        assert_eq!((cache.answers.len(), cache.by_end.len()), (3, 3));
    }

    #[test]
    fn without_time_nothing_is_kept() {
        let (mut cache, now) = (Cache::new(Duration::zero(), 3), DateTime::UNIX_EPOCH);
        cache.put("t", 1, now);
        assert_eq!((cache.get(&"t", now), cache.answers.len()), (None, 0));
    }
}
