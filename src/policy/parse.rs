//! The check-string language of oslo.policy: from `role:admin or project_id:%(owner)s` to a small tree.
//!
//! Reading never fails on text. What nobody understands becomes a check that is never true, as in oslo.policy, and
//! [`Check::Unreadable`] keeps the text so that an operator can be told.

use std::fmt;

use serde_json::Value;

pub mod pattern;
pub mod subject;

use pattern::Pattern;
use subject::Subject;

/// How many words and brackets of one rule may wait for their partner at once. It bounds the height of the tree, and
/// with it every recursion over a tree; a rule beyond it is unreadable. (oslo.policy ends in a recursion error.)
pub const MAX_OPEN: usize = 200;

/// One node of a parsed rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// `@` or nothing at all: everybody.
    True,
    /// `!`: nobody.
    False,
    /// Text that is no check: nobody, and an operator should hear of it.
    Unreadable(Box<str>),
    /// `not …`
    Not(Box<Self>),
    /// `… and …`
    And(Vec<Self>),
    /// `… or …`
    Or(Vec<Self>),
    /// `rule:name`: whatever the named rule says.
    Rule(Box<str>),
    /// `role:name`: the caller has the role, whatever its case.
    Role(Pattern),
    /// `kind:match`: something of the caller, or a constant, equals something of the target.
    Generic(Generic),
    /// `http://…` or `https://…`: another service says. The pattern is that of the whole address.
    Remote(Pattern),
}

/// A comparison `kind:match`.
#[derive(Clone, Debug, PartialEq)]
pub struct Generic {
    /// The left side as written.
    pub kind: Box<str>,
    /// What the left side stands for.
    pub subject: Subject,
    /// What it must be equal to.
    pub wanted: Pattern,
}

/// A rule that is neither text nor a list of lists.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a rule is text or a list of lists of text, not {0}")]
pub struct NotARule(&'static str);

/// Reads a rule as a policy file gives it: text, or the old list of lists (`or` outside, `and` inside).
pub fn parse_value(value: &Value) -> Result<Check, NotARule> {
    match value {
        Value::String(text) => Ok(parse(text)),
        // compat: a rule without a value (`add_image:` in YAML) is an empty rule, and that allows everybody.
        value if is_empty(value) => Ok(Check::True),
        value => parse_lists(value),
    }
}

/// Reads a rule written in the check-string language.
pub fn parse(text: &str) -> Check {
    if text.is_empty() {
        return Check::True;
    }
    let mut stack = Vec::new();
    for word in text.split(is_python_space).filter(|word| !word.is_empty()) {
        if shift_word(&mut stack, word).is_none() {
            return Check::Unreadable(text.into());
        }
    }
    match (stack.pop(), stack.is_empty()) {
        (Some(Token::Check(check)), true) => check,
        (Some(Token::And(checks)), true) => Check::And(checks),
        (Some(Token::Or(checks)), true) => Check::Or(checks),
        _ => Check::Unreadable(text.into()),
    }
}

/// What the parser holds while it waits for more.
enum Token {
    Check(Check),
    And(Vec<Check>),
    Or(Vec<Check>),
    WordAnd,
    WordOr,
    WordNot,
    Open,
    Close,
}

/// Puts one word of the text on the stack: its brackets and what is between them. None means that the rule can no
/// longer become readable.
fn shift_word(stack: &mut Vec<Token>, word: &str) -> Option<()> {
    let rest = word.trim_start_matches('(');
    for _ in 0..word.len() - rest.len() {
        shift(stack, Token::Open)?;
    }
    let clean = rest.trim_end_matches(')');
    if !clean.is_empty() {
        shift(stack, token(rest, clean)?)?;
    }
    for _ in 0..rest.len() - clean.len() {
        shift(stack, Token::Close)?;
    }
    Some(())
}

/// The token for a word without brackets around it. A word in quotes has a place in the language but no meaning: a rule
/// with one in it is unreadable. compat: the reference looks for the quotes before it takes the closing brackets off, so
/// `('a':'b')` is a check and `'a':'b'` is not.
fn token(rest: &str, clean: &str) -> Option<Token> {
    let quoted = |quote| rest.len() >= 2 && rest.starts_with(quote) && rest.ends_with(quote);
    if clean.eq_ignore_ascii_case("and") {
        Some(Token::WordAnd)
    } else if clean.eq_ignore_ascii_case("or") {
        Some(Token::WordOr)
    } else if clean.eq_ignore_ascii_case("not") {
        Some(Token::WordNot)
    } else if quoted('\'') || quoted('"') {
        None
    } else {
        Some(Token::Check(parse_check(clean)))
    }
}

fn shift(stack: &mut Vec<Token>, token: Token) -> Option<()> {
    stack.push(token);
    while reduce_three(stack) || reduce_not(stack) {}
    (stack.len() <= MAX_OPEN).then_some(())
}

/// Joins the three topmost tokens if they make one.
fn reduce_three(stack: &mut Vec<Token>) -> bool {
    if stack.len() < 3 {
        return false;
    }
    let (Some(c), Some(b), Some(a)) = (stack.pop(), stack.pop(), stack.pop()) else {
        return false;
    };
    let joined = match (a, b, c) {
        (Token::Open, Token::Check(check), Token::Close) => Token::Check(check),
        (Token::Open, Token::And(checks), Token::Close) => Token::Check(Check::And(checks)),
        (Token::Open, Token::Or(checks), Token::Close) => Token::Check(Check::Or(checks)),
        (Token::Check(first), Token::WordAnd, Token::Check(second)) => Token::And(vec![first, second]),
        (Token::And(checks), Token::WordAnd, Token::Check(check)) => Token::And(with(checks, check)),
        (Token::Or(checks), Token::WordAnd, Token::Check(check)) => Token::Or(and_to_last(checks, check)),
        (Token::Check(first), Token::WordOr, Token::Check(second)) => Token::Or(vec![first, second]),
        (Token::And(checks), Token::WordOr, Token::Check(check)) => Token::Or(vec![Check::And(checks), check]),
        (Token::Or(checks), Token::WordOr, Token::Check(check)) => Token::Or(with(checks, check)),
        (a, b, c) => {
            stack.extend([a, b, c]);
            return false;
        }
    };
    stack.push(joined);
    true
}

/// Turns `not` and the check after it into one check.
fn reduce_not(stack: &mut Vec<Token>) -> bool {
    if !matches!(stack.as_slice(), [.., Token::WordNot, Token::Check(_)]) {
        return false;
    }
    if let (Some(Token::Check(check)), Some(_not)) = (stack.pop(), stack.pop()) {
        stack.push(Token::Check(Check::Not(Box::new(check))));
    }
    true
}

fn with(mut checks: Vec<Check>, check: Check) -> Vec<Check> {
    checks.push(check);
    checks
}

/// In `a or b and c` the `and` comes too late to be seen first: it takes the last part of the `or` for itself.
fn and_to_last(mut checks: Vec<Check>, check: Check) -> Vec<Check> {
    let last = match checks.pop() {
        Some(Check::And(inner)) => Check::And(with(inner, check)),
        Some(last) => Check::And(vec![last, check]),
        None => check,
    };
    with(checks, last)
}

/// Reads one `kind:match`.
fn parse_check(text: &str) -> Check {
    match text {
        "!" => return Check::False,
        "@" => return Check::True,
        _ => {}
    }
    let Some((kind, wanted)) = text.split_once(':') else {
        return Check::Unreadable(text.into());
    };
    match kind {
        "rule" => Check::Rule(wanted.into()),
        "role" => Check::Role(Pattern::new(wanted)),
        "http" | "https" => Check::Remote(Pattern::new(text)),
        kind => {
            Check::Generic(Generic { kind: kind.into(), subject: Subject::read(kind), wanted: Pattern::new(wanted) })
        }
    }
}

/// The old form: one list of lists, `or` outside and `and` inside. Empty inner lists do not count.
fn parse_lists(value: &Value) -> Result<Check, NotARule> {
    let mut checks = Vec::new();
    for inner in items(value)? {
        if is_empty(&inner) {
            continue;
        }
        let mut all: Vec<Check> = match &inner {
            Value::String(text) => vec![parse_check(text)],
            inner => items(inner)?.iter().map(parse_item).collect(),
        };
        checks.push(match (all.pop(), all.is_empty()) {
            (Some(only), true) => only,
            (last, _) => Check::And(all.into_iter().chain(last).collect()),
        });
    }
    Ok(match (checks.pop(), checks.is_empty()) {
        (None, _) => Check::False,
        (Some(only), true) => only,
        (Some(last), false) => Check::Or(with(checks, last)),
    })
}

fn parse_item(item: &Value) -> Check {
    match item {
        Value::String(text) => parse_check(text),
        other => Check::Unreadable(other.to_string().into()),
    }
}

/// What Python would walk over: the items of a list, the keys of a mapping.
fn items(value: &Value) -> Result<Vec<Value>, NotARule> {
    match value {
        Value::Array(items) => Ok(items.clone()),
        Value::Object(map) => Ok(map.keys().cloned().map(Value::String).collect()),
        Value::Null => Err(NotARule("null")),
        Value::Bool(_) => Err(NotARule("a boolean")),
        Value::Number(_) => Err(NotARule("a number")),
        Value::String(_) => Err(NotARule("text")),
    }
}

/// Whether Python takes it for false.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// White space as Python's `\s` has it: Unicode's, and four old separators of ASCII.
fn is_python_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The canonical text of the reference's tools: `@` and `!`, brackets around every `and` and `or`.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::True => f.write_str("@"),
            Self::False | Self::Unreadable(_) => f.write_str("!"),
            Self::Not(check) => write!(f, "not {check}"),
            Self::And(checks) => join(f, checks, " and "),
            Self::Or(checks) => join(f, checks, " or "),
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::Role(name) => write!(f, "role:{name}"),
            Self::Generic(generic) => write!(f, "{}:{}", generic.kind, generic.wanted),
            Self::Remote(address) => write!(f, "{address}"),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, checks: &[Check], word: &str) -> fmt::Result {
    f.write_str("(")?;
    for (at, check) in checks.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        write!(f, "{check}")?;
    }
    f.write_str(")")
}

#[cfg(test)]
mod tests;
