//! What the tests of several areas share.

pub mod app;
pub mod bytes;
pub mod callers;
pub mod catalogue;
pub mod database;
pub mod database_wire;
pub mod disks;
pub mod flaky;
pub mod golden;
pub mod process;
pub mod raw;
pub mod socket;
pub mod web;
pub mod wire;
