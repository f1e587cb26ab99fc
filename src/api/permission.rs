//! What a caller may see and do: the policy as handlers ask it.

use crate::api::ctx::Call;
use crate::api::{ownership, protection, rules};
use crate::db::images::{self, With};
use crate::error::{Error, Kind, Result};
use crate::model::image::Image;
use crate::policy::{ImageTarget, Rule, Target};

impl Call {
    /// The image `id`, as far as the caller may see it, with its locations in the order in which they are read; none if
    /// not at all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn image(&self, id: &str) -> Result<Option<Image>> {
        self.image_with(id, With::All).await
    }

    /// The same, for those who need no more than this `with` it; the rest is there or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn image_with(&self, id: &str, with: With) -> Result<Option<Image>> {
        // Rules may ask for properties, too.
        let with = if self.policy.looks_beyond_rows() { With::All } else { with };
        let mut found = images::find_with(&self.app.db, id, &self.identity, with).await?;
        if let Some(image) = &mut found {
            self.app.stores.arrange(&mut image.locations);
        }
        protection::hide(self, found.as_mut_slice()).await;
        Ok(found)
    }

    /// Asks `rule` about `target`.
    ///
    /// # Errors
    /// `Forbidden` when it does not hold.
    pub async fn allow(&self, rule: Rule, target: &dyn Target) -> Result<()> {
        if rules::hold(self, rule, &self.identity, target).await {
            return Ok(());
        }
        Err(Error::forbidden(format!("You are not authorized to complete {} action.", rule.name())))
    }

    /// `image` as a target, as this caller sees it.
    pub fn target_of<'a>(&'a self, image: &'a Image) -> ImageTarget<'a> {
        ImageTarget { image, caller: &self.identity }
    }

    /// Asks `rule` about `image`, and whose it is where the reference does.
    ///
    /// # Errors
    /// `Forbidden` when it does not hold, or `NotFound` when the caller may not even know that the image is there.
    pub async fn allow_image(&self, rule: Rule, image: &Image) -> Result<()> {
        self.allow_by_rule(rule, image).await?;
        ownership::of_image(self, rule, image)
    }

    /// Asks `rule` about `image`, and nothing else.
    ///
    /// # Errors
    /// As of `allow_image`.
    pub async fn allow_by_rule(&self, rule: Rule, image: &Image) -> Result<()> {
        let target = self.target_of(image);
        let Err(refusal) = self.allow(rule, &target).await else { return Ok(()) };
        let seen = rule != Rule::GetImage && self.allow(Rule::GetImage, &target).await.is_ok();
        Err(if seen { refusal } else { Error::new(Kind::NotFound) })
    }
}
