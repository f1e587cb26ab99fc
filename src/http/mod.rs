//! HTTP: connections, TLS, timeouts and limits below the API.

mod body;
mod layers;
mod serve;
mod stall;
mod tls;

pub use serve::Server;
pub use tls::Certificate;
