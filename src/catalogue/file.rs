//! Definition files: a namespace with all that is in it, as JSON in the form that the reference's loader reads and its
//! export writes.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::model::metadef::{
    Association, CONTENTS_MAX, Contents, NAME_MAX, Namespace, Object, Property, TEXT_MAX, Tag,
};

/// The most bytes of a file.
pub const FILE_MAX: u64 = 4 << 20;
/// The most files that are read at a time.
pub const FILES_MAX: usize = 1000;
/// Who owns what a file gives no owner.
const OWNER: &str = "admin";
/// The most characters of an owner.
const OWNER_MAX: usize = 255;
/// What a namespace is for others.
const VISIBILITIES: [&str; 2] = ["public", "private"];
/// The longest name of an exported file, in bytes and without its ending.
const FILE_NAME_MAX: usize = 200;

/// The namespace that `text` defines, as one that is made `now`.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse(text: &str, now: Timestamp) -> Result<(Namespace, Contents), String> {
    let file: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let Value::Object(file) = &file else { return Err("it has to be an object".into()) };
    let file = Part { map: file, place: String::new() };
    let namespace = Namespace {
        id: 0,
        namespace: file.name("namespace")?,
        display_name: file.text("display_name", NAME_MAX)?,
        description: file.long_text("description")?,
        visibility: file.visibility()?,
        protected: file.flag("protected")?,
        owner: file.text("owner", OWNER_MAX)?.unwrap_or_else(|| OWNER.into()),
        created_at: now,
        updated_at: None,
    };
    let contents = Contents {
        associations: file.each("resource_type_associations", |part| association(part, now))?,
        objects: file.each("objects", |part| object(part, now))?,
        properties: file.properties()?,
        tags: file
            .each("tags", |part| Ok(Tag { id: 0, name: part.name("name")?, created_at: now, updated_at: None }))?,
    };
    once("resource_type_associations", contents.associations.iter().map(|association| &association.name))?;
    once("objects", contents.objects.iter().map(|object| &object.name))?;
    once("tags", contents.tags.iter().map(|tag| &tag.name))?;
    Ok((namespace, contents))
}

/// The file for a namespace. compat: the reference leaves out who owns it and what an object requires; where that is
/// not as a file without it says, it stands here.
pub fn written(namespace: &Namespace, contents: &Contents) -> Value {
    let mut file = json!({
        "namespace": namespace.namespace,
        "display_name": namespace.display_name,
        "description": namespace.description,
        "visibility": namespace.visibility,
        "protected": namespace.protected,
        "resource_type_associations": contents.associations.iter().map(|association| json!({
            "name": association.name,
            "prefix": association.prefix,
            "properties_target": association.properties_target,
        })).collect::<Vec<_>>(),
        "properties": contents.properties.iter()
            .map(|property| (property.name.clone(), Value::Object(property.schema.clone())))
            .collect::<Map<_, _>>(),
        "objects": contents.objects.iter().map(written_object).collect::<Vec<_>>(),
        "tags": contents.tags.iter().map(|tag| json!({"name": tag.name})).collect::<Vec<_>>(),
    });
    if namespace.owner != OWNER {
        file["owner"] = json!(namespace.owner);
    }
    file
}

fn written_object(object: &Object) -> Value {
    let mut written = json!({
        "name": object.name,
        "description": object.description,
        "properties": object.properties,
    });
    if !object.required.is_empty() {
        written["required"] = json!(object.required);
    }
    written
}

/// Names for the files of namespaces, without their ending: the letters and digits of the name that people see.
/// compat: the reference writes namespaces with the same one over each other, and fails for one that has none.
#[derive(Debug, Default)]
pub struct FileNames(HashSet<String>);

impl FileNames {
    /// One that was not given yet.
    pub fn next(&mut self, namespace: &Namespace) -> String {
        let display_name = namespace.display_name.as_deref().map(letters).filter(|name| !name.is_empty());
        let others = (1..).map(|number| match (number, letters(&namespace.namespace)) {
            (1, name) if !name.is_empty() => name,
            (number, name) => format!("{name}{number}"),
        });
        let free = display_name.into_iter().chain(others).find(|name| !self.0.contains(name)).unwrap_or_default();
        self.0.insert(free.clone());
        free
    }
}

fn letters(name: &str) -> String {
    let mut letters: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    letters.truncate(letters.floor_char_boundary(FILE_NAME_MAX));
    letters
}

fn association(part: &Part<'_>, now: Timestamp) -> Result<Association, String> {
    Ok(Association {
        name: part.name("name")?,
        prefix: part.text("prefix", NAME_MAX)?,
        properties_target: part.text("properties_target", NAME_MAX)?,
        created_at: now,
        updated_at: None,
    })
}

fn object(part: &Part<'_>, now: Timestamp) -> Result<Object, String> {
    let properties: Map<_, _> =
        part.properties()?.into_iter().map(|property| (property.name, Value::Object(property.schema))).collect();
    if Value::Object(properties.clone()).to_string().len() > TEXT_MAX {
        return Err(format!("{}: all together they have more than {TEXT_MAX} bytes", part.at("properties")));
    }
    Ok(Object {
        id: 0,
        name: part.name("name")?,
        description: part.long_text("description")?,
        required: part.names("required")?,
        properties,
        created_at: now,
        updated_at: None,
    })
}

/// Refuses a name that is there twice.
fn once<'a>(list: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("{list}: {name:?} is there twice"));
        }
    }
    Ok(())
}

/// An object of the file, and where it stands.
struct Part<'a> {
    map: &'a Map<String, Value>,
    place: String,
}

impl Part<'_> {
    fn at(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }

    /// What is called `name`; null is as nothing.
    fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A name, which must be there.
    fn name(&self, name: &str) -> Result<String, String> {
        self.text(name, NAME_MAX)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| format!("{} is missing", self.at(name)))
    }

    /// A text of `most` characters or fewer.
    fn text(&self, name: &str, most: usize) -> Result<Option<String>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_str() {
            Some(text) if text.chars().count() <= most => Ok(Some(text.to_owned())),
            _ => Err(format!("{} has to be a text of at most {most} characters", self.at(name))),
        }
    }

    /// A text of any reasonable length.
    fn long_text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_str() {
            Some(text) if text.len() <= TEXT_MAX => Ok(Some(text.to_owned())),
            _ => Err(format!("{} has to be a text of at most {TEXT_MAX} bytes", self.at(name))),
        }
    }

    /// compat: what the reference has exported from MySQL says it in numbers.
    fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match (value.as_bool(), value.as_i64()) {
            (Some(flag), _) => Ok(Some(flag)),
            (None, Some(number @ (0 | 1))) => Ok(Some(number == 1)),
            _ => Err(format!("{} has to be true or false", self.at(name))),
        }
    }

    fn visibility(&self) -> Result<Option<String>, String> {
        let visibility = self.text("visibility", NAME_MAX)?;
        match &visibility {
            Some(other) if !VISIBILITIES.contains(&other.as_str()) => {
                Err(format!("{} has to be {}", self.at("visibility"), VISIBILITIES.join(" or ")))
            }
            _ => Ok(visibility),
        }
    }

    /// The entries of the list `name`, each an object.
    fn each<T>(&self, name: &str, read: impl Fn(&Part<'_>) -> Result<T, String>) -> Result<Vec<T>, String> {
        let entry = |(at, entry): (usize, &Value)| {
            let place = format!("{}[{at}]", self.at(name));
            match entry {
                Value::Object(map) => read(&Part { map, place }),
                _ => Err(format!("{place} has to be an object")),
            }
        };
        self.list(name)?.iter().enumerate().map(entry).collect()
    }

    /// The names in the list `name`.
    fn names(&self, name: &str) -> Result<Vec<String>, String> {
        let entry = |(at, entry): (usize, &Value)| {
            let named = entry.as_str().filter(|name| name.chars().count() <= NAME_MAX).map(str::to_owned);
            named.ok_or_else(|| format!("{}[{at}] has to be a name of at most {NAME_MAX} characters", self.at(name)))
        };
        self.list(name)?.iter().enumerate().map(entry).collect()
    }

    fn list(&self, name: &str) -> Result<&[Value], String> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(entries)) if entries.len() <= CONTENTS_MAX => Ok(entries),
            Some(_) => Err(format!("{} has to be a list of at most {CONTENTS_MAX} entries", self.at(name))),
        }
    }

    /// Its properties, each with its JSON schema.
    fn properties(&self) -> Result<Vec<Property>, String> {
        let place = self.at("properties");
        let all = match self.get("properties") {
            None => return Ok(Vec::new()),
            Some(Value::Object(all)) if all.len() <= CONTENTS_MAX => all,
            Some(_) => return Err(format!("{place} has to be an object of at most {CONTENTS_MAX} properties")),
        };
        let property = |(name, schema): (&String, &Value)| {
            if name.is_empty() || name.chars().count() > NAME_MAX {
                return Err(format!("{place}: {name:?} is no name of 1 to {NAME_MAX} characters"));
            }
            match schema {
                Value::Object(map) if schema.to_string().len() <= TEXT_MAX => {
                    Ok(Property { id: 0, name: name.clone(), schema: map.clone() })
                }
                _ => Err(format!("{place}.{name} has to be an object of at most {TEXT_MAX} bytes")),
            }
        };
        all.iter().map(property).collect()
    }
}

#[cfg(test)]
mod tests;
