//! What an image may look like in this service: the operator's formats, and the properties to which the operator gives a
//! form.

use crate::config::{Config, Formats};
use crate::error::{Error, Result};
use crate::model::property_schema::{BadSchema, PropertySchemas};

/// What the operator says about images.
#[derive(Clone, Debug, Default)]
pub struct ImageSchema {
    /// Which formats exist.
    pub formats: Formats,
    /// Properties with a form.
    pub properties: PropertySchemas,
}

/// Why the properties cannot have their form.
#[derive(Debug, thiserror::Error)]
#[error("schema-image.json: {0}")]
struct Refused(BadSchema);

impl ImageSchema {
    /// What `config` says.
    ///
    /// # Errors
    /// When a property has a form that cannot be checked.
    pub(super) fn new(config: &Config) -> Result<Self> {
        let properties = PropertySchemas::new(&config.image_properties, &config.required_image_properties)
            .map_err(|why| Error::internal(Refused(why)))?;
        Ok(Self { formats: config.formats.clone(), properties })
    }
}
