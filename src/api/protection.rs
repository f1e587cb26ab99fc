//! Properties that the operator protects: what a caller may not read is not there for them, in rules and quotas neither;
//! what they may not write is refused.

use std::collections::HashMap;

use crate::api::ctx::Call;
use crate::api::patch::reserved_text;
use crate::api::rules;
use crate::error::{Error, Result};
use crate::model::image::Image;
use crate::policy::property::Operation;

/// Takes away from `images` what the caller may not read. It is kept when they are saved: only what changed is written.
pub(crate) async fn hide(call: &Call, images: &mut [Image]) {
    if call.app.property_rules.is_none() {
        return;
    }
    // Images have much the same properties: each name is looked up once.
    let mut readable: HashMap<String, bool> = HashMap::new();
    for image in images {
        for name in image.properties.keys() {
            if !readable.contains_key(name) {
                readable.insert(name.clone(), allowed(call, Operation::Read, name).await);
            }
        }
        image.properties.retain(|name, _| readable.get(name).is_some_and(|may| *may));
    }
}

/// Whether the caller may do `operation` to the property called `name`.
///
/// # Errors
/// `Forbidden` when they may not.
pub(crate) async fn allow(call: &Call, operation: Operation, name: &str) -> Result<()> {
    if allowed(call, operation, name).await { Ok(()) } else { Err(Error::forbidden(reserved_text(name))) }
}

async fn allowed(call: &Call, operation: Operation, name: &str) -> bool {
    let Some(rules) = &call.app.property_rules else { return true };
    let guard = rules.guard(operation, name);
    let rule = guard.name();
    if let Some(said) = call.said_of_properties.of(&rule) {
        return said;
    }
    let open = rules::open(call, guard).await;
    call.said_of_properties.note(rule, open);
    open
}
