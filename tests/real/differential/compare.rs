//! Two answers to one request: what of them must be equal, written as text in which ids and times have names.

use std::path::Path;

use serde_json::Value;

use super::wire::Answer;

/// Headers that belong to the connection or the program, and that no client acts on.
const NOT_COMPARED: [&str; 6] = ["connection", "date", "keep-alive", "server", "transfer-encoding", "content-length"];

const UUID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
const TIMES: [&str; 2] = ["dddd-dd-ddTdd:dd:ddZ", "dddd-dd-ddTdd:dd:dd.dddddd"];

/// What one server calls things that the other calls differently.
pub struct Names<'a> {
    /// Ids that the table keeps, with their names.
    pub kept: &'a [(String, String)],
    /// Where the server keeps everything.
    pub folder: &'a Path,
    /// Ids that stand here are the table's own.
    pub own: &'a str,
    /// Lists of which the order is not compared.
    pub sets: &'a [&'static str],
}

/// What of an answer must be equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparable {
    /// Status and headers, sorted, a line each.
    pub head: String,
    pub body: String,
}

impl Comparable {
    /// The same with other lines in its head.
    pub fn with_head(&self, change: impl Fn(&str) -> Option<String>) -> Self {
        let lines: Vec<String> = self.head.lines().filter_map(change).map(|line| line + "\n").collect();
        Self { head: lines.concat(), body: self.body.clone() }
    }
}

/// What of `answer` must be equal, with `names` in it.
pub fn comparable(answer: &Answer, names: &Names) -> Comparable {
    let mut lines = Vec::new();
    for (name, value) in answer.headers.iter().filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str())) {
        lines.push(format!("{name}: {}\n", names.put_into(value)));
    }
    let length = answer.headers.iter().find(|(name, _)| name == "content-length");
    let is_json = answer.headers.iter().any(|(name, value)| name == "content-type" && value == "application/json");
    let body = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(value) => {
            lines.extend(length.map(|_| "content-length\n".to_owned()));
            format!("{:#}", names.put_into_json(None, value))
        }
        Err(_) if is_json => {
            // Of a document that is only asked for with HEAD, the length depends on blanks.
            lines.extend(length.map(|_| "content-length\n".to_owned()));
            String::new()
        }
        Err(_) => {
            let text: String = answer.body.escape_ascii().to_string().replace("\\n", "\n");
            // The length of a text with an id in it is the same for every id; that of a text with a name is not.
            lines.extend(length.map(|(_, length)| format!("content-length: {length}\n")));
            names.put_into(&text)
        }
    };
    lines.sort();
    Comparable { head: format!("{}\n{}", answer.status, lines.concat()), body }
}

impl Names<'_> {
    fn put_into(&self, text: &str) -> String {
        let mut text = text.replace(self.folder.to_str().unwrap(), "<folder>");
        for (id, name) in self.kept {
            text = text.replace(id.as_str(), &format!("${name}"));
        }
        text = replaced(&text, UUID, "<uuid>", |id| self.own.contains(id));
        for time in TIMES {
            text = replaced(&text, time, "<time>", |_| false);
        }
        text
    }

    /// JSON in one form: members sorted by name, as are lists that are sets.
    fn put_into_json(&self, name: Option<&str>, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.put_into(&text)),
            Value::Array(entries) => {
                let mut entries: Vec<Value> =
                    entries.into_iter().map(|entry| self.put_into_json(None, entry)).collect();
                if name.is_some_and(|name| self.sets.contains(&name)) {
                    entries.sort_by_key(ToString::to_string);
                }
                Value::Array(entries)
            }
            Value::Object(members) => {
                let mut members: Vec<(String, Value)> = members
                    .into_iter()
                    .map(|(name, value)| {
                        let value = self.put_into_json(Some(&name), value);
                        (self.put_into(&name), value)
                    })
                    .collect();
                members.sort_by(|a, b| a.0.cmp(&b.0));
                Value::Object(members.into_iter().collect())
            }
            other => other,
        }
    }
}

/// `text` with every piece of form `form` replaced by `name`, but for those to `keep`.
fn replaced(text: &str, form: &str, name: &str, keep: impl Fn(&str) -> bool) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let piece = rest.get(..form.len()).filter(|piece| fits(piece, form));
        let length = piece.map_or(first.len_utf8(), str::len);
        match piece {
            Some(piece) if !keep(piece) => result += name,
            _ => result += &rest[..length],
        }
        rest = &rest[length..];
    }
    result
}

/// Whether `text` is of `form`: x stands for a hexadecimal digit, d for a decimal one.
fn fits(text: &str, form: &str) -> bool {
    text.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
        b'x' => byte.is_ascii_hexdigit(),
        b'd' => byte.is_ascii_digit(),
        literal => byte == literal,
    })
}
