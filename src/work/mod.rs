//! The background: work that belongs to no request.

pub mod reap;
