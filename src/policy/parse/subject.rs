//! The left side of a check: a constant in Python's notation (`'community'`, `True`, `None`, `3`), or the path to
//! something of the caller (`project_id`).
//!
//! The reference asks Python's own reader: what it reads as a constant is one, what it can read as any other expression
//! is taken for a path, and what it cannot read is an error that ends the request. This is that reader for everything
//! that stands in policies: names, numbers, text, and operators between them (`project-id` is an expression). Brackets,
//! commas, bytes, f-strings, complex numbers and operators that are words are not known here, and count as what cannot
//! be read.

/// What the left side of a check stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A constant, in the form in which Python prints it.
    Literal(Box<str>),
    /// The path to something of the caller, in words between dots; the text of the kind itself.
    Path,
    /// Neither: a check with it cannot be decided.
    Invalid,
}

/// More digits than this are no number in Python either.
const MAX_DIGITS: usize = 4300;

/// Words that are no names.
const KEYWORDS: [&str; 32] = [
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
    "return", "try", "while", "with", "yield",
];

/// Operators between two operands, longer ones first.
const OPERATORS: [&str; 19] =
    ["**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "@", "&", "|", "^", "<", ">"];

impl Subject {
    /// Reads the left side of a check.
    pub fn read(kind: &str) -> Self {
        let mut reader = Reader { rest: kind };
        match reader.expression() {
            Some(Operand::Text(value) | Operand::Number(value) | Operand::Constant(value)) if reader.at_end() => {
                Self::Literal(value.into())
            }
            Some(_) if reader.at_end() => Self::Path,
            _ => Self::Invalid,
        }
    }
}

/// One operand, or what a whole expression comes to.
enum Operand {
    Text(String),
    Number(String),
    Constant(String),
    /// A name, or anything put together with operators.
    Other,
}

/// Reads from the front; every step answers None where Python finds an error.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn expression(&mut self) -> Option<Operand> {
        let mut whole = self.signed()?;
        while self.take_operator() {
            self.signed()?;
            whole = Operand::Other;
        }
        Some(whole)
    }

    /// An operand and the signs before it. One sign before a number is part of the number.
    fn signed(&mut self) -> Option<Operand> {
        let mut signs = Vec::new();
        self.skip_blanks();
        while let Some(sign) = self.take_char(|c| matches!(c, '+' | '-' | '~')) {
            signs.push(sign);
            self.skip_blanks();
        }
        let operand = self.operand()?;
        Some(match (signs.as_slice(), operand) {
            ([], operand) => operand,
            (['+'], Operand::Number(number)) => Operand::Number(number),
            (['-'], Operand::Number(number)) if number == "0" => Operand::Number(number),
            (['-'], Operand::Number(number)) => Operand::Number(format!("-{number}")),
            _ => Operand::Other,
        })
    }

    /// A word, a number or text, and the attributes after it.
    fn operand(&mut self) -> Option<Operand> {
        let mut operand = match self.rest.chars().next()? {
            '\'' | '"' => self.texts(String::new())?,
            '.' if self.take("...") => Operand::Constant("Ellipsis".to_owned()),
            '.' | '0'..='9' => self.number()?,
            _ => self.word()?,
        };
        loop {
            self.skip_blanks();
            if !self.take(".") {
                return Some(operand);
            }
            self.skip_blanks();
            let name = self.take_name()?;
            if KEYWORDS.contains(&name) || matches!(name, "True" | "False" | "None") {
                return None;
            }
            operand = Operand::Other;
        }
    }

    fn word(&mut self) -> Option<Operand> {
        let name = self.take_name()?;
        if self.rest.starts_with(['\'', '"']) {
            return match name {
                "u" | "U" => self.texts(String::new()),
                "r" | "R" => {
                    let text = self.text(true)?;
                    self.texts(text)
                }
                _ => None,
            };
        }
        match name {
            "True" | "False" | "None" => Some(Operand::Constant(name.to_owned())),
            name if KEYWORDS.contains(&name) => None,
            _ => Some(Operand::Other),
        }
    }

    /// Texts side by side are one text.
    fn texts(&mut self, mut whole: String) -> Option<Operand> {
        loop {
            self.skip_blanks();
            let raw = match self.rest.as_bytes() {
                [b'\'' | b'"', ..] => false,
                [b'u' | b'U', b'\'' | b'"', ..] => {
                    self.rest = &self.rest[1..];
                    false
                }
                [b'r' | b'R', b'\'' | b'"', ..] => {
                    self.rest = &self.rest[1..];
                    true
                }
                _ => return Some(Operand::Text(whole)),
            };
            whole.push_str(&self.text(raw)?);
        }
    }

    /// One text, from its opening to its closing quote.
    fn text(&mut self, raw: bool) -> Option<String> {
        let quote = self.take_char(|c| matches!(c, '\'' | '"'))?;
        let triple = format!("{quote}{quote}");
        let long = self.take(&triple);
        let mut text = String::new();
        loop {
            match self.take_char(|_| true)? {
                c if c == quote && !long => return Some(text),
                c if c == quote && self.take(&triple) => return Some(text),
                '\\' if raw => text.extend(['\\', self.take_char(|_| true)?]),
                '\\' => self.escape(&mut text)?,
                '\n' | '\r' if !long => return None,
                c => text.push(c),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, text: &mut String) -> Option<()> {
        let c = self.take_char(|_| true)?;
        let meant = match c {
            '\n' => return Some(()),
            '\\' | '\'' | '"' => c,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0'..='7' => self.octal(c)?,
            'x' => self.hex(2)?,
            'u' => self.hex(4)?,
            'U' => self.hex(8)?,
            // By name: needs Unicode's list of names.
            'N' | '\r' => return None,
            c => {
                text.push('\\');
                c
            }
        };
        text.push(meant);
        Some(())
    }

    fn octal(&mut self, first: char) -> Option<char> {
        let mut value = first.to_digit(8)?;
        for _ in 0..2 {
            let Some(digit) = self.take_char(|c| c.is_digit(8)) else {
                break;
            };
            value = value * 8 + digit.to_digit(8)?;
        }
        char::from_u32(value)
    }

    fn hex(&mut self, digits: usize) -> Option<char> {
        let text = self.rest.get(..digits)?;
        if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.rest = &self.rest[digits..];
        char::from_u32(u32::from_str_radix(text, 16).ok()?)
    }

    /// A number, in the form in which Python prints it.
    fn number(&mut self) -> Option<Operand> {
        let radix = match self.rest.as_bytes() {
            [b'0', b'x' | b'X', ..] => 16,
            [b'0', b'o' | b'O', ..] => 8,
            [b'0', b'b' | b'B', ..] => 2,
            _ => 10,
        };
        let number = if radix == 10 {
            self.decimal()?
        } else {
            self.rest = &self.rest[2..];
            self.take("_");
            let digits = self.digits(radix)?;
            u128::from_str_radix(&digits, radix).ok()?.to_string()
        };
        // A letter right after it, as in `3rd` or `1.x`.
        if self.rest.starts_with(|c: char| c == '_' || c.is_alphanumeric()) {
            return None;
        }
        Some(Operand::Number(number))
    }

    fn decimal(&mut self) -> Option<String> {
        let starts_with_digit = self.rest.starts_with(|c: char| c.is_ascii_digit());
        let mut text = if starts_with_digit { self.digits(10)? } else { String::new() };
        let mut whole = true;
        if self.take(".") {
            whole = false;
            text.push('.');
            if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
                text.push_str(&self.digits(10)?);
            } else if !starts_with_digit {
                return None;
            }
        }
        if self.take_char(|c| matches!(c, 'e' | 'E')).is_some() {
            whole = false;
            text.push('e');
            text.extend(self.take_char(|c| matches!(c, '+' | '-')));
            text.push_str(&self.digits(10)?);
        }
        if !whole {
            return text.parse().ok().map(print_float);
        }
        let significant = text.trim_start_matches('0');
        match (significant.len(), text.len()) {
            (0, _) => Some("0".to_owned()),
            (significant, all) if significant == all && all <= MAX_DIGITS => Some(text),
            _ => None,
        }
    }

    /// Digits, with single underscores between them.
    fn digits(&mut self, radix: u32) -> Option<String> {
        let mut digits = String::new();
        loop {
            digits.push(self.take_char(|c| c.is_digit(radix))?);
            while let Some(digit) = self.take_char(|c| c.is_digit(radix)) {
                digits.push(digit);
            }
            if !self.take("_") {
                return Some(digits);
            }
        }
    }

    fn take_operator(&mut self) -> bool {
        self.skip_blanks();
        OPERATORS.iter().any(|operator| self.take(operator))
    }

    fn take_name(&mut self) -> Option<&'a str> {
        let is_start = |c: char| c == '_' || c.is_alphabetic();
        let rest = self.rest;
        if !rest.starts_with(is_start) {
            return None;
        }
        let end = rest.find(|c: char| !(c == '_' || c.is_alphanumeric())).unwrap_or(rest.len());
        self.rest = &rest[end..];
        Some(&rest[..end])
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take_char(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        let c = self.rest.chars().next().filter(|c| wanted(*c))?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\u{c}']);
    }

    /// Nothing is left but a comment on the same line.
    fn at_end(&self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t', '\u{c}']);
        rest.is_empty() || (rest.starts_with('#') && !rest.contains(['\n', '\r']))
    }
}

/// Prints a number as Python does: the fewest digits that say it, with an exponent below 1e-4 and from 1e16 on.
fn print_float(number: f64) -> String {
    if number.is_infinite() {
        return "inf".to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if exponent < -4 => format!("{digits}e-{:02}", -exponent),
        Ok(exponent) if exponent >= 16 => format!("{digits}e+{exponent:02}"),
        _ => format!("{number:?}"),
    }
}
