//! Why a rule said yes or no: every check that was asked, with its answer, in the order of asking.

use std::fmt;

use super::parse::Check;
use super::undecided::Undecided;

/// What is told about a question while it is decided.
pub(super) trait Trace {
    /// A check is asked.
    fn enter(&mut self, check: &Check);
    /// Something about the check that is being asked.
    fn note(&mut self, say: impl FnOnce() -> String);
    /// The check entered last has its answer.
    fn leave(&mut self, answer: &Result<bool, Undecided>);
}

/// Nobody listens, and nothing is spent on it.
pub(super) struct Silent;

impl Trace for Silent {
    fn enter(&mut self, _check: &Check) {}
    fn note(&mut self, _say: impl FnOnce() -> String) {}
    fn leave(&mut self, _answer: &Result<bool, Undecided>) {}
}

/// The answer to one question with its reasons. It prints as an indented list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The rule that was asked.
    pub rule: String,
    /// Whether the caller may.
    pub allowed: bool,
    /// What was asked, the outer check before the inner ones. What no longer mattered was not asked.
    pub reasons: Vec<Reason>,
}

/// One check that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// How many checks stand around it.
    pub depth: usize,
    /// Its answer; none if it could not be decided.
    pub answer: Option<bool>,
    /// The check.
    pub check: String,
    /// What was compared, or why there is no answer.
    pub note: Option<String>,
}

/// Writes down what happens.
#[derive(Default)]
pub(super) struct Recorder {
    reasons: Vec<Reason>,
    open: Vec<usize>,
}

impl Recorder {
    pub(super) fn into_reasons(self) -> Vec<Reason> {
        self.reasons
    }
}

impl Trace for Recorder {
    fn enter(&mut self, check: &Check) {
        self.open.push(self.reasons.len());
        self.reasons.push(Reason {
            depth: self.open.len(),
            answer: None,
            check: match check {
                Check::And(_) => "all of".to_owned(),
                Check::Or(_) => "one of".to_owned(),
                Check::Not(_) => "not".to_owned(),
                check => check.to_string(),
            },
            note: None,
        });
    }

    fn note(&mut self, say: impl FnOnce() -> String) {
        if let Some(reason) = self.open.last().and_then(|at| self.reasons.get_mut(*at)) {
            reason.note = Some(say());
        }
    }

    fn leave(&mut self, answer: &Result<bool, Undecided>) {
        let Some(at) = self.open.pop() else {
            return;
        };
        // What cannot be decided ends everything around it: said once, where it happened.
        let innermost = at + 1 == self.reasons.len();
        if let Some(reason) = self.reasons.get_mut(at) {
            match answer {
                Ok(answer) => reason.answer = Some(*answer),
                Err(why) if innermost => reason.note = Some(why.to_string()),
                Err(_) => {}
            }
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.allowed { "allowed" } else { "denied" };
        writeln!(f, "{verdict}: {}", self.rule)?;
        for reason in &self.reasons {
            let answer = match reason.answer {
                Some(true) => "yes",
                Some(false) => "no",
                None => "?",
            };
            write!(f, "{:indent$}{answer:<4}{}", "", reason.check, indent = reason.depth * 2)?;
            if let Some(note) = &reason.note {
                write!(f, " ({note})")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
