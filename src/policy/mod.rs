//! Who may do what: the check-string language, the rules, and asking them.
//!
//! [`Policy`] holds the rules as they stand, [`Rule`] names those that the code asks, a [`Target`] is what they are
//! asked about. Everything here is pure: no I/O, no clock, and the same answer every time.

mod credentials;
mod enforce;
mod evaluate;
mod explain;
pub mod file;
pub mod parse;
pub mod property;
mod review;
pub mod rules;
mod sample;
mod standing;
mod target;
mod undecided;

pub use credentials::as_json;
pub use evaluate::Answers;
pub use explain::{Explanation, Reason};
pub use rules::Rule;
pub use sample::sample;
pub use standing::{InvalidRule, Policy, Settings};
pub use target::{CallerTarget, ImageTarget, Nothing, Target, new_image};
pub use undecided::Undecided;

#[cfg(test)]
mod tests;
