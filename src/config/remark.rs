//! What there is to say about the operator's files, and about which line.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this line of this file, from one on.
    Line(Arc<Path>, usize),
    /// In this file.
    File(Arc<Path>),
    /// In this variable of the environment.
    Variable(String),
    /// Nowhere: that is what there is to say about it.
    Nowhere,
}

/// One thing to say. No value is repeated: it may be a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What it is about.
    pub place: Place,
    /// The option, as `[group] name`, if it is about one.
    pub option: Option<String>,
    /// The sentence.
    pub text: String,
}

impl Remark {
    /// About something that is no option.
    pub fn new(place: Place, text: impl Into<String>) -> Self {
        Self { place, option: None, text: text.into() }
    }

    /// About an option.
    pub fn about(place: Place, group: &str, name: &str, text: impl Into<String>) -> Self {
        Self { place, option: Some(format!("[{group}] {name}")), text: text.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(path, line) => write!(f, "{}:{line}", path.display()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place != Place::Nowhere {
            write!(f, "{}: ", self.place)?;
        }
        match &self.option {
            Some(option) => write!(f, "{option}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}
