//! Asking the policy: rules are decided here and now, but for those that another service decides, which is asked then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::api::ctx::Call;
use crate::model::identity::Identity;
use crate::policy::property::Guard;
use crate::policy::{self, Answers, Nothing, Policy, Rule, Target, Undecided};

/// Services that one question may lead to.
const SERVICES_MAX: usize = 16;

/// What the rules for properties have said to one request, by their names: each is asked once, however many properties and
/// images there are, because other services may have to be asked for it.
#[derive(Debug, Default)]
pub struct Said(Mutex<HashMap<String, bool>>);

impl Said {
    /// What `rule` has said.
    pub(super) fn of(&self, rule: &str) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(rule).copied()
    }

    /// Notes that `rule` says `answer`.
    pub(super) fn note(&self, rule: String, answer: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(rule, answer);
    }
}

/// Whether `rule` lets `caller` do to `target` what it guards. What cannot be decided, it does not.
pub(super) async fn hold(call: &Call, rule: Rule, caller: &Identity, target: &dyn Target) -> bool {
    let decide = |policy: &Policy, answers: &Answers| policy.decide_by(answers, rule, caller, target);
    decided(call, rule.name(), caller, target, decide).await
}

/// Whether `guard` lets the caller do to properties what it is for. What cannot be decided, it does not.
pub(super) async fn open(call: &Call, guard: Guard<'_>) -> bool {
    let decide = |policy: &Policy, answers: &Answers| guard.decide_by(answers, policy, &call.identity);
    decided(call, &guard.name(), &call.identity, &Nothing, decide).await
}

/// What `decide` comes to, with the answers of all services that it needs for the rule called `name`.
async fn decided(
    call: &Call,
    name: &str,
    caller: &Identity,
    target: &dyn Target,
    decide: impl Fn(&Policy, &Answers) -> Result<bool, Undecided>,
) -> bool {
    let mut answers = Answers::default();
    loop {
        let address = match decide(&call.policy, &answers) {
            Ok(holds) => return holds,
            Err(Undecided::Remote(address)) if answers.count() < SERVICES_MAX => address,
            // compat: the reference fails with 500.
            Err(_) => return false,
        };
        match call.app.policy_server.ask(&address, name, &target.values(), &policy::as_json(caller)).await {
            Ok(answer) => answers.note(address, answer),
            Err(error) => {
                tracing::error!(rule = name, "{address} does not decide the rule, which denies: {error}");
                return false;
            }
        }
    }
}
