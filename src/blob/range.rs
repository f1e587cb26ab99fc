//! Which part of an image a request asks for: `Range`, and the reference's older request form of `Content-Range`.
//!
//! What is accepted and what is refused with which words is the reference's (`glance/common/wsgi.py` and
//! `glance/api/v2/image_data.py` over `webob.byterange`): one range only, matched at the beginning of the value with
//! anything behind it ignored. Where it would fail with an internal error or send a length that it cannot keep, a
//! refusal takes its place; `docs/compat.md` lists them.

use crate::error::{Error, Kind, Result};

const SEVERAL: &str = "Requests with multiple ranges are not supported in Glance. You may make multiple single-range \
                       requests instead.";

/// What a request wants to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// Some of it.
    Part(Part),
}

/// `length` bytes from `start` on, of `total`. It is not empty and lies within the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first byte.
    pub start: u64,
    /// How many bytes.
    pub length: u64,
    /// The size of the whole image in bytes.
    pub total: u64,
}

impl Part {
    /// The last byte: `Content-Range: bytes {start}-{last}/{total}` is what the response says.
    pub fn last(&self) -> u64 {
        self.start + self.length - 1
    }
}

/// What the two headers of a request want of an image of `size` bytes. `Range` goes before `Content-Range`. A header
/// that came several times is given joined by commas.
///
/// # Errors
/// `Invalid` for several ranges, `RangeNotSatisfiable` for everything else that cannot be sent.
pub fn wanted(range: Option<&str>, content_range: Option<&str>, size: u64) -> Result<Wanted> {
    match (range, content_range) {
        (Some(range), _) => by_range(range, size).map(Wanted::Part),
        (None, Some(content_range)) => by_content_range(content_range, size).map(Wanted::Part),
        (None, None) => Ok(Wanted::Whole),
    }
}

fn by_range(header: &str, size: u64) -> Result<Part> {
    if header.contains(',') {
        return Err(Error::invalid(SEVERAL));
    }
    match parse_range(header).ok_or_else(|| refused("Invalid Range header."))? {
        Range::From(start) => Part::within(start, None, size),
        Range::Between(start, last) => Part::within(start, Some(last), size),
        // compat: a suffix of no bytes is all of them, as in Python's -0; one longer than the image as well.
        Range::Suffix(0) => Part::within(0, None, size),
        Range::Suffix(length) => Part::within(size.saturating_sub(length), None, size),
    }
    .ok_or_else(|| outside("start", "Start", "Range", size))
}

fn by_content_range(header: &str, size: u64) -> Result<Part> {
    let (start, last, total) = parse_content_range(header).ok_or_else(|| refused("Invalid Content-Range header."))?;
    if total.is_some() && start >= size {
        return Err(outside("start", "Start", "Content-Range", size));
    }
    // With a total that is not the image's, the reference promises bytes that do not exist.
    if last >= size {
        return Err(outside("stop", "The stop", "Content-Range", size));
    }
    Part::within(start, Some(last), size).ok_or_else(|| refused("Invalid Content-Range header."))
}

impl Part {
    /// The part from `start` to `last` at most; none if `start` is not in the image.
    fn within(start: u64, last: Option<u64>, total: u64) -> Option<Self> {
        let end = last.map_or(total, |last| total.min(last.saturating_add(1)));
        let length = end.checked_sub(start).filter(|&length| length > 0)?;
        Some(Self { start, length, total })
    }
}

/// A `Range` header. `Between` has its ends in order.
enum Range {
    From(u64),
    Between(u64, u64),
    Suffix(u64),
}

/// `bytes *= *(\d*) *- *(\d*)` without regard to case.
fn parse_range(text: &str) -> Option<Range> {
    let (unit, rest) = text.split_at_checked("bytes".len())?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let rest = spaces(spaces(rest).strip_prefix('=')?);
    let (start, rest) = digits(rest);
    let (last, _) = digits(spaces(spaces(rest).strip_prefix('-')?));
    match (start, last) {
        (Some(start), Some(last)) => (start <= last).then_some(Range::Between(start, last)),
        (Some(start), None) => Some(Range::From(start)),
        (None, Some(length)) => Some(Range::Suffix(length)),
        // The reference fails here with an internal error.
        (None, None) => None,
    }
}

/// `bytes (?:(\d+)-(\d+)|[*])/(?:(\d+)|[*])`: first byte, last byte and total.
fn parse_content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    // `bytes */…` is valid for the reference, which then fails with an internal error; here it is not.
    let (start, rest) = digits(text.strip_prefix("bytes ")?);
    let (last, rest) = digits(rest.strip_prefix('-')?);
    let (start, last) = (start?, last?);
    let rest = rest.strip_prefix('/')?;
    let total = match digits(rest) {
        (None, rest) => rest.starts_with('*').then_some(None)?,
        (total, _) => total,
    };
    let sane = start <= last && total.is_none_or(|total| last < total);
    sane.then_some((start, last, total))
}

fn spaces(text: &str) -> &str {
    text.trim_start_matches(' ')
}

/// The number at the beginning, if there is one, and what follows it. Numbers that no image reaches are all alike.
fn digits(text: &str) -> (Option<u64>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let number = (!number.is_empty()).then(|| number.parse().unwrap_or(u64::MAX));
    (number, rest)
}

/// compat: the reference puts the reason beside its standard sentence, not in place of it.
fn refused(reason: impl Into<String>) -> Error {
    Error::new(Kind::RangeNotSatisfiable).adding(reason.into())
}

fn outside(which: &str, subject: &str, header: &str, size: u64) -> Error {
    // compat: for an empty image the reference says "[0, -1]".
    let last = i128::from(size) - 1;
    refused(format!(
        "Invalid {which} position in {header} header. {subject} position MUST be in the inclusive range [0, {last}]."
    ))
}

#[cfg(test)]
mod tests;
