//! The catalogue of metadata definitions: files of them, those that are built in, and what they say about images.

pub mod file;
pub mod image_properties;
pub mod predefined;
