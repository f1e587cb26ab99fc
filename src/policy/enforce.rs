//! Asking the policy: may this caller do that?

use super::credentials::scope;
use super::evaluate::{Answers, Question};
use super::explain::{Explanation, Reason, Recorder, Silent};
use super::rules::Rule;
use super::standing::Policy;
use super::target::Target;
use super::undecided::Undecided;
use crate::model::identity::Identity;

impl Policy {
    /// Whether the caller may do to the target what the rule guards. A rule without an answer says no.
    pub fn check(&self, rule: Rule, caller: &Identity, target: &dyn Target) -> bool {
        self.decide(rule, caller, target).unwrap_or(false)
    }

    /// As [`check`](Self::check), and says why there is no answer.
    pub fn decide(&self, rule: Rule, caller: &Identity, target: &dyn Target) -> Result<bool, Undecided> {
        self.decide_by(&Answers::default(), rule, caller, target)
    }

    /// As [`decide`](Self::decide), with what other services have said.
    pub fn decide_by(
        &self,
        answers: &Answers,
        rule: Rule,
        caller: &Identity,
        target: &dyn Target,
    ) -> Result<bool, Undecided> {
        match self.documented(rule) {
            Some(entry) if !entry.answers(rule.name(), caller) => Ok(false),
            Some(entry) => Question::new(self, caller, target, answers, Silent).ask(&entry.check).0,
            None => Ok(false),
        }
    }

    /// As [`check`](Self::check), for a rule that only the operator knows. One that does not exist is the default rule,
    /// as in a `rule:` check.
    pub fn check_named(&self, name: &str, caller: &Identity, target: &dyn Target) -> bool {
        self.entry(name).is_some_and(|entry| entry.answers(name, caller))
            && self.decide_inner_by(&Answers::default(), name, caller, target).unwrap_or(false)
    }

    /// As [`decide_by`](Self::decide_by), for a rule that another rule names: whatever the token is for.
    pub fn decide_inner_by(
        &self,
        answers: &Answers,
        name: &str,
        caller: &Identity,
        target: &dyn Target,
    ) -> Result<bool, Undecided> {
        let Some(entry) = self.entry(name) else { return Ok(false) };
        Question::new(self, caller, target, answers, Silent).ask(&entry.check).0
    }

    /// The same answer as [`check_named`](Self::check_named), with every check that was asked for it.
    pub fn explain(&self, name: &str, caller: &Identity, target: &dyn Target) -> Explanation {
        let (allowed, reasons) = match self.entry(name) {
            None => (false, vec![remark("there is neither such a rule nor a default rule".to_owned())]),
            Some(entry) if !entry.answers(name, caller) => {
                let scope = scope(caller).as_str();
                (false, vec![remark(format!("the token is for a {scope}, the rule is for a project"))])
            }
            Some(entry) => {
                let answers = Answers::default();
                let question = Question::new(self, caller, target, &answers, Recorder::default());
                let (answer, recorder) = question.ask(&entry.check);
                (answer.unwrap_or(false), recorder.into_reasons())
            }
        };
        Explanation { rule: name.to_owned(), allowed, reasons }
    }
}

fn remark(text: String) -> Reason {
    Reason { depth: 1, answer: Some(false), check: text, note: None }
}
