//! Asking Keystone: our own login there, one question at a time, and remembering the answers for a while.

mod catalog;
pub mod limits;
mod login;
pub mod memory;
pub mod session;
