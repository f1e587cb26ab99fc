//! Plain nouns: what the service is about. No I/O, no wire form, no row form.

pub mod account;
pub mod filter;
pub mod identity;
pub mod image;
pub mod lifecycle;
pub mod limits;
pub mod member;
pub mod metadef;
pub mod property_schema;
pub mod task;
