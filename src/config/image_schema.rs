//! `schema-image.json`: properties of images that the operator gives a type, and those that every image must have.

use std::path::Path;

use serde_json::{Map, Value};

use super::remark::{Place, Remark};
use super::settings::{Settings, read_text};

const FILE: &str = "schema-image.json";

/// The properties, each with its JSON schema, and the names of those that an image must have. Without a file there are none.
pub(super) fn image_schema(settings: &mut Settings) -> (Map<String, Value>, Vec<String>) {
    let Some(path) = settings.find_file(FILE) else { return (Map::new(), Vec::new()) };
    read(&path).unwrap_or_else(|why| {
        settings.faults.push(Remark::new(Place::File(path.into()), why));
        (Map::new(), Vec::new())
    })
}

fn read(path: &Path) -> Result<(Map<String, Value>, Vec<String>), String> {
    let text = read_text(path).map_err(|why| format!("cannot be read: {why}"))?;
    let mut file: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| format!("it has to be a JSON object: {error}"))?;
    // The older form has the properties alone.
    let (properties, required) = match file.remove("properties") {
        Some(properties) => (properties, file.remove("required").unwrap_or(Value::Null)),
        None => (Value::Object(file), Value::Null),
    };
    let Value::Object(properties) = properties else { return Err("properties has to be an object".into()) };
    if let Some((name, _)) = properties.iter().find(|(_, schema)| !schema.is_object()) {
        return Err(format!("property {name:?} has to be an object"));
    }
    let required: Option<Vec<String>> = match required {
        Value::Null => Some(Vec::new()),
        required => serde_json::from_value(required).ok(),
    };
    Ok((properties, required.ok_or("required has to be a list of names")?))
}
