//! The tests that need a real outside program: the Python clients, oslo.policy and oslo.config, database servers, QEMU. `tests/run` installs what they need.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on stops, and may block its thread"
)]
#![expect(unreachable_pub, reason = "nothing is reachable from outside of a test binary")]

mod boot;
mod clients;
mod config;
mod database_servers;
mod database_tls;
mod definition_files;
mod dice;
mod differential;
mod formats;
mod galera;
mod keystone;
mod manage;
mod memory;
mod options;
mod plans;
mod policy;
mod policy_matrix;
mod predefined;
mod schema;
mod tls;
mod venv;

#[path = "../it/harness/app.rs"]
#[expect(dead_code, reason = "other tests do more with it")]
mod app;
#[path = "../it/harness/bytes.rs"]
#[expect(dead_code, reason = "other tests do more with it")]
mod bytes;
#[path = "../it/harness/callers.rs"]
mod callers;
#[path = "../it/harness/catalogue.rs"]
mod catalogue;
#[path = "../it/harness/database.rs"]
#[expect(dead_code, reason = "other tests do more with it")]
mod database;
#[path = "../it/harness/database_server.rs"]
mod database_server;
#[path = "../it/harness/disks.rs"]
mod disks;
#[path = "../it/harness/process.rs"]
mod process;
#[path = "../it/harness/raw.rs"]
mod raw;
#[path = "../it/harness/wire.rs"]
#[expect(dead_code, reason = "other tests do more with it")]
mod wire;
