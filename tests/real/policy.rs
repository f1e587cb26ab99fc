//! The policy language beside oslo.policy: generated rules, callers and targets are put to both, and both must agree.

use std::borrow::Cow;

use glint::model::identity::Identity;
use glint::policy::{Policy, Settings, Target};
use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::venv;

/// How many questions are put.
const QUESTIONS: usize = 5000;
/// Another seed puts other questions.
const SEED: &str = "GLINT_POLICY_SEED";

/// Where oslo.policy ends in an error, the request would: we say no (`docs/compat.md`).
#[test]
#[expect(clippy::print_stdout, reason = "how many answers of each kind were compared is worth reading")]
fn oslo_policy_and_we_agree() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x6c69_6e74);
    let mut dice = Dice(seed);
    let questions: Vec<Question> = (0..QUESTIONS).map(|_| dice.question()).collect();
    let theirs = ask_oslo(&questions);
    assert_eq!(theirs.len(), QUESTIONS);
    let mut wrong = Vec::new();
    for (question, theirs) in questions.iter().zip(&theirs) {
        let ours = question.ask_us();
        if ours != (theirs == "T") {
            wrong.push(format!("oslo.policy {theirs}, we {ours}: {}", question.as_json()));
        }
    }
    let count = |wanted: &str| theirs.iter().filter(|answer| *answer == wanted).count();
    println!("seed {seed}: {} allowed, {} denied, {} errors", count("T"), count("F"), count("E"));
    assert!(count("T") > QUESTIONS / 10 && count("F") > QUESTIONS / 10, "the questions are too much alike");
    assert!(
        wrong.is_empty(),
        "seed {seed}: {} disagreements, the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

/// What is asked: may `caller` do to `target` what rule `asked` guards, when these are the rules?
struct Question {
    rules: Map<String, Value>,
    caller: Identity,
    target: Vec<(String, Option<String>)>,
}

impl Question {
    fn ask_us(&self) -> bool {
        // A policy with a rule that cannot be read is refused as a whole.
        Policy::new(&Settings::default(), &self.rules)
            .is_ok_and(|policy| policy.check_named("asked", &self.caller, &Values(&self.target)))
    }

    fn as_json(&self) -> Value {
        let caller = &self.caller;
        let target: Map<String, Value> = self
            .target
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().map_or(Value::Null, Value::String)))
            .collect();
        json!({
            "rules": self.rules,
            "target": target,
            "caller": {
                "user_id": caller.user_id, "user_domain_id": caller.user_domain_id, "system_scope": caller.system_scope,
                "domain_id": caller.domain_id, "project_id": caller.project_id,
                "project_domain_id": caller.project_domain_id, "roles": caller.roles,
                "is_admin_project": !caller.outside_admin_project, "service_user_id": caller.service_user_id,
                "service_user_domain_id": caller.service_user_domain_id, "service_project_id": caller.service_project_id,
                "service_project_domain_id": caller.service_project_domain_id, "service_roles": caller.service_roles,
            },
        })
    }
}

struct Values<'a>(&'a [(String, Option<String>)]);

impl Target for Values<'_> {
    fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.0.iter().find(|(name, _)| name == key)?;
        Some(value.as_deref().unwrap_or("None").into())
    }

    fn values(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect()
    }
}

fn ask_oslo(questions: &[Question]) -> Vec<String> {
    let lines: Vec<String> = questions.iter().map(|question| question.as_json().to_string()).collect();
    venv::ask("policy.py", &lines)
}

impl Dice {
    fn maybe(&mut self, words: &[&str]) -> Option<String> {
        (self.roll(3) > 0).then(|| self.pick(words).to_owned())
    }

    fn question(&mut self) -> Question {
        let mut rules = Map::new();
        for name in ["asked", "a", "b", "default"] {
            let rule = if self.roll(8) == 0 { self.lists() } else { Value::String(self.expression(3)) };
            rules.insert(name.to_owned(), rule);
        }
        Question { rules, caller: self.caller(), target: self.target() }
    }

    fn caller(&mut self) -> Identity {
        let ids = ["p1", "p2", "u1", "default", "None", "1"];
        Identity {
            user_id: self.maybe(&ids),
            project_id: self.maybe(&ids),
            user_domain_id: self.maybe(&ids),
            project_domain_id: self.maybe(&ids),
            system_scope: (self.roll(6) == 0).then(|| "all".to_owned()),
            domain_id: (self.roll(6) == 0).then(|| "default".to_owned()),
            roles: self.some(&["admin", "Member", "reader", "É", "None"]),
            outside_admin_project: self.roll(4) == 0,
            service_user_id: self.maybe(&ids),
            service_user_domain_id: self.maybe(&ids),
            service_project_id: self.maybe(&ids),
            service_project_domain_id: self.maybe(&ids),
            service_roles: self.some(&["service", "admin"]),
            ..Identity::default()
        }
    }

    fn some(&mut self, words: &[&str]) -> Vec<String> {
        words.iter().filter(|_| self.roll(2) == 0).map(|word| (*word).to_owned()).collect()
    }

    fn target(&mut self) -> Vec<(String, Option<String>)> {
        let names = ["project_id", "owner", "member_id", "visibility", "role", "user.id", "odd name", "n"];
        let values = ["p1", "p2", "u1", "public", "member", "None", "True", "1", "", "é", "a b", "%(n)s"];
        let mut target = Vec::new();
        for name in names {
            if self.roll(4) > 0 {
                target.push((name.to_owned(), self.maybe(&values)));
            }
        }
        target
    }

    /// The old form of a rule: any of these, each all of those.
    fn lists(&mut self) -> Value {
        let any: Vec<Value> = (0..self.roll(4))
            .map(|_| match self.roll(4) {
                0 => Value::String(self.check()),
                _ => (0..self.roll(3)).map(|_| Value::String(self.check())).collect(),
            })
            .collect();
        Value::Array(any)
    }

    fn expression(&mut self, depth: usize) -> String {
        let space = self.pick(&[" ", " ", "  ", "\t"]);
        match self.roll(if depth == 0 { 1 } else { 9 }) {
            0..=2 => self.check(),
            3 => format!("not{space}{}", self.expression(depth - 1)),
            4 => format!("({})", self.expression(depth - 1)),
            5 => format!("( {} )", self.expression(depth - 1)),
            6 => self.broken(depth - 1),
            at => {
                let word = if at == 7 { self.pick(&["and", "and", "AND"]) } else { self.pick(&["or", "or", "Or"]) };
                format!("{}{space}{word}{space}{}", self.expression(depth - 1), self.expression(depth - 1))
            }
        }
    }

    /// Something that is, mostly, no rule.
    fn broken(&mut self, depth: usize) -> String {
        let inner = self.expression(depth);
        match self.roll(8) {
            0 => format!("({inner}"),
            1 => format!("{inner})"),
            2 => format!("{inner} {inner}"),
            3 => format!("and {inner}"),
            4 => format!("{inner} or"),
            5 => format!("not not {inner}"),
            6 => "nocolon".to_owned(),
            _ => "  ".to_owned(),
        }
    }

    fn check(&mut self) -> String {
        match self.roll(12) {
            0 => "@".to_owned(),
            1 => "!".to_owned(),
            2 | 3 => format!(
                "role:{}",
                self.pick(&["admin", "member", "reader", "MEMBER", "é", "%(role)s", "%(gone)s", "x"])
            ),
            4 => format!("rule:{}", self.pick(&["a", "b", "default", "gone"])),
            5 => self.pick(&["", "''", "\"\"", "'quoted'", "None", "True"]).to_owned(),
            _ => format!("{}:{}", self.kind(), self.wanted()),
        }
    }

    fn kind(&mut self) -> &'static str {
        self.pick(&[
            "project_id",
            "project_id",
            "user_id",
            "roles",
            "is_admin",
            "is_admin_project",
            "system_scope",
            "system",
            "domain_id",
            "user_domain_id",
            "service_roles",
            "service_user_id",
            "tenant",
            "user.name",
            "roles.x",
            "'p1'",
            "\"public\"",
            "None",
            "True",
            "1",
            "-1",
            "1.5",
            "odd-name",
            "project_id.x",
        ])
    }

    fn wanted(&mut self) -> &'static str {
        self.pick(&[
            "%(project_id)s",
            "%(owner)s",
            "%(member_id)s",
            "%(visibility)s",
            "%(gone)s",
            "%(user.id)s",
            "p%(n)s",
            "p1",
            "p2",
            "u1",
            "all",
            "None",
            "True",
            "public",
            "1",
            "%%",
            "a%%b",
            "%(n)s%(n)s",
            "'p1'",
            "",
            "x:y",
            "default",
        ])
    }
}
