//! A policy file's text: a mapping from names of rules to checks, in YAML or JSON.

use serde_json::{Map, Value};
use serde_saphyr::options::DuplicateKeyPolicy;

/// The longest policy file, in bytes. One that spells out every rule has some 20 KiB.
pub const LENGTH_MAX: usize = 1 << 20;

/// Text that is no policy file.
#[derive(Debug, thiserror::Error)]
pub enum NotAPolicyFile {
    /// It is too long.
    #[error("it has more than {LENGTH_MAX} bytes")]
    TooLong,
    /// It is not YAML, or no mapping.
    #[error("it is no mapping from names of rules to checks: {0}")]
    NotAMapping(Box<str>),
}

/// The rules in `text`. An empty file has none; of rules of the same name the last counts.
pub fn read(text: &str) -> Result<Map<String, Value>, NotAPolicyFile> {
    if text.len() > LENGTH_MAX {
        return Err(NotAPolicyFile::TooLong);
    }
    // JSON is nearly YAML; tabs are what YAML does not like in it.
    if let Ok(rules) = serde_json::from_str(text) {
        return Ok(rules);
    }
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    let rules: Option<Map<String, Value>> = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| NotAPolicyFile::NotAMapping(error.to_string().into()))?;
    Ok(rules.unwrap_or_default())
}

#[cfg(test)]
mod tests;
