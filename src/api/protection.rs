//! Properties that the operator protects: what a caller may not read is not there for them, in rules and quotas neither;
//! what they may not write is refused.

use std::collections::HashMap;

use crate::api::ctx::Call;
use crate::api::patch::reserved_text;
use crate::error::{Error, Result};
use crate::model::image::Image;
use crate::policy::property::Operation;

/// Takes away from `images` what the caller may not read. It is kept when they are saved: only what changed is written.
pub(crate) fn hide(call: &Call, images: &mut [Image]) {
    if call.app.property_rules.is_none() {
        return;
    }
    // Images have much the same properties: each name is asked for once.
    let mut readable: HashMap<String, bool> = HashMap::new();
    for image in images {
        image.properties.retain(|name, _| {
            if let Some(known) = readable.get(name) {
                return *known;
            }
            let may = allowed(call, Operation::Read, name);
            readable.insert(name.clone(), may);
            may
        });
    }
}

/// Whether the caller may do `operation` to the property called `name`.
///
/// # Errors
/// `Forbidden` when they may not.
pub(crate) fn allow(call: &Call, operation: Operation, name: &str) -> Result<()> {
    if allowed(call, operation, name) { Ok(()) } else { Err(Error::forbidden(reserved_text(name))) }
}

fn allowed(call: &Call, operation: Operation, name: &str) -> bool {
    let rules = call.app.property_rules.as_ref();
    rules.is_none_or(|rules| rules.allow(&call.app.policy.now(), &call.identity, operation, name))
}
