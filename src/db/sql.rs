//! Statements in one form for every engine.

use crate::clock::Timestamp;

/// A statement: its text with a `?` for each value, and the values. The text is ours, never a client's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    text: String,
    args: Vec<Arg>,
    anew: bool,
}

/// A value bound to a statement.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Null,
    Text(String),
    Int(i64),
    Bool(bool),
    Time(Timestamp),
}

/// `sql!("UPDATE images SET status = ? WHERE id = ?", status, id)`: a statement with its values.
macro_rules! sql {
    ($text:expr $(, $arg:expr)* $(,)?) => {
        $crate::db::Sql::new($text)$(.bind($arg))*
    };
}
pub(crate) use sql;

impl Sql {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), args: Vec::new(), anew: false }
    }

    pub(crate) fn bind(mut self, arg: impl Into<Arg>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// The same, planned anew each time where a server plans worse what it has prepared.
    pub(crate) fn anew(mut self) -> Self {
        self.anew = true;
        self
    }

    pub(super) fn is_anew(&self) -> bool {
        self.anew
    }

    /// Adds `more` at the end.
    pub(crate) fn push(&mut self, more: impl Into<Self>) -> &mut Self {
        let more = more.into();
        self.text.push_str(&more.text);
        self.args.extend(more.args);
        self
    }

    /// Adds all of `parts` at the end, with `separator` between them.
    pub(crate) fn push_joined(&mut self, separator: &str, parts: impl IntoIterator<Item = Self>) -> &mut Self {
        for (at, part) in parts.into_iter().enumerate() {
            if at > 0 {
                self.text.push_str(separator);
            }
            self.push(part);
        }
        self
    }

    /// Adds `(?, ?, …)` with `values`.
    pub(crate) fn push_list(&mut self, values: impl IntoIterator<Item = impl Into<Arg>>) -> &mut Self {
        self.text.push('(');
        for (at, value) in values.into_iter().enumerate() {
            self.text.push_str(if at > 0 { ", ?" } else { "?" });
            self.args.push(value.into());
        }
        self.text.push(')');
        self
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The values.
    pub(super) fn args(&self) -> &[Arg] {
        &self.args
    }
}

/// `column` is one of `values`. There are not many forms of this, however many values there are, for every form of a
/// statement is prepared anew: the last value fills the list up.
pub(super) fn any_of<V: Into<Arg> + Clone>(column: &str, values: impl IntoIterator<Item = V>) -> Sql {
    let mut values: Vec<V> = values.into_iter().collect();
    match values.as_slice() {
        // An empty list is none in the servers' SQL.
        [] => return sql!("1 = 0"),
        [one] => return sql!(format!("{column} = ?"), one.clone()),
        _ => {}
    }
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    let mut any = Sql::new(format!("{column} IN "));
    any.push_list(values);
    any
}

impl Arg {
    /// The text that this is, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Sql {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Arg {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<bool> for Arg {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<Timestamp> for Arg {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl<T: Into<Arg>> From<Option<T>> for Arg {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests;
