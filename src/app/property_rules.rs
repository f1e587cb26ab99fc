//! The operator's rules for single properties, read once at the start.

use std::path::PathBuf;

use crate::config::{PropertyProtection, PropertyProtectionFormat};
use crate::error::{Error, Result};
use crate::policy::property::{BadProtection, PropertyRules};

/// Why the file makes no rules.
#[derive(Debug, thiserror::Error)]
#[error("property protection file {}: {why}", .file.display())]
struct BadFile<E: std::error::Error + 'static> {
    file: PathBuf,
    why: E,
}

/// The rules in the file that `protection` names.
///
/// # Errors
/// When it is not there or holds no such rules: an operator who wants protection must not serve without it.
pub(super) async fn read(protection: &PropertyProtection) -> Result<PropertyRules> {
    let file = protection.file.clone();
    let text = tokio::task::spawn_blocking(move || std::fs::read_to_string(file)).await.map_err(Error::internal)?;
    let text = text.map_err(|why| Error::internal(BadFile { file: protection.file.clone(), why }))?;
    let rules: Result<PropertyRules, BadProtection> = match protection.format {
        PropertyProtectionFormat::Roles => PropertyRules::by_roles(&text),
        PropertyProtectionFormat::Policies => PropertyRules::by_policies(&text),
    };
    let rules = rules.map_err(|why| Error::internal(BadFile { file: protection.file.clone(), why }))?;
    for warning in rules.warnings() {
        tracing::warn!("property protection: {warning}");
    }
    Ok(rules)
}
