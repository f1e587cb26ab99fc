//! The background: work that belongs to no request.

pub mod purge_tokens;
pub mod reap;
