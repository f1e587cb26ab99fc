//! What a list of images is asked for: conditions, order, page.

use crate::clock::Timestamp;
use crate::model::image::Visibility;
use crate::model::member::MemberStatus;

/// Which images a list holds, beside what its caller may see.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct ImageFilter {
    /// Which visibilities.
    pub visibility: WantedVisibility,
    /// With which answer of the caller's project an image shared with it is listed; none for any answer.
    pub member_status: Option<MemberStatus>,
    /// Only hidden images, or only those that are not.
    pub hidden: bool,
    /// All of these hold.
    pub conditions: Vec<Condition>,
}

/// Which visibilities a list holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WantedVisibility {
    /// All but the community images of other projects.
    #[default]
    Usual,
    /// Only this one.
    Only(Visibility),
    /// All.
    All,
}

/// One condition on an image.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Condition {
    /// A text column equals one of these.
    TextIn(TextColumn, Vec<String>),
    /// A number column compares so to this.
    Int(IntColumn, Comparison, i64),
    /// The image is protected, or is not.
    Protected(bool),
    /// A time column compares so to this.
    Time(TimeColumn, Comparison, Timestamp),
    /// A property has this value.
    Property(String, String),
    /// The image has this tag.
    Tag(String),
    /// Nothing can meet it: an equality with a value that the column cannot hold.
    Never,
}

/// How a column compares to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A column of text that a list can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub enum TextColumn {
    Id,
    Name,
    Status,
    ContainerFormat,
    DiskFormat,
    Checksum,
    OsHashAlgo,
    OsHashValue,
    Owner,
}

/// A column of numbers that a list can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub enum IntColumn {
    Size,
    VirtualSize,
    MinDisk,
    MinRam,
}

/// A column of times that a list can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub enum TimeColumn {
    CreatedAt,
    UpdatedAt,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The order: at least `created_at` and `id` are in it, so that it is total.
    pub sort: Vec<(SortKey, Direction)>,
    /// The page begins after this image.
    pub marker: Option<String>,
    /// The most images on it.
    pub limit: u32,
}

/// What a list can be sorted by (Image API, "Sorting").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub enum SortKey {
    Name,
    Status,
    ContainerFormat,
    DiskFormat,
    Size,
    Id,
    CreatedAt,
    UpdatedAt,
}

impl SortKey {
    /// Every key with its name, in the order in which the reference names them in errors.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Name, "name"),
        (Self::Status, "status"),
        (Self::ContainerFormat, "container_format"),
        (Self::DiskFormat, "disk_format"),
        (Self::Size, "size"),
        (Self::Id, "id"),
        (Self::CreatedAt, "created_at"),
        (Self::UpdatedAt, "updated_at"),
    ];
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Direction {
    Ascending,
    Descending,
}
