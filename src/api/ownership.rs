//! What the reference asks beside the rules: whose the image is. What is written to an image is written by its owner or
//! an administrator, whatever the rules say; the reference's database layer sees to it. More is asked as long as old
//! defaults suffice (`enforce_new_defaults` off), which allow everybody everything.

use crate::api::ctx::Call;
use crate::error::{Error, Result};
use crate::model::image::Image;
use crate::policy::Rule;

/// The rules beside which ownership is asked.
const RULES: [Rule; 7] = [
    Rule::DeleteImage,
    Rule::ModifyImage,
    Rule::UploadImage,
    Rule::SetImageLocation,
    Rule::DeleteImageLocation,
    Rule::Deactivate,
    Rule::Reactivate,
];

/// Whether what `rule` guards may be done to `image` by who calls.
///
/// # Errors
/// `Forbidden` when it changes the image, and the image is not theirs.
pub(crate) fn of_image(call: &Call, rule: Rule, image: &Image) -> Result<()> {
    if !RULES.contains(&rule) || call.identity.is_admin || (image.owner.is_some() && owns(call, image)) {
        return Ok(());
    }
    Err(Error::forbidden("You do not own this image"))
}

/// Whether an image of `owner` may be created.
///
/// # Errors
/// `Forbidden` when that is not who calls, and it matters.
pub(crate) fn of_new_image(call: &Call, owner: Option<&str>) -> Result<()> {
    if !matters(call) || owner == call.identity.project_id.as_deref() {
        return Ok(());
    }
    let owner = owner.unwrap_or("None");
    Err(Error::forbidden(format!("You are not permitted to create images owned by '{owner}'.")))
}

/// Whether members may be added to `image` or taken from it: by its owner only.
pub(crate) fn may_share(call: &Call, image: &Image) -> bool {
    !matters(call) || owns(call, image)
}

/// Whether a member's answer about `image` may be given: by anybody but its owner.
pub(crate) fn may_answer(call: &Call, image: &Image) -> bool {
    !matters(call) || !owns(call, image)
}

fn matters(call: &Call) -> bool {
    !call.policy.enforces_new_defaults() && !call.identity.is_admin
}

fn owns(call: &Call, image: &Image) -> bool {
    image.owner == call.identity.project_id
}
