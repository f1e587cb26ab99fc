//! The life of an image: its nine statuses and the moves between them that exist.

use std::fmt;
use std::str::FromStr;

/// Where an image stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Known by name, no data yet.
    Queued,
    /// Data is being uploaded.
    Saving,
    /// Data is being staged for an import.
    Uploading,
    /// An import is at work.
    Importing,
    /// Complete and usable.
    Active,
    /// Complete, and no one but an administrator may download it.
    Deactivated,
    /// Broken. No code enters it; old rows hold it.
    Killed,
    /// Deleted for users, data still to be removed.
    PendingDelete,
    /// Gone.
    Deleted,
}

/// Every status with its name and the statuses that may follow it
/// (Image API guide, "Image statuses"; the reference's table of state targets).
const TABLE: [(Status, &str, &[Status]); 9] = {
    use Status::{Active, Deactivated, Deleted, Importing, Killed, PendingDelete, Queued, Saving, Uploading};
    [
        (Queued, "queued", &[Saving, Uploading, Importing, Active, Deleted]),
        (Saving, "saving", &[Active, Killed, Deleted, Queued]),
        (Active, "active", &[PendingDelete, Deleted, Deactivated]),
        (Killed, "killed", &[Deleted]),
        (Deleted, "deleted", &[]),
        (Uploading, "uploading", &[Importing, Queued, Deleted]),
        (Importing, "importing", &[Active, Deleted, Queued]),
        (PendingDelete, "pending_delete", &[Deleted, Active]),
        (Deactivated, "deactivated", &[Active, Deleted]),
    ]
};

impl Status {
    /// Every status, in the order in which the image schema lists them.
    pub const ALL: [Self; 9] = {
        let mut all = [Self::Queued; 9];
        let mut at = 0;
        while at < all.len() {
            all[at] = TABLE[at].0;
            at += 1;
        }
        all
    };

    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// Whether an image may go from here to `next`.
    pub fn may_become(self, next: Self) -> bool {
        self.row().2.contains(&next)
    }

    fn row(self) -> &'static (Self, &'static str, &'static [Self]) {
        // Nine rows, one per variant: the test below walks them all.
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[0])
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A status name that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("unknown image status {0:?}")]
pub struct UnknownStatus(String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0).ok_or_else(|| UnknownStatus(name.to_owned()))
    }
}

#[cfg(test)]
mod tests;
