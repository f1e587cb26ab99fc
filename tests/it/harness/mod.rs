//! What the tests of several areas share.

pub mod bytes;
pub mod flaky;
