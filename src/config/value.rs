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
    /// A port.
    Port,
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
    Map(Vec<(String, String)>),
}

impl Value {
    /// How it looks in the middle of another value that refers to it: as Python prints it.
    pub fn spelled(&self) -> String {
        let quoted = |text: &String| format!("'{text}'");
        match self {
            Self::Unset => String::new(),
            Self::Text(text) => text.clone(),
            Self::Flag(true) => "True".into(),
            Self::Flag(false) => "False".into(),
            Self::Number(number) => number.to_string(),
            Self::Real(number) => format!("{number:?}"),
            Self::List(items) => format!("[{}]", items.iter().map(quoted).collect::<Vec<_>>().join(", ")),
            Self::Map(pairs) => {
                let pairs: Vec<String> =
                    pairs.iter().map(|(key, value)| format!("{}: {}", quoted(key), quoted(value))).collect();
                format!("{{{}}}", pairs.join(", "))
            }
        }
    }
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
            text => text.parse().map(Value::Real).map_err(|_| "it has to be a number".into()),
        },
        Kind::List => list(text, |item| Ok(item.to_owned())).map(Value::List),
        Kind::Bracketed(item) => {
            let inner = stripped_of_commas(text).strip_prefix('[').and_then(|text| text.strip_suffix(']'));
            let inner = inner.ok_or("it has to begin with [ and to end with ]")?;
            items(inner, |text| item.read(text)).map(Value::List)
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
            Self::Port => match number(text, 1, 65535)? {
                Some(port) => Ok(port.to_string()),
                None => Err("a port is empty".into()),
            },
            Self::Host if is_host(text) => Ok(text.to_owned()),
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
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let number: Option<i128> = if plain { text.replace('_', "").parse().ok() } else { None };
    match number {
        None => Err("it has to be a whole number".into()),
        Some(number) if number < least => Err(format!("it has to be at least {least}")),
        Some(number) if number > most => Err(format!("it has to be at most {most}")),
        Some(number) => Ok(Some(number)),
    }
}

fn stripped_of_commas(text: &str) -> &str {
    text.trim_matches(is_space).trim_end_matches(',')
}

fn list(text: &str, read: impl Fn(&str) -> Result<String, String>) -> Result<Vec<String>, String> {
    items(stripped_of_commas(text), read)
}

/// Items between commas. One that cannot be read may have a comma within it: it is read again with what follows.
fn items(text: &str, read: impl Fn(&str) -> Result<String, String>) -> Result<Vec<String>, String> {
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

/// Whether this is an address, or a name that DNS allows and that cannot be taken for a mistyped address.
fn is_host(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() {
        return true;
    }
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
