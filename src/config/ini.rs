//! The two INI dialects that operators write: oslo.config's, and that of Python's `configparser` for paste files. Pure:
//! text in, entries out.

/// One `key = value` of a file. It is never printed as it is: there may be a password in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The section, as it is written.
    pub section: String,
    /// The key, as it is written.
    pub key: String,
    /// The value; its further lines follow after line feeds.
    pub value: String,
    /// The line of the key, from one on.
    pub line: usize,
}

/// A line that cannot be read. It is not repeated: there may be a password in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Fault {
    /// The line, from one on.
    pub line: usize,
    /// What is wrong with it.
    pub text: &'static str,
}

/// The entries of a file in oslo.config's dialect, in their order.
///
/// # Errors
/// Every line that cannot be read.
pub fn parse(text: &str) -> Result<Vec<Entry>, Vec<Fault>> {
    let mut reading = Reading::default();
    for (line, content) in numbered(text) {
        let content = content.trim_end_matches(is_space);
        if content.is_empty() {
            reading.end_value();
        } else if content.starts_with([' ', '\t']) {
            reading.go_on(line, content.trim_start_matches(is_space));
        } else if content.starts_with(['#', ';']) {
            reading.end_value();
        } else if let Some(rest) = content.strip_prefix('[') {
            reading.end_value();
            match rest.strip_suffix(']') {
                None => reading.fault(line, "a section has to end with ]"),
                Some("") => reading.fault(line, "a section has to have a name"),
                Some(name) => reading.section = Some(name.to_owned()),
            }
        } else {
            reading.begin(line, content, unquoted);
        }
    }
    reading.done()
}

/// The entries of a file in the dialect of `configparser`, in their order. Its `%(name)s` are left as they are.
///
/// # Errors
/// Every line that cannot be read.
pub fn parse_python(text: &str) -> Result<Vec<Entry>, Vec<Fault>> {
    let mut reading = Reading::default();
    let mut indent_of_key = 0;
    for (line, content) in numbered(text) {
        let stripped = content.trim_matches(is_space);
        if stripped.starts_with(['#', ';']) {
            continue;
        }
        if stripped.is_empty() {
            reading.go_on_empty();
            continue;
        }
        let indent = content.chars().take_while(|c| is_space(*c)).count();
        if reading.open.is_some() && indent > indent_of_key {
            reading.go_on(line, stripped);
            continue;
        }
        indent_of_key = indent;
        // Only what stands behind the last bracket is lost, as there.
        match stripped.strip_prefix('[').and_then(|rest| rest.rfind(']').map(|end| &rest[..end])) {
            Some(name) if !name.is_empty() => {
                reading.end_value();
                reading.section = Some(name.to_owned());
            }
            _ => reading.begin(line, stripped, str::to_owned),
        }
    }
    reading.done()
}

/// What Python counts as white space.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The lines of a text, whichever way they end, from one on.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'));
    lines.enumerate().map(|(at, line)| (at + 1, line))
}

/// A value without the quotes around it. One quote by itself is a pair of them, as in oslo.config.
fn unquoted(value: &str) -> String {
    let inner = |quote: char| {
        let rest = value.strip_prefix(quote)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_suffix(quote) }
    };
    inner('"').or_else(|| inner('\'')).unwrap_or(value).to_owned()
}

/// A file that is being read.
#[derive(Default)]
struct Reading {
    section: Option<String>,
    /// The entry whose value may go on.
    open: Option<Entry>,
    entries: Vec<Entry>,
    faults: Vec<Fault>,
}

impl Reading {
    fn begin(&mut self, line: usize, content: &str, form: fn(&str) -> String) {
        self.end_value();
        let Some(at) = content.find([':', '=']) else {
            return self.fault(line, "there is neither = nor : in it");
        };
        let key = content[..at].trim_matches(is_space);
        if key.is_empty() {
            return self.fault(line, "there is nothing before the =");
        }
        let Some(section) = self.section.clone() else {
            return self.fault(line, "no section has begun yet");
        };
        let value = form(content[at + 1..].trim_matches(is_space));
        self.open = Some(Entry { section, key: key.to_owned(), value, line });
    }

    /// A further line of a value.
    fn go_on(&mut self, line: usize, content: &str) {
        match &mut self.open {
            Some(entry) => {
                entry.value.push('\n');
                entry.value.push_str(content);
            }
            None => self.fault(line, "it is indented, and there is no value that it could go on with"),
        }
    }

    /// An empty line, which may stand within a value of several.
    fn go_on_empty(&mut self) {
        if let Some(entry) = &mut self.open {
            entry.value.push('\n');
        }
    }

    fn end_value(&mut self) {
        self.entries.extend(self.open.take());
    }

    fn fault(&mut self, line: usize, text: &'static str) {
        self.faults.push(Fault { line, text });
    }

    fn done(mut self) -> Result<Vec<Entry>, Vec<Fault>> {
        self.end_value();
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        for entry in &mut self.entries {
            let length = entry.value.trim_end_matches('\n').len();
            entry.value.truncate(length);
        }
        Ok(self.entries)
    }
}

#[cfg(test)]
mod tests;
