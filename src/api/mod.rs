//! The wire of the Image API: parse the request, ask the policy, call a verb, show the result.

mod address;
mod attributes;
mod body;
mod cached;
mod caller;
mod cors;
mod ctx;
mod error;
mod filters;
mod health;
pub mod identity;
mod image_actions;
mod image_data;
mod image_import;
mod images;
mod info;
mod json_schema;
mod locations;
mod members;
mod metadefs;
mod ownership;
pub mod page;
pub mod patch;
mod protection;
pub mod query;
mod reply;
pub mod routes;
mod schemas;
mod stores;
mod tags;
mod tasks;
mod versions;
mod view;

pub use ctx::{Call, RequestBody};
pub use error::refuse;
pub use reply::{Outgoing, Reply};
