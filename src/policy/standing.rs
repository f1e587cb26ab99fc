//! The policy of one service: every rule as it stands after the operator's changes.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::credentials::{Scope, scope};
use super::parse::pattern::Pattern;
use super::parse::{self, Check};
use super::rules::{Deprecation, Rule};
use super::target::ATTRIBUTES;
use crate::model::identity::Identity;

/// How the rules are put together (the options of the same names in the group `oslo_policy`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether a rule whose default has changed obeys the new default alone, or the old one as well.
    pub enforce_new_defaults: bool,
    /// The name of the rule that stands in for rules that do not exist.
    pub policy_default_rule: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { enforce_new_defaults: true, policy_default_rule: "default".to_owned() }
    }
}

/// A rule of a policy file that cannot be read at all.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("policy rule {name:?}: {why}")]
pub struct InvalidRule {
    /// The rule's name.
    pub name: String,
    /// What is wrong with it.
    pub why: parse::NotARule,
}

/// Every rule, ready to be asked.
#[derive(Clone, Debug)]
pub struct Policy {
    /// First the documented rules in their order, then the operator's own.
    entries: Vec<Entry>,
    by_name: HashMap<Box<str>, usize>,
    default: Option<usize>,
    enforce_new_defaults: bool,
    looks_beyond_rows: bool,
}

/// One rule as it stands.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: Box<str>,
    pub(super) check: Check,
    /// Whether it answers only tokens that are for a project.
    for_projects: bool,
}

impl Default for Policy {
    /// The defaults in the code and nothing else.
    fn default() -> Self {
        let settings = Settings::default();
        Self::put_together(&settings, Rule::ALL.iter().map(|rule| default_entry(*rule, &settings)).collect())
    }
}

impl Policy {
    /// The defaults in the code, with `overrides` in place of those that they name and beside those that they do not.
    /// An override is what a policy file has: text, or the old list of lists.
    pub fn new(settings: &Settings, overrides: &Map<String, Value>) -> Result<Self, InvalidRule> {
        let read =
            |name: &str, value| parse::parse_value(value).map_err(|why| InvalidRule { name: name.to_owned(), why });
        let mut entries = Vec::with_capacity(Rule::ALL.len());
        for rule in Rule::ALL {
            let mut entry = default_entry(rule, settings);
            if let Some(value) = overrides.get(rule.name()) {
                entry.check = read(rule.name(), value)?;
            }
            entries.push(entry);
        }
        for (name, value) in overrides {
            if Rule::from_name(name).is_none() {
                entries.push(Entry { name: name.as_str().into(), check: read(name, value)?, for_projects: false });
            }
        }
        Ok(Self::put_together(settings, entries))
    }

    /// Whether only the new defaults count. If not, the reference asks for ownership in some places beside the rules.
    pub fn enforces_new_defaults(&self) -> bool {
        self.enforce_new_defaults
    }

    /// Whether any rule asks for more of an image than its row has: for a property, or for everything, to hand it to a service.
    pub fn looks_beyond_rows(&self) -> bool {
        self.looks_beyond_rows
    }

    /// Every rule by name, as it stands: the documented ones in their order, then the operator's own.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &Check)> {
        self.entries.iter().map(|entry| (&*entry.name, &entry.check))
    }

    /// What stands for one of the documented rules.
    pub(super) fn documented(&self, rule: Rule) -> Option<&Entry> {
        self.entries.get(rule as usize)
    }

    /// The rule of this name, or the default rule.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        let at = self.by_name.get(name).copied().or(self.default)?;
        self.entries.get(at)
    }

    fn put_together(settings: &Settings, entries: Vec<Entry>) -> Self {
        let by_name: HashMap<_, _> = entries.iter().enumerate().map(|(at, entry)| (entry.name.clone(), at)).collect();
        Self {
            looks_beyond_rows: entries.iter().any(|entry| looks_beyond_rows(&entry.check)),
            default: by_name.get(settings.policy_default_rule.as_str()).copied(),
            entries,
            by_name,
            enforce_new_defaults: settings.enforce_new_defaults,
        }
    }
}

impl Entry {
    /// Whether a token of this scope may ask. oslo.policy looks at the rule that was asked for, not at one that stands
    /// in for it, nor at those that it names.
    pub(super) fn answers(&self, asked: &str, caller: &Identity) -> bool {
        !self.for_projects || *self.name != *asked || scope(caller) == Scope::Project
    }
}

fn looks_beyond_rows(check: &Check) -> bool {
    let asks = |pattern: &Pattern| pattern.keys().iter().any(|key| !ATTRIBUTES.contains(key));
    match check {
        Check::True | Check::False | Check::Unreadable(_) | Check::Rule(_) => false,
        Check::Not(inner) => looks_beyond_rows(inner),
        Check::And(checks) | Check::Or(checks) => checks.iter().any(looks_beyond_rows),
        Check::Role(pattern) => asks(pattern),
        Check::Generic(generic) => asks(&generic.wanted),
        Check::Remote(_) => true,
    }
}

/// A documented rule without the operator's changes.
fn default_entry(rule: Rule, settings: &Settings) -> Entry {
    let row = rule.row();
    let check = parse::parse(row.check);
    Entry {
        name: row.name.into(),
        check: match &row.deprecation {
            Some(Deprecation::Changed { check: old, .. }) if !settings.enforce_new_defaults && *old != row.check => {
                Check::Or(vec![check, parse::parse(old)])
            }
            _ => check,
        },
        for_projects: row.for_projects,
    }
}
