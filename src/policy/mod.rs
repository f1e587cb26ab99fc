//! Who may do what: the check-string language, the rules, and asking them.

pub mod parse;
pub mod rules;

pub use rules::Rule;
