//! Rules for single properties: who may create, read, change and delete a property of an image, by patterns of names.
//!
//! The text is that of the reference's property protection file: a section for each pattern, in it a line for each
//! operation. The first section whose pattern is found in the name of a property decides, and none means nobody.

mod ini;

use regex::{Regex, RegexBuilder};

use super::Policy;
use super::evaluate::Answers;
use super::target::Nothing;
use super::undecided::Undecided;
use crate::model::identity::Identity;
use ini::Section;

/// The longest file, in bytes.
pub const LENGTH_MAX: usize = 1 << 20;
/// The most memory of one compiled pattern, in bytes.
const PATTERN_SIZE_MAX: usize = 1 << 20;
/// What the service notes itself is not the operator's to protect.
const OURS: &str = "os_glance";

/// Something that is done to a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Giving the image a property that it has not, as far as the caller sees.
    Create,
    /// Seeing it.
    Read,
    /// Giving it another value.
    Update,
    /// Taking it away.
    Delete,
}

impl Operation {
    const ALL: [Self; 4] = [Self::Create, Self::Read, Self::Update, Self::Delete];

    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Why a text makes no rules for properties.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadProtection {
    /// It is too long.
    #[error("it has more than {LENGTH_MAX} bytes")]
    TooLong,
    /// It is not made of sections and options.
    #[error("line {line}: {what}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A section lacks an operation.
    #[error("section [{section}] does not say who may {operation} the property")]
    Missing {
        /// The section.
        section: String,
        /// The operation.
        operation: &'static str,
    },
    /// A pattern cannot be matched.
    #[error(
        "section [{section}] is no pattern that we match: {why} (look-around and back-references are not matched, \
         because they could take for ever)"
    )]
    Pattern {
        /// The section.
        section: String,
        /// Why.
        why: String,
    },
    /// Everybody and nobody at once.
    #[error("section [{section}], {operation}: @ and ! exclude each other")]
    Both {
        /// The section.
        section: String,
        /// The operation.
        operation: &'static str,
    },
    /// More than one rule.
    #[error(
        "section [{section}], {operation}: one rule of the policy is meant, not several; the policy can combine them"
    )]
    Several {
        /// The section.
        section: String,
        /// The operation.
        operation: &'static str,
    },
}

/// Who may do what to which property.
#[derive(Debug)]
pub struct PropertyRules {
    sections: Vec<(Regex, [Permitted; 4])>,
    warnings: Vec<String>,
}

/// Who may.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Permitted {
    Everybody,
    Nobody,
    /// Who has one of these roles; their names are in lower case.
    Roles(Vec<String>),
    /// Whom this rule of the policy allows.
    Rule(String),
}

/// Who may do one thing to the properties of one section.
#[derive(Clone, Copy, Debug)]
pub struct Guard<'a> {
    section: &'a str,
    operation: Operation,
    permitted: &'a Permitted,
}

impl Guard<'_> {
    /// The name of the rule that this is, as the reference makes it.
    pub fn name(&self) -> String {
        format!("{}:{}", self.section, self.operation.as_str())
    }

    /// Whether it lets `caller` through, with what other services have said.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn decide_by(&self, answers: &Answers, policy: &Policy, caller: &Identity) -> Result<bool, Undecided> {
        match self.permitted {
            Permitted::Everybody => Ok(true),
            Permitted::Nobody => Ok(false),
            // compat: the roles of a service that passes a user's request on count, too.
            Permitted::Roles(roles) => {
                Ok(caller.roles.iter().chain(&caller.service_roles).any(|role| roles.contains(role)))
            }
            Permitted::Rule(rule) => policy.decide_inner_by(answers, rule, caller, &Nothing),
        }
    }
}

impl PropertyRules {
    /// Rules in the format `roles`: role names with commas between them.
    pub fn by_roles(text: &str) -> Result<Self, BadProtection> {
        Self::read(text, |section, operation, value| {
            let roles: Vec<&str> = value.split(',').map(str::trim).collect();
            match (roles.contains(&"@"), roles.contains(&"!")) {
                (true, true) => Err(BadProtection::Both { section: section.to_owned(), operation }),
                (true, false) => Ok(Permitted::Everybody),
                (false, true) => Ok(Permitted::Nobody),
                (false, false) => Ok(Permitted::Roles(roles.iter().map(|role| role.to_lowercase()).collect())),
            }
        })
    }

    /// Rules in the format `policies`: the name of one rule of the policy.
    pub fn by_policies(text: &str) -> Result<Self, BadProtection> {
        Self::read(text, |section, operation, value| match value {
            "@" => Ok(Permitted::Everybody),
            "!" => Ok(Permitted::Nobody),
            rules if rules.contains(',') => Err(BadProtection::Several { section: section.to_owned(), operation }),
            rule => Ok(Permitted::Rule(rule.to_owned())),
        })
    }

    /// What an operator should hear about the rules.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What guards the property called `name` against `operation`.
    pub fn guard(&self, operation: Operation, name: &str) -> Guard<'_> {
        if name.starts_with(OURS) {
            return Guard { section: OURS, operation, permitted: &Permitted::Everybody };
        }
        let section = self.sections.iter().find(|(pattern, _)| pattern.is_match(name));
        section.map_or(Guard { section: "", operation, permitted: &Permitted::Nobody }, |(pattern, permitted)| Guard {
            section: pattern.as_str(),
            operation,
            permitted: &permitted[operation as usize],
        })
    }

    fn read(
        text: &str,
        permitted: impl Fn(&str, &'static str, &str) -> Result<Permitted, BadProtection>,
    ) -> Result<Self, BadProtection> {
        if text.len() > LENGTH_MAX {
            return Err(BadProtection::TooLong);
        }
        let mut rules = Self { sections: Vec::new(), warnings: Vec::new() };
        for section in ini::sections(text)?.iter().filter(|section| !section.name.starts_with(OURS)) {
            let pattern = pattern(section)?;
            let mut all = [const { Permitted::Nobody }; 4];
            for operation in Operation::ALL {
                let (name, operation) = (operation.as_str(), operation as usize);
                let value = section
                    .options
                    .get(name)
                    .ok_or_else(|| BadProtection::Missing { section: section.name.clone(), operation: name })?;
                if value.is_empty() {
                    rules.warnings.push(format!("nobody may {name} properties of [{}]", section.name));
                } else {
                    all[operation] = permitted(&section.name, name, value)?;
                }
            }
            rules.sections.push((pattern, all));
        }
        Ok(rules)
    }
}

fn pattern(section: &Section) -> Result<Regex, BadProtection> {
    RegexBuilder::new(&section.name).size_limit(PATTERN_SIZE_MAX).build().map_err(|error| BadProtection::Pattern {
        section: section.name.clone(),
        // The last line of a syntax error says what is wrong; those before it draw where.
        why: error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    })
}

#[cfg(test)]
mod tests;
