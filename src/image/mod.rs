//! The verbs: what is done with an image, each a story in a file of its own.

pub mod adopt;
pub mod claim;
pub mod create;
pub mod delete;
pub mod download;
pub mod inspect;
pub mod limits;
pub mod locations;
pub mod quota;
pub mod removal;
pub mod room;
pub mod share;
pub mod state;
pub mod task;
pub mod update;
pub mod upload;
