//! The store drivers: each through the suite, and what each does beyond it.

mod filesystem;
mod flaky;
mod web;
