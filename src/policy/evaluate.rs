//! Asking one check: a tree, a caller and a target give yes, no, or a reason why there is no answer.

use std::borrow::Cow;

use super::credentials::{Credential, credential};
use super::explain::Trace;
use super::parse::Check;
use super::parse::pattern::{Pattern, Unfilled};
use super::parse::subject::Subject;
use super::standing::Policy;
use super::target::{Target, or_none};
use super::undecided::{MAX_CHECKS, MAX_DEPTH, Undecided};
use crate::model::identity::Identity;

/// What other services have said, as far as one question needs it.
#[derive(Clone, Debug, Default)]
pub struct Answers(Vec<(String, bool)>);

impl Answers {
    /// Notes that the service at `address` says `answer`.
    pub fn note(&mut self, address: String, answer: bool) {
        self.0.push((address, answer));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    fn of(&self, address: &str) -> Option<bool> {
        self.0.iter().find(|(known, _)| known == address).map(|(_, answer)| *answer)
    }
}

/// One question on its way through the rules.
pub(super) struct Question<'a, T> {
    policy: &'a Policy,
    caller: &'a Identity,
    target: &'a dyn Target,
    answers: &'a Answers,
    depth: usize,
    asked: usize,
    trace: T,
}

impl<'a, T: Trace> Question<'a, T> {
    pub(super) fn new(
        policy: &'a Policy,
        caller: &'a Identity,
        target: &'a dyn Target,
        answers: &'a Answers,
        trace: T,
    ) -> Self {
        Self { policy, caller, target, answers, depth: 0, asked: 0, trace }
    }

    /// Whether the check holds, and what was noted on the way.
    pub(super) fn ask(mut self, check: &'a Check) -> (Result<bool, Undecided>, T) {
        let answer = self.holds(check);
        (answer, self.trace)
    }

    fn holds(&mut self, check: &'a Check) -> Result<bool, Undecided> {
        if self.depth == MAX_DEPTH {
            return Err(Undecided::TooDeep);
        }
        if self.asked == MAX_CHECKS {
            return Err(Undecided::TooMany);
        }
        self.asked += 1;
        self.depth += 1;
        self.trace.enter(check);
        let answer = self.answer(check);
        self.trace.leave(&answer);
        self.depth -= 1;
        answer
    }

    fn answer(&mut self, check: &'a Check) -> Result<bool, Undecided> {
        match check {
            Check::True => Ok(true),
            Check::False => Ok(false),
            Check::Unreadable(text) => {
                self.trace.note(|| format!("{text:?} is no check"));
                Ok(false)
            }
            Check::Not(inner) => self.holds(inner).map(|holds| !holds),
            Check::And(checks) => self.first(checks, false),
            Check::Or(checks) => self.first(checks, true),
            Check::Rule(name) => self.rule(name),
            Check::Role(name) => self.role(name),
            Check::Generic(generic) => {
                let Some(wanted) = self.fill(&generic.wanted)? else {
                    return Ok(false);
                };
                match &generic.subject {
                    Subject::Literal(value) => Ok(self.equal(value, &wanted)),
                    Subject::Path => self.path(&generic.kind, &wanted),
                    Subject::Invalid => Err(Undecided::Subject(generic.kind.to_string())),
                }
            }
            Check::Remote(address) => self.remote(address),
        }
    }

    /// The answer of the first check that answers `wanted`, and the opposite if none does.
    fn first(&mut self, checks: &'a [Check], wanted: bool) -> Result<bool, Undecided> {
        for check in checks {
            if self.holds(check)? == wanted {
                return Ok(wanted);
            }
        }
        Ok(!wanted)
    }

    /// A rule that does not exist is the default rule; without that it denies.
    fn rule(&mut self, name: &'a str) -> Result<bool, Undecided> {
        let policy = self.policy;
        let Some(entry) = policy.entry(name) else {
            self.trace.note(|| "there is no such rule".to_owned());
            return Ok(false);
        };
        if *entry.name != *name {
            self.trace.note(|| format!("there is no such rule, {} stands in for it", entry.name));
        }
        match self.holds(&entry.check) {
            // compat: the reference catches the error of a missing key wherever a rule is named.
            Err(Undecided::MissingInAddress(_)) => Ok(false),
            answer => answer,
        }
    }

    fn role(&mut self, name: &'a Pattern) -> Result<bool, Undecided> {
        let Some(name) = self.fill(name)? else {
            return Ok(false);
        };
        let has = self.caller.roles.iter().any(|role| equal_in_lower_case(role, &name));
        if !has {
            let roles = &self.caller.roles;
            self.trace.note(|| match roles.as_slice() {
                [] => "the caller has no roles".to_owned(),
                roles => format!("the caller's roles: {}", roles.join(", ")),
            });
        }
        Ok(has)
    }

    /// Whether what the path leads to is the wanted text, or holds it.
    fn path(&mut self, path: &str, wanted: &str) -> Result<bool, Undecided> {
        let (name, below) = match path.split_once('.') {
            Some((name, _)) => (name, true),
            None => (path, false),
        };
        match credential(self.caller, name) {
            None => {
                self.trace.note(|| format!("the caller has no {name:?}"));
                Ok(false)
            }
            Some(Credential::List([])) => Ok(false),
            Some(_) if below => Err(Undecided::Path(name.to_owned())),
            Some(Credential::Text(value)) => Ok(self.equal(&or_none(value), wanted)),
            Some(Credential::List(values)) => Ok(values.iter().any(|value| value == wanted)),
        }
    }

    fn equal(&mut self, left: &str, right: &str) -> bool {
        let equal = left == right;
        self.trace.note(|| format!("{left:?} {} {right:?}", if equal { "is" } else { "is not" }));
        equal
    }

    fn remote(&mut self, address: &Pattern) -> Result<bool, Undecided> {
        match address.fill(|key| self.target.get(key)) {
            Ok(address) => self.answers.of(&address).ok_or_else(|| Undecided::Remote(address.into_owned())),
            Err(Unfilled::Missing(key)) => Err(Undecided::MissingInAddress(key.to_owned())),
            Err(Unfilled::Broken) => Err(Undecided::Pattern(address.to_string())),
        }
    }

    /// The pattern with the target's values in it; none if the target lacks one.
    fn fill(&mut self, pattern: &'a Pattern) -> Result<Option<Cow<'a, str>>, Undecided> {
        let target = self.target;
        match pattern.fill(|key| target.get(key)) {
            Ok(text) => Ok(Some(text)),
            Err(Unfilled::Missing(key)) => {
                self.trace.note(|| format!("the target has no {key:?}"));
                Ok(None)
            }
            Err(Unfilled::Broken) => Err(Undecided::Pattern(pattern.to_string())),
        }
    }
}

/// Compares without making new text for names in ASCII, which all but a few are.
fn equal_in_lower_case(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        left.eq_ignore_ascii_case(right)
    } else {
        left.to_lowercase() == right.to_lowercase()
    }
}
