//! Tables of requests: text that a person can read from top to bottom, made into requests.
//!
//! ```text
//! site plain                               which configuration both servers run with
//! only sqlite reason                       with other databases nothing of it is sent, for this reason
//! awaits row                               nothing of it is sent while docs/compat.md says that this is not there yet
//! # A comment.
//! $a = member POST /v2/images {"name": "a"}     who, method, path, body; the id of the answer is $a from here on
//!     > X-Header: value                    a header more, or instead of the usual one
//!     < Accept                             without this header
//!     | text                               a body of several lines
//!     ~ row                                the answers differ, as this row of docs/compat.md says
//!     ~text row                            only the texts differ
//!     ~links row                           only the links of a list differ
//!     ~order row                           only the order of a list differs
//!     ~text@mariadb row                    the same with this database only; there may be several with different ones
//! each member GET /v2/images?{}            one request for each indented line that is nothing of the above; its text
//!     limit=1                              takes the place of {} in the path or is, where there is none, the body
//!     limit=x ~text row                    `~` may stand behind it, too
//! member UNTIL:active /v2/images/$a            GET again and again, until this is its status
//! ```
//!
//! `<x*300>` is x 300 times, `\xff` a byte, `<\xff*9>` nine of them, `$a` in path, header or body what was kept, `$web` a
//! web server; at the site `unified`, `$few`, `$idle` and `$free` projects with limits of their own.

use std::fs;
use std::path::Path;

use crate::database::Engine;

/// One file of requests.
pub struct Table {
    pub name: String,
    /// The configuration that both servers run with.
    pub site: String,
    /// With which databases it is sent, and why not with others.
    pub only: Option<(Vec<Engine>, String)>,
    /// The row of `docs/compat.md` that says that what it is about is not there yet.
    pub awaited: Option<String>,
    pub cases: Vec<Case>,
    /// The whole file.
    pub text: String,
}

/// One request, and what is known of its answers.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Where it stands.
    pub line: usize,
    pub request: Request,
    /// The name by which the id in the answer is known from here on.
    pub keep: Option<String>,
    /// One for each engine at most.
    pub accepted: Vec<(Vec<Engine>, Accepted)>,
}

/// What is sent. Names of kept ids may stand in path, headers and body.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub who: String,
    pub method: String,
    pub path: String,
    /// Headers, with those that others put there taken out again where there is no value.
    pub headers: Vec<(String, Option<String>)>,
    pub body: Option<Vec<u8>>,
}

/// A difference that `docs/compat.md` explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The first cell of its row there, without markup.
    pub row: String,
    pub scope: Scope,
}

/// The names of engines in tables.
const ENGINES: [(&str, Engine); 3] =
    [("sqlite", Engine::Sqlite), ("mariadb", Engine::MySql), ("postgresql", Engine::PostgreSql)];

/// How far a difference goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing need be equal.
    Everything,
    /// Status and headers are equal all the same.
    Text,
    /// All but the links of a list is equal all the same.
    Links,
    /// The same stands in another order.
    Order,
}

/// All tables in `folder`, by name.
pub fn read_all(folder: &Path) -> Vec<Table> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

/// The table in the file at `path`.
pub fn read(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let (mut site, mut only, mut awaited) = (None, None, None);
    let mut cases = Vec::new();
    let mut block: Option<Block> = None;
    for (at, line) in text.lines().enumerate() {
        let place = format!("{name}:{}", at + 1);
        if line.is_empty() || line.starts_with('#') {
        } else if let Some(line) = line.strip_prefix("    ") {
            block.as_mut().unwrap_or_else(|| panic!("{place}: nothing to belong to")).add(at + 1, line);
        } else {
            cases.extend(block.take().into_iter().flat_map(Block::cases));
            match line.split_once(' ') {
                Some(("site", named)) => site = Some(named.to_owned()),
                Some(("only", text)) => {
                    let (engines, reason) = text.split_once(' ').unwrap_or_else(|| panic!("{place}: no reason"));
                    only = Some((engines_in(engines), reason.to_owned()));
                }
                Some(("awaits", row)) => awaited = Some(row.to_owned()),
                _ => block = Some(Block::start(at + 1, line).unwrap_or_else(|| panic!("{place}: no request"))),
            }
        }
    }
    cases.extend(block.into_iter().flat_map(Block::cases));
    Table { site: site.unwrap_or_else(|| panic!("{name}: for which site?")), name, only, awaited, cases, text }
}

/// A request line and what is indented below it.
struct Block {
    case: Case,
    /// Its instances, when it is one for each.
    each: Option<Vec<(usize, String)>>,
}

impl Case {
    /// The difference that is there on `engine`.
    pub fn accepted_on(&self, engine: Engine) -> Option<&Accepted> {
        let mut here = self.accepted.iter().filter(|(engines, _)| engines.contains(&engine));
        let first = here.next().map(|(_, accepted)| accepted);
        assert!(here.next().is_none(), "line {}: two rows for {engine:?}", self.line);
        first
    }
}

impl Block {
    fn start(at: usize, line: &str) -> Option<Self> {
        let (each, line) = match line.strip_prefix("each ") {
            Some(line) => (Some(Vec::new()), line),
            None => (None, line),
        };
        let (keep, line) = match line.strip_prefix('$') {
            Some(line) => line.split_once(" = ").map(|(name, line)| (Some(name.to_owned()), line))?,
            None => (None, line),
        };
        let (line, accepted) = split_accepted(line);
        let mut words = line.splitn(4, ' ');
        let (who, method, path) = (words.next()?, words.next()?, words.next()?);
        let request = Request {
            who: who.to_owned(),
            method: method.to_owned(),
            path: String::from_utf8(expanded(path)).ok()?,
            headers: Vec::new(),
            body: words.next().map(expanded),
        };
        Some(Self { case: Case { line: at, request, keep, accepted }, each })
    }

    fn add(&mut self, at: usize, line: &str) {
        let request = &mut self.case.request;
        if let Some(header) = line.strip_prefix("> ") {
            let (name, value) = header.split_once(':').expect("a header has a colon");
            let value = String::from_utf8(expanded(value.trim_start())).unwrap();
            request.headers.push((name.to_owned(), Some(value)));
        } else if let Some(name) = line.strip_prefix("< ") {
            request.headers.push((name.to_owned(), None));
        } else if let Some(text) = line.strip_prefix("| ") {
            let body = request.body.get_or_insert_default();
            if !body.is_empty() {
                body.push(b'\n');
            }
            body.extend(expanded(text));
        } else if line.starts_with('~') {
            self.case.accepted.extend(split_accepted(&format!(" {line}")).1);
        } else {
            let each = self.each.as_mut().unwrap_or_else(|| panic!("line {at}: not understood: {line}"));
            each.push((at, line.to_owned()));
        }
    }

    fn cases(self) -> Vec<Case> {
        let Some(each) = self.each else { return vec![self.case] };
        let case = |(line, text): (usize, String)| {
            let mut case = Case { line, ..self.case.clone() };
            let (text, accepted) = split_accepted(&text);
            if !accepted.is_empty() {
                case.accepted = accepted;
            }
            if case.request.path.contains("{}") {
                let text = String::from_utf8(expanded(text)).unwrap();
                case.request.path = case.request.path.replace("{}", &text);
            } else {
                case.request.body = Some(expanded(text));
            }
            case
        };
        each.into_iter().map(case).collect()
    }
}

/// A line, and the differences that are accepted at its end.
fn split_accepted(mut line: &str) -> (&str, Vec<(Vec<Engine>, Accepted)>) {
    let mut all = Vec::new();
    while let Some((before, last)) = last_accepted(line) {
        all.push(last);
        line = before;
    }
    (line, all)
}

fn last_accepted(line: &str) -> Option<(&str, (Vec<Engine>, Accepted))> {
    let (before, text) = line.rsplit_once(" ~")?;
    let (mark, row) = text.split_once(' ')?;
    let (scope, engines) = mark.split_once('@').map_or((mark, None), |(scope, engines)| (scope, Some(engines)));
    let scope = match scope {
        "" => Scope::Everything,
        "text" => Scope::Text,
        "links" => Scope::Links,
        "order" => Scope::Order,
        _ => return None,
    };
    let engines = engines.map_or_else(|| ENGINES.map(|(_, engine)| engine).to_vec(), engines_in);
    Some((before.trim_end(), (engines, Accepted { row: row.trim().to_owned(), scope })))
}

/// Engines by their names, with commas between.
fn engines_in(text: &str) -> Vec<Engine> {
    let engine = |name| {
        let known = ENGINES.into_iter().find(|(known, _)| *known == name);
        known.unwrap_or_else(|| panic!("no database is called {name}")).1
    };
    text.split(',').map(engine).collect()
}

/// `text` with what is written short written out.
fn expanded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some((what, count, after)) = repetition(rest) {
            bytes.extend(expanded(what).repeat(count));
            rest = after;
        } else if let Some((byte, after)) = escape(rest) {
            bytes.push(byte);
            rest = after;
        } else {
            bytes.extend(next.to_string().as_bytes());
            rest = &rest[next.len_utf8()..];
        }
    }
    bytes
}

/// `<what*count>` at the start of `text`, and what is behind it.
fn repetition(text: &str) -> Option<(&str, usize, &str)> {
    let (inside, after) = text.strip_prefix('<')?.split_once('>')?;
    let (what, count) = inside.rsplit_once('*')?;
    Some((what, count.parse().ok()?, after))
}

/// `\xNN` at the start of `text`, and what is behind it.
fn escape(text: &str) -> Option<(u8, &str)> {
    let digits = text.strip_prefix("\\x")?.get(..2)?;
    Some((u8::from_str_radix(digits, 16).ok()?, &text[4..]))
}
