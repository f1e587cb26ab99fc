//! Rows of answers in one form for every engine.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::DbError;
use crate::clock::Timestamp;

/// A row of an answer, in one form for every engine.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    answer: Arc<Answer>,
    /// Its place among the cells of the answer.
    cells: Range<usize>,
}

/// The values of all rows of an answer in two pieces, for a list has thousands of them.
#[derive(Debug, Default)]
pub(super) struct Answer {
    text: String,
    cells: Vec<Cell>,
    /// Where each row ends among the cells.
    ends: Vec<usize>,
}

/// A value, or where in the text of the answer it is.
#[derive(Clone, Debug)]
enum Cell {
    Null,
    Int(i64),
    Text(Range<usize>),
    Time(NaiveDateTime),
}

impl Answer {
    /// Adds a value to the row that is being read.
    pub(super) fn push(&mut self, value: Value<'_>) {
        self.cells.push(match value {
            Value::Null => Cell::Null,
            Value::Int(int) => Cell::Int(int),
            Value::Text(text) => {
                let begin = self.text.len();
                self.text.push_str(text);
                Cell::Text(begin..self.text.len())
            }
            Value::Time(time) => Cell::Time(time),
        });
    }

    /// Ends the row that is being read.
    pub(super) fn end_row(&mut self) {
        self.ends.push(self.cells.len());
    }

    /// All rows that were read.
    pub(super) fn rows(mut self) -> Vec<Row> {
        let ends = std::mem::take(&mut self.ends);
        let answer = Arc::new(self);
        let mut begin = 0;
        let mut row = |end| {
            let cells = begin..end;
            begin = end;
            Row { answer: Arc::clone(&answer), cells }
        };
        ends.into_iter().map(&mut row).collect()
    }
}

/// A value in a row that is being read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    /// In UTC. SQLite has text instead.
    Time(NaiveDateTime),
}

/// The columns of a row, whoever holds it; counted from 0 in the order of the statement.
pub(crate) trait Columns {
    /// The value in column `at`, if there is one.
    fn value(&self, at: usize) -> Result<Value<'_>, DbError>;

    /// The value in column `at` in the form that the caller wants.
    fn get<T: Column>(&self, at: usize) -> Result<T, DbError> {
        let value = self.value(at)?;
        T::read(value).ok_or_else(|| unreadable(at, value))
    }

    /// The text in column `at`.
    fn text(&self, at: usize) -> Result<&str, DbError> {
        match self.value(at)? {
            Value::Text(text) => Ok(text),
            other => Err(unreadable(at, other)),
        }
    }
}

fn unreadable(at: usize, value: Value<'_>) -> DbError {
    let what = match value {
        Value::Null => "nothing",
        Value::Int(_) => "a number",
        Value::Text(_) => "a text of another form",
        Value::Time(_) => "a time",
    };
    DbError::Unreadable(format!("{what} in column {at}"))
}

impl Row {
    /// The value in column `at`.
    pub(crate) fn get<T: Column>(&self, at: usize) -> Result<T, DbError> {
        Columns::get(self, at)
    }
}

impl Columns for Row {
    fn value(&self, at: usize) -> Result<Value<'_>, DbError> {
        match self.answer.cells[self.cells.clone()].get(at) {
            Some(Cell::Null) => Ok(Value::Null),
            Some(Cell::Int(int)) => Ok(Value::Int(*int)),
            Some(Cell::Text(at)) => Ok(Value::Text(&self.answer.text[at.clone()])),
            Some(Cell::Time(time)) => Ok(Value::Time(*time)),
            None => Err(DbError::Unreadable(format!("no column {at}"))),
        }
    }
}

/// A value that a column can hold; none when it holds another.
pub(crate) trait Column: Sized {
    fn read(value: Value<'_>) -> Option<Self>;
}

impl Column for String {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.to_owned()),
            Value::Null | Value::Int(_) | Value::Time(_) => None,
        }
    }
}

impl Column for i64 {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Int(int) => Some(int),
            Value::Null | Value::Text(_) | Value::Time(_) => None,
        }
    }
}

impl Column for bool {
    fn read(value: Value<'_>) -> Option<Self> {
        i64::read(value).map(|int| int != 0)
    }
}

impl Column for Timestamp {
    fn read(value: Value<'_>) -> Option<Self> {
        let text = match value {
            Value::Text(text) => text,
            Value::Time(time) => return Some(time.and_utc()),
            Value::Null | Value::Int(_) => return None,
        };
        let text = text.strip_suffix('Z').unwrap_or(text);
        let naive = plain_time(text).or_else(|| {
            ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
                .into_iter()
                .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        })?;
        Some(DateTime::from_naive_utc_and_offset(naive, chrono::Utc))
    }
}

/// A time in the form in which nearly all are written, `2024-01-31 12:00:00.000000`. A list reads thousands.
fn plain_time(text: &str) -> Option<NaiveDateTime> {
    let bytes = text.as_bytes();
    let plain = bytes.len() == 26
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b' ',
            13 | 16 => *byte == b':',
            19 => *byte == b'.',
            _ => byte.is_ascii_digit(),
        });
    if !plain {
        return None;
    }
    let number = |from: usize, to: usize| bytes[from..to].iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)).ok()?, number(5, 7), number(8, 10))?;
    date.and_hms_micro_opt(number(11, 13), number(14, 16), number(17, 19), number(20, 26))
}

impl<T: Column> Column for Option<T> {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            held => T::read(held).map(Some),
        }
    }
}

#[cfg(test)]
mod tests;
