//! A task: work on an image that outlives the request that asked for it, and what became of it.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::model::filter::Direction;

/// One task.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Task {
    pub id: String,
    /// What it does, by one of `TYPES`.
    pub kind: String,
    pub status: TaskStatus,
    /// The project that asked for it.
    pub owner: String,
    pub input: Option<Map<String, Value>>,
    pub result: Option<Map<String, Value>>,
    pub message: Option<String>,
    pub image_id: Option<String>,
    pub request_id: Option<String>,
    pub user_id: Option<String>,
    /// When it may be forgotten: known when it has ended.
    pub expires_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub deleted: bool,
}

/// What tasks there are.
pub const TYPES: [&str; 3] = ["import", "api_image_import", "location_import"];

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStatus {
    /// Nobody has begun.
    Pending,
    /// Somebody is at it.
    Processing,
    /// It is done.
    Success,
    /// It ended without being done.
    Failure,
}

impl TaskStatus {
    /// Every status, in the order of the task schema.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Success, Self::Failure];

    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A task status name that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("unknown task status {0:?}")]
pub struct UnknownTaskStatus(String);

impl FromStr for TaskStatus {
    type Err = UnknownTaskStatus;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or_else(|| UnknownTaskStatus(name.to_owned()))
    }
}

/// Something of a task by which a list can be narrowed or put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the task")]
pub enum TaskColumn {
    Id,
    Type,
    Status,
    Owner,
    ImageId,
    RequestId,
    UserId,
    CreatedAt,
    UpdatedAt,
    ExpiresAt,
    DeletedAt,
}

impl TaskColumn {
    /// Every one with its name.
    pub const ALL: [(Self, &str); 11] = [
        (Self::Id, "id"),
        (Self::Type, "type"),
        (Self::Status, "status"),
        (Self::Owner, "owner"),
        (Self::ImageId, "image_id"),
        (Self::RequestId, "request_id"),
        (Self::UserId, "user_id"),
        (Self::CreatedAt, "created_at"),
        (Self::UpdatedAt, "updated_at"),
        (Self::ExpiresAt, "expires_at"),
        (Self::DeletedAt, "deleted_at"),
    ];

    /// The one called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(column, _)| column)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Whether it is a moment.
    pub fn is_time(self) -> bool {
        matches!(self, Self::CreatedAt | Self::UpdatedAt | Self::ExpiresAt | Self::DeletedAt)
    }
}

/// Which tasks a list wants.
#[derive(Clone, Debug)]
pub struct TaskPage {
    /// Only this project's; none for those of all.
    pub owner: Option<String>,
    /// What else has to be equal.
    pub equal: Vec<(TaskColumn, String)>,
    /// The first of the keys that make the order; creation time and id follow.
    pub sort: TaskColumn,
    /// The direction of all of them.
    pub direction: Direction,
    /// The task after which the page begins.
    pub marker: Option<String>,
    /// The most tasks on it.
    pub limit: u32,
}
