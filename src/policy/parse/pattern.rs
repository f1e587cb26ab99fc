//! The right side of a check: text with `%(key)s` in it, to be filled from the target as Python's `%` would fill it.

use std::borrow::Cow;
use std::fmt;

/// Text with gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    form: Form,
}

/// The two common forms need no new text when they are filled.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Fixed,
    Key(Box<str>),
    Parts(Vec<Part>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Key(Box<str>),
    /// A `%` that stands for nothing. The key before it, if there is one, is still looked up first.
    Broken(Option<Box<str>>),
}

/// Why a pattern could not be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfilled<'a> {
    /// The target has no such key.
    Missing(&'a str),
    /// There is a `%` in it that is neither `%(key)s` nor `%%`. Python raises an error for most of them. It knows a few
    /// more (`%(size)d`, `%(name)10s`), which nobody uses in a policy and which are refused here.
    Broken,
}

impl Pattern {
    /// Reads a pattern. What is wrong with it shows when it is filled.
    pub fn new(text: &str) -> Self {
        let mut parts = parts(text);
        let form = match parts.as_mut_slice() {
            [] => Form::Fixed,
            [Part::Text(only)] if **only == *text => Form::Fixed,
            [Part::Key(key)] => Form::Key(std::mem::take(key)),
            _ => Form::Parts(parts),
        };
        Self { text: text.into(), form }
    }

    /// Fills the gaps with what `value_of` knows.
    pub fn fill<'a>(&'a self, value_of: impl Fn(&str) -> Option<Cow<'a, str>>) -> Result<Cow<'a, str>, Unfilled<'a>> {
        let value_of = |key: &'a str| value_of(key).ok_or(Unfilled::Missing(key));
        match &self.form {
            Form::Fixed => Ok(Cow::Borrowed(&self.text)),
            Form::Key(key) => value_of(key),
            Form::Parts(parts) => {
                let mut filled = String::new();
                for part in parts {
                    match part {
                        Part::Text(text) => filled.push_str(text),
                        Part::Key(key) => filled.push_str(&value_of(key)?),
                        Part::Broken(key) => {
                            key.as_deref().map(value_of).transpose()?;
                            return Err(Unfilled::Broken);
                        }
                    }
                }
                Ok(Cow::Owned(filled))
            }
        }
    }

    /// The keys of all its gaps.
    pub fn keys(&self) -> Vec<&str> {
        match &self.form {
            Form::Fixed => Vec::new(),
            Form::Key(key) => vec![key],
            Form::Parts(parts) => parts
                .iter()
                .filter_map(|part| match part {
                    Part::Text(_) => None,
                    Part::Key(key) => Some(&**key),
                    Part::Broken(key) => key.as_deref(),
                })
                .collect(),
        }
    }

    /// Whether there is a `%` in it that can never be filled.
    pub fn is_broken(&self) -> bool {
        matches!(&self.form, Form::Parts(parts) if parts.iter().any(|part| matches!(part, Part::Broken(_))))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Cuts the text at every `%`; nothing after a broken one matters.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        if !before.is_empty() {
            parts.push(Part::Text(before.into()));
        }
        let (part, left) = conversion(after);
        let broken = matches!(part, Part::Broken(_));
        parts.push(part);
        if broken {
            return parts;
        }
        rest = left;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.into()));
    }
    parts
}

/// Reads what follows a `%`. Brackets inside a key come in pairs.
fn conversion(after: &str) -> (Part, &str) {
    if let Some(rest) = after.strip_prefix('%') {
        return (Part::Text("%".into()), rest);
    }
    let Some(keyed) = after.strip_prefix('(') else {
        return (Part::Broken(None), "");
    };
    let mut open = 1_usize;
    let end = keyed.find(|c| {
        match c {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        open == 0
    });
    let Some((key, rest)) = end.map(|end| (&keyed[..end], &keyed[end + 1..])) else {
        return (Part::Broken(None), "");
    };
    match rest.strip_prefix('s') {
        Some(rest) => (Part::Key(key.into()), rest),
        None => (Part::Broken(Some(key.into())), ""),
    }
}
