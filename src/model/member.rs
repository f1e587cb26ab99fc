//! A member: a project with which a shared image is shared.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;

/// One project's share in an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The row's number; none for a member that was not read.
    pub id: Option<i64>,
    /// The image.
    pub image_id: String,
    /// The project.
    pub member_id: String,
    /// What the project said to it.
    pub status: MemberStatus,
    /// When it was shared.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
}

/// What a member said to being given an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberStatus {
    /// Nothing yet: the image is usable by id and not in the member's list.
    Pending,
    /// The image is in the member's list.
    Accepted,
    /// The member does not want it in its list.
    Rejected,
}

impl MemberStatus {
    /// Every answer, in the order in which the member schema lists them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Accepted, Self::Rejected];

    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for MemberStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A member status name that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("unknown member status {0:?}")]
pub struct UnknownMemberStatus(String);

impl FromStr for MemberStatus {
    type Err = UnknownMemberStatus;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|s| s.as_str() == name).ok_or_else(|| UnknownMemberStatus(name.to_owned()))
    }
}
