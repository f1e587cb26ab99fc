//! Metadata definitions: what a cloud says about the properties that its resources may have, kept in namespaces.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::model::filter::Direction;

/// The most characters of a name, of a prefix, and of what else is a name.
pub const NAME_MAX: usize = 80;
/// The most bytes of a text of definitions: what the narrowest of the engines' columns holds.
pub const TEXT_MAX: usize = 65_535;
/// The most objects, properties, tags or associations of a namespace, of each.
pub const CONTENTS_MAX: usize = 10_000;

/// A namespace: definitions of one owner that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Namespace {
    /// The row's; what is not written yet has none.
    pub id: i64,
    pub namespace: String,
    pub display_name: Option<String>,
    pub description: Option<String>,
    /// None is private: files of definitions may leave it out.
    pub visibility: Option<String>,
    /// None is false, likewise.
    pub protected: Option<bool>,
    pub owner: String,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
}

impl Namespace {
    /// `public` or `private`, whatever the row says.
    pub fn visibility(&self) -> &str {
        self.visibility.as_deref().filter(|visibility| !visibility.is_empty()).unwrap_or("private")
    }

    /// Whether it, and what is in it, may not be deleted.
    pub fn is_protected(&self) -> bool {
        self.protected.unwrap_or(false)
    }
}

/// What is in a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Contents {
    pub associations: Vec<Association>,
    pub objects: Vec<Object>,
    pub properties: Vec<Property>,
    pub tags: Vec<Tag>,
}

/// A group of properties that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Object {
    /// The row's; what is not written yet has none.
    pub id: i64,
    pub name: String,
    pub description: Option<String>,
    /// Names of properties that must be there.
    pub required: Vec<String>,
    /// Its properties by name, each as its JSON schema.
    pub properties: Map<String, Value>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
}

/// A property by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The row's; what is not written yet has none.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its JSON schema.
    pub schema: Map<String, Value>,
}

/// A word that may be put on resources.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Tag {
    /// The row's; what is not written yet has none.
    pub id: i64,
    pub name: String,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
}

/// Something that has properties, by the name that all services know: `OS::Nova::Flavor`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct ResourceType {
    pub name: String,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
}

/// That the properties of a namespace are for a type of resource, and what stands before their names there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Association {
    /// The type of resource.
    pub name: String,
    pub prefix: Option<String>,
    pub properties_target: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
}

/// What can be called by a name that must be the only one of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Definition {
    Namespace,
    Association,
    Object,
    Property,
    Tag,
}

/// Something of a namespace by which a list can be put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the namespace")]
pub enum NamespaceColumn {
    Id,
    Namespace,
    DisplayName,
    Description,
    Visibility,
    Protected,
    Owner,
    CreatedAt,
    UpdatedAt,
}

impl NamespaceColumn {
    /// Every one with its name.
    pub const ALL: [(Self, &str); 9] = [
        (Self::Id, "id"),
        (Self::Namespace, "namespace"),
        (Self::DisplayName, "display_name"),
        (Self::Description, "description"),
        (Self::Visibility, "visibility"),
        (Self::Protected, "protected"),
        (Self::Owner, "owner"),
        (Self::CreatedAt, "created_at"),
        (Self::UpdatedAt, "updated_at"),
    ];
}

/// Which namespaces a list wants.
#[derive(Clone, Debug)]
pub struct NamespacePage {
    /// Only those with this visibility.
    pub visibility: Option<String>,
    /// Only those that are for one of these types of resources.
    pub resource_types: Option<Vec<String>>,
    /// The first of the keys that make the order; creation time and id follow.
    pub sort: NamespaceColumn,
    /// The direction of all of them.
    pub direction: Direction,
    /// The most namespaces on it.
    pub limit: u32,
}

/// Something of a tag by which a list can be put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the tag")]
pub enum TagColumn {
    Id,
    Name,
    CreatedAt,
    UpdatedAt,
}

impl TagColumn {
    /// Every one with its name.
    pub const ALL: [(Self, &str); 4] =
        [(Self::Id, "id"), (Self::Name, "name"), (Self::CreatedAt, "created_at"), (Self::UpdatedAt, "updated_at")];
}

/// Which tags of a namespace a list wants.
#[derive(Clone, Debug)]
pub struct TagPage {
    /// The first of the keys that make the order; creation time and id follow.
    pub sort: TagColumn,
    /// The direction of all of them.
    pub direction: Direction,
    /// The tag after which the page begins.
    pub marker: Option<Tag>,
    /// The most tags on it; none for all of them.
    pub limit: Option<u32>,
}

impl TagPage {
    /// All of them, as they are listed where nobody says how.
    pub fn all() -> Self {
        Self { sort: TagColumn::CreatedAt, direction: Direction::Descending, marker: None, limit: None }
    }
}
