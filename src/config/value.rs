//! What a value of an option may look like, and reading one, as oslo.config does.

use std::net::IpAddr;

use super::ini::is_space;

/// The form of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, in capitals or not.
    ChoiceInAnyCase(&'static [&'static str]),
    /// Yes or no.
    Flag,
    /// A whole number between these two; nothing at all is no number.
    Number(i128, i128),
    /// A number with a fraction.
    Real,
    /// Texts between commas.
    List,
    /// Items between commas, with brackets around them all.
    Bracketed(Item),
    /// Ports between commas, with brackets around them all.
    Ports,
    /// `key:value` between commas.
    Map,
    /// Texts, each in a line of its own with the same key.
    Lines,
}

/// The form of an item in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// Text, with quotes around it or not.
    Text,
    /// One of these words, with quotes around it or not.
    Choice(&'static [&'static str]),
    /// An address or a name of a host.
    Host,
}

/// Any whole number that may stand for a count or a size.
pub const ANY: Kind = Kind::Number(i128::MIN, i128::MAX);

/// A value as it was read.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is the value of the kind of its name")]
pub enum Value {
    /// None: not given, and without a default.
    Unset,
    Text(String),
    Flag(bool),
    Number(i128),
    Real(f64),
    List(Vec<String>),
    Ports(Vec<u16>),
    Map(Vec<(String, String)>),
}

impl Value {
    /// How it looks in the middle of another value that refers to it: as Python prints it.
    pub fn spelled(&self) -> String {
        match self {
            Self::Unset => String::new(),
            Self::Text(text) => text.clone(),
            Self::Flag(true) => "True".into(),
            Self::Flag(false) => "False".into(),
            Self::Number(number) => number.to_string(),
            Self::Real(number) => format!("{number:?}"),
            Self::List(items) => format!("[{}]", joined(items.iter().map(|item| in_python(item)), ", ")),
            Self::Ports(ports) => format!("[{}]", joined(ports.iter().map(u16::to_string), ", ")),
            Self::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", in_python(key), in_python(value)));
                format!("{{{}}}", joined(pairs, ", "))
            }
        }
    }

    /// How it would be written in a file for an option of `kind`; several lines for `Lines`, and none when it is unset.
    pub fn written(&self, kind: Kind) -> Vec<String> {
        let one = match (self, kind) {
            (Self::Unset, _) => return Vec::new(),
            (Self::List(items), Kind::Lines) => return items.iter().map(|item| item.replace('$', "$$")).collect(),
            (Self::Flag(is), _) => is.to_string(),
            (Self::List(items), Kind::Bracketed(_)) => format!("[{}]", items.join(",")),
            (Self::List(items), _) => items.join(","),
            (Self::Ports(ports), _) => format!("[{}]", joined(ports.iter().map(u16::to_string), ",")),
            (Self::Map(pairs), _) => joined(pairs.iter().map(|(key, value)| format!("{key}:{value}")), ","),
            (other, _) => other.spelled().replace('\n', "\n  "),
        };
        vec![one.replace('$', "$$")]
    }
}

fn joined(texts: impl Iterator<Item = String>, between: &str) -> String {
    texts.collect::<Vec<_>>().join(between)
}

/// A text as Python writes it.
fn in_python(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let written: String = text
        .chars()
        .map(|c| match c {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            c if c == '\\' || c == quote => format!("\\{c}"),
            c if c.is_control() => format!("\\x{:02x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("{quote}{written}{quote}")
}

/// Reads a value of `kind`. Of `Lines` this is one line.
///
/// # Errors
/// What is wrong with it, without the value.
pub fn read(kind: Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Text | Kind::Lines => Ok(Value::Text(text.to_owned())),
        Kind::Choice(words) => one_of(words, text, |word| word == text).map(Value::Text),
        Kind::ChoiceInAnyCase(words) => {
            one_of(words, text, |word| word.to_lowercase() == text.to_lowercase()).map(Value::Text)
        }
        Kind::Flag => flag(text).map(Value::Flag),
        Kind::Number(least, most) => Ok(number(text, least, most)?.map_or(Value::Unset, Value::Number)),
        Kind::Real => match text.trim_matches(is_space) {
            "" => Ok(Value::Unset),
            text => {
                let number = without_underscores(text).and_then(|text| text.parse().ok());
                number.map(Value::Real).ok_or_else(|| "it has to be a number".into())
            }
        },
        Kind::List => list(text, |item| Ok(item.to_owned())).map(Value::List),
        Kind::Bracketed(item) => items(in_brackets(text)?, |text| item.read(text)).map(Value::List),
        // A port that is not there is none.
        Kind::Ports => {
            let ports = items(in_brackets(text)?, |text| number(text, 1, 65535))?;
            Ok(Value::Ports(ports.into_iter().flatten().filter_map(|port| port.try_into().ok()).collect()))
        }
        Kind::Map => map(text).map(Value::Map),
    }
}

impl Item {
    fn read(self, text: &str) -> Result<String, String> {
        match self {
            Self::Text => without_quotes(text),
            Self::Choice(words) => {
                let text = without_quotes(text)?;
                one_of(words, &text, |word| word == text)
            }
            Self::Host if text.parse::<IpAddr>().is_ok() => Ok(text.to_owned()),
            Self::Host if is_host_name(text) => Ok(text.strip_suffix('.').unwrap_or(text).to_owned()),
            Self::Host => Err("there is something that is neither an address nor a host name".into()),
        }
    }
}

fn one_of(words: &[&str], text: &str, is: impl Fn(&str) -> bool) -> Result<String, String> {
    if words.iter().any(|word| is(word)) {
        Ok(text.to_owned())
    } else {
        Err(format!("it has to be one of: {}", words.join(", ")))
    }
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(true),
        "false" | "0" | "off" | "no" => Ok(false),
        _ => Err("it has to be true or false".into()),
    }
}

/// A whole number as Python writes it: with a sign, and with single underscores between digits, if one likes.
fn number(text: &str, least: i128, most: i128) -> Result<Option<i128>, String> {
    let text = text.trim_matches(is_space);
    if text.is_empty() {
        return Ok(None);
    }
    let plain = without_underscores(text);
    let number: Option<i128> = plain.and_then(|text| text.parse().ok());
    match number {
        None => Err("it has to be a whole number".into()),
        Some(number) if number < least => Err(format!("it has to be at least {least}")),
        Some(number) if number > most => Err(format!("it has to be at most {most}")),
        Some(number) => Ok(Some(number)),
    }
}

/// A number without underscores, if they all stand between digits.
fn without_underscores(text: &str) -> Option<String> {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let mut places = text.match_indices('_').map(|(at, _)| at);
    places.all(|at| at > 0 && is_digit(bytes.get(at - 1)) && is_digit(bytes.get(at + 1))).then(|| text.replace('_', ""))
}

fn in_brackets(text: &str) -> Result<&str, String> {
    let inner = stripped_of_commas(text).strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inner.ok_or_else(|| "it has to begin with [ and to end with ]".into())
}

fn stripped_of_commas(text: &str) -> &str {
    text.trim_matches(is_space).trim_end_matches(',')
}

fn list(text: &str, read: impl Fn(&str) -> Result<String, String>) -> Result<Vec<String>, String> {
    items(stripped_of_commas(text), read)
}

/// Items between commas. One that cannot be read may have a comma within it: it is read again with what follows.
fn items<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let mut items = Vec::new();
    if text.is_empty() {
        return Ok(items);
    }
    let mut parts = text.split(',');
    while let Some(part) = parts.next() {
        let mut joined = part.to_owned();
        let item = loop {
            match read(joined.trim_matches(is_space)) {
                Ok(item) => break item,
                Err(why) => joined = joined + "," + parts.next().ok_or(why)?,
            }
        };
        items.push(item);
    }
    Ok(items)
}

/// Pairs between commas. A part without a colon goes on with what follows, as in oslo.config.
fn map(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let text = text.trim_matches(is_space);
    if text.is_empty() {
        return Ok(pairs);
    }
    let mut parts = text.split(',');
    while let Some(part) = parts.next() {
        let mut joined = part.to_owned();
        while !joined.contains(':') {
            joined = joined + "," + parts.next().ok_or("it has to be made of name:value, with commas between them")?;
        }
        let (key, value) = joined.split_once(':').unwrap_or((&joined, ""));
        let (key, value) = (key.trim_matches(is_space), value.trim_matches(is_space));
        if key.is_empty() {
            return Err("a name before a : is empty".into());
        }
        if pairs.iter().any(|(known, _)| known == key) {
            return Err(format!("{key} is there twice"));
        }
        pairs.push((key.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

fn without_quotes(text: &str) -> Result<String, String> {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            let inner = rest.strip_suffix(quote).ok_or("there is a quote without its second")?;
            return Ok(inner.to_owned());
        }
    }
    Ok(text.to_owned())
}

/// Whether this is a name that DNS allows and that cannot be taken for a mistyped address.
fn is_host_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or(name);
    text.len() <= 253 && name.split('.').all(is_label) && last.bytes().any(|byte| !byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
