//! What an operator should hear of a policy before anybody is refused because of it.

use std::collections::HashSet;

use super::parse::Check;
use super::parse::subject::Subject;
use super::standing::Policy;

impl Policy {
    /// Everything in the rules that cannot work, one sentence each. None of it keeps the service from starting: such
    /// checks deny, or do what the sentence says.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, check) in self.rules() {
            for part in parts(check) {
                if let Some(problem) = self.problem(part) {
                    problems.push(format!("rule {name:?}: {problem}"));
                }
            }
            if self.leads_to(check, name) {
                problems.push(format!("rule {name:?} names itself in a circle"));
            }
        }
        problems
    }

    fn problem(&self, part: &Check) -> Option<String> {
        match part {
            Check::Unreadable(text) => Some(format!("{text:?} is no check and is never true")),
            Check::Rule(name) => match self.entry(name) {
                Some(entry) if *entry.name == **name => None,
                Some(entry) => Some(format!("there is no rule {name:?}, rule {:?} stands in for it", entry.name)),
                None => Some(format!("there is no rule {name:?}, and the check is never true")),
            },
            Check::Role(name) | Check::Remote(name) if name.is_broken() => Some(broken(part)),
            Check::Generic(generic) if generic.wanted.is_broken() => Some(broken(part)),
            Check::Generic(generic) if generic.subject == Subject::Invalid => {
                Some(format!("the left side of {part} is neither a constant nor a name; a rule that asks it denies"))
            }
            _ => None,
        }
    }

    /// Whether asking `start` can come to the rule `name`.
    fn leads_to(&self, start: &Check, name: &str) -> bool {
        let mut seen = HashSet::new();
        let mut to_see = vec![start];
        while let Some(check) = to_see.pop() {
            for part in parts(check) {
                if let Check::Rule(next) = part
                    && let Some(entry) = self.entry(next)
                    && seen.insert(&*entry.name)
                {
                    to_see.push(&entry.check);
                }
            }
        }
        seen.contains(name)
    }
}

fn broken(check: &Check) -> String {
    format!("in {check} a % is neither %(key)s nor %%; a rule that asks it denies")
}

/// The check and everything in it.
fn parts(check: &Check) -> Vec<&Check> {
    let mut parts = vec![check];
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        match part {
            Check::Not(inner) => parts.push(inner),
            Check::And(inner) | Check::Or(inner) => parts.extend(inner),
            _ => {}
        }
        at += 1;
    }
    parts
}
