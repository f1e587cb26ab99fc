//! HTTP: connections, TLS, timeouts and limits below the API.

mod body;
mod layers;
mod serve;
mod stall;

pub use serve::{Server, tls_acceptor};
