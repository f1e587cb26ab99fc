//! Glint, the OpenStack Image service. The modules in floor order: each imports only from floors below it
//! (`ARCHITECTURE.md` draws the arrows, `tests/it/layers.rs` checks them).

// The ground: no I/O, or bytes only.
pub mod blob;
pub mod clock;
pub mod error;
pub mod model;

// The edges: none of them knows another.
pub mod policy;
pub mod store;
