//! Asking the policy: rules are decided here and now, but for those that another service decides, which is asked then.

use crate::app::App;
use crate::model::identity::Identity;
use crate::policy::{self, Answers, Rule, Target, Undecided};

/// Services that one question may lead to.
const SERVICES_MAX: usize = 16;

/// Whether `rule` lets `caller` do to `target` what it guards. What cannot be decided, it does not.
pub(super) async fn hold(app: &App, rule: Rule, caller: &Identity, target: &dyn Target) -> bool {
    let policy = app.policy.now();
    let mut answers = Answers::default();
    loop {
        let address = match policy.decide_by(&answers, rule, caller, target) {
            Ok(holds) => return holds,
            Err(Undecided::Remote(address)) if answers.count() < SERVICES_MAX => address,
            // compat: the reference fails with 500.
            Err(_) => return false,
        };
        let (target, caller) = (target.values(), policy::as_json(caller));
        match app.policy_server.ask(&address, rule.name(), &target, &caller).await {
            Ok(answer) => answers.note(address, answer),
            Err(error) => {
                tracing::error!(rule = rule.name(), "{address} does not decide the rule, which denies: {error}");
                return false;
            }
        }
    }
}
