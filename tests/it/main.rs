//! The tests that need nothing but this crate: one binary, one file per area.

mod policy_matrix;
