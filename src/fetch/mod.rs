//! Asking other web servers: which URLs a client may make us ask for, where a connection may go, and the asking.

pub mod certificates;
mod fetcher;
mod guard;
pub mod policy_server;

pub use fetcher::{FetchError, Fetched, Fetcher};
pub use guard::Guard;
