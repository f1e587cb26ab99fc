//! Glint, the OpenStack Image service. The modules in floor order: each imports only from floors below it
//! (`ARCHITECTURE.md` draws the arrows, `tests/it/layers.rs` checks them).

// The way in.
pub mod api;
pub mod cli;
pub mod http;

// What is done.
pub mod image;
pub mod work;

// All that a request may reach.
pub mod app;

// What is known of metadata definitions beside their rows.
pub mod catalogue;

// The edges: none of them knows another, but for the stores, some of which fetch, and who asks Keystone.
pub mod auth;
pub mod db;
pub mod fetch;
pub mod keystone;
pub mod policy;
pub mod store;

// The ground: no I/O, or bytes only.
pub mod blob;
pub mod clock;
pub mod config;
pub mod error;
pub mod format;
pub mod model;
