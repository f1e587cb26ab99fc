//! The tests that need nothing but this crate: one binary, one file per area.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on stops, and may block its thread"
)]
#![expect(clippy::too_many_lines, clippy::type_complexity, reason = "tables of cases are long and wide")]
#![expect(unreachable_pub, reason = "nothing is reachable from outside of a test binary")]

mod adoptions;
mod attacks;
mod bad_input;
mod config;
mod config_cli;
mod cors;
mod crash;
mod data;
mod database_cli;
mod definition_files;
mod formats;
mod given_up;
mod gzip;
mod harness;
mod help;
mod identity;
mod identity_cli;
mod image_definitions;
mod image_schema;
mod images;
mod keystone;
mod layers;
mod limits;
mod lists;
mod locations;
mod long_lists;
mod matrix;
mod members;
mod metadefs;
mod off;
mod pairs;
mod policy_cli;
mod policy_files;
mod policy_matrix;
mod policy_servers;
mod property_protection;
mod purge;
mod quotas;
mod scale;
mod schema;
mod several_stores;
#[macro_use]
mod store_conformance;
mod stores;
mod surface;
mod tasks;
mod wire;
