//! The query of a URL: names and values in their order, decoded as browsers encode them.

use std::collections::HashSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Error, Result};

/// The text for a URL or a body that is not UTF-8.
pub(crate) const UNDECODABLE: &str = "Error decoding your request. Either the URL or the request body contained \
    characters that could not be decoded by Glance";

/// The most parameters that a query may have.
const PARAMETERS_MAX: usize = 1000;

/// What stays as it is in a query that we write.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');

/// The parameters of a query, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the part of a URL after its `?`.
    ///
    /// # Errors
    /// `Invalid` when it is not UTF-8, or has too many parameters.
    pub fn parse(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split(['&', ';']).filter(|part| !part.is_empty()).collect();
        if parts.len() > PARAMETERS_MAX {
            return Err(Error::invalid(format!("A query may have {PARAMETERS_MAX} parameters at the most.")));
        }
        let pair = |part: &&str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(name)?, decode(value)?))
        };
        parts.iter().map(pair).collect::<Result<_>>().map(Self)
    }

    /// Takes the first parameter called `name` out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(at).1)
    }

    /// Takes every parameter called `name` out.
    pub fn take_all(&mut self, name: &str) -> Vec<String> {
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(|(n, _)| n == name);
        self.0 = left;
        taken.into_iter().map(|(_, value): (String, String)| value).collect()
    }

    /// The value of the last parameter called `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is a parameter called `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Adds a parameter at the end.
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Every parameter in order, but of those that are repeated the last only.
    pub fn last_of_each(&self) -> Vec<(&str, &str)> {
        let mut seen = HashSet::new();
        let mut last: Vec<_> = self.iter().rev().filter(|(name, _)| seen.insert(*name)).collect();
        last.reverse();
        last
    }

    /// Every parameter, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The query as it stands in a URL, without a `?`.
    pub fn to_url(&self) -> String {
        let pairs: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        pairs.join("&")
    }
}

fn decode(text: &str) -> Result<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| Error::invalid(UNDECODABLE))?;
    Ok(decoded.into_owned())
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string().replace(' ', "+")
}
