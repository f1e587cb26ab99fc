//! The reference and Glint, side by side: the same requests go to both, and their answers must be equal. Where they are
//! not, the table names the row of `docs/compat.md` that says why.

mod asked;
mod compare;
mod definitions;
mod everywhere;
mod pace;
mod sequences;
mod servers;
mod table;
mod takeover;
mod web;
mod wire;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use self::compare::{Comparable, Names};
use self::everywhere::EVERYWHERE;
use self::pace::Pace;
use self::servers::{Reference, Site};
use self::table::{Accepted, Case, Scope, Table};
use self::wire::Answer;
use crate::callers::{ADMIN, ANONYMOUS, Caller, MEMBER, OTHER, READER};
use crate::database::Engine;
use crate::database_server::{DatabaseServer, Kind};
use crate::keystone::limited::Limited;
use crate::process::Process;
use crate::venv;

/// Runs only the tables whose name begins so.
const ONLY: &str = "GLINT_DIFFERENTIAL";
/// The site of lists in many orders.
const WITH_ORDER: &str = "lists";
/// The site that has a Keystone beside it.
const WITH_KEYSTONE: &str = "unified";

const SERVICE: Caller = Caller { name: "service", project: Some("service"), roles: "service" };
const MANAGER: Caller = Caller { name: "manager", project: Some("p1"), roles: "manager" };
/// Whose headers the table writes itself.
const NOBODY: Caller = Caller { name: "nobody", ..ANONYMOUS };
const CALLERS: [Caller; 8] = [ANONYMOUS, READER, MEMBER, ADMIN, OTHER, SERVICE, MANAGER, NOBODY];

#[test]
fn tables_of_requests() {
    let scratch = tempfile::tempdir().unwrap();
    let empty = scratch.path().join("empty.sqlite");
    compare_tables(Engine::Sqlite, |site, names| Pair::start(site, &empty, names));
}

#[test]
fn tables_of_requests_on_mariadb() {
    tables_on(Kind::MariaDb);
}

#[test]
fn tables_of_requests_on_postgresql() {
    tables_on(Kind::PostgreSql);
}

/// Each site has a database for the reference and one for Glint: what is equal and what fits into a column is the engine's.
fn tables_on(kind: Kind) {
    if !reference_is_there() {
        return;
    }
    let server = DatabaseServer::start(kind);
    let empty = server.make("empty");
    Site::with_database(WITH_ORDER, &[], &empty).make_tables();
    compare_tables(Engine::of(&empty), |site, names| {
        let theirs = server.copy(&empty, &format!("{site}_theirs"));
        Pair::on_a_server(site, names, &theirs, &server.make(&format!("{site}_ours")))
    });
}

/// Sends every table that is for `engine` to the servers that `start` starts for its site.
#[expect(clippy::print_stdout, reason = "how many answers were compared is worth reading")]
fn compare_tables(engine: Engine, start: impl Fn(&str, &[(String, String)]) -> Pair) {
    if !reference_is_there() {
        return;
    }
    let only = std::env::var(ONLY).unwrap_or_default();
    let tables = table::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/differential/tables"));
    let known = rows_of_compat();
    let mut score = Score::default();
    let (wanted, awaiting): (Vec<&Table>, Vec<&Table>) =
        tables.iter().filter(|table| table.name.starts_with(&only)).partition(|table| table.awaited.is_none());
    for table in awaiting {
        println!("{}: {} requests await {:?}", table.name, table.cases.len(), table.awaited);
        let there = table.awaited.as_ref().filter(|row| !known.contains(*row));
        score.wrong.extend(there.map(|row| format!("{}: {row:?} is there now, it seems", table.name)));
    }
    let (wanted, left_out): (Vec<&Table>, Vec<&Table>) =
        wanted.into_iter().partition(|table| table.only.as_ref().is_none_or(|(engines, _)| engines.contains(&engine)));
    for table in left_out {
        let reason = table.only.as_ref().map(|(_, reason)| reason);
        println!("{}: {} requests are not sent: {reason:?}", table.name, table.cases.len());
    }
    let sites: BTreeSet<&str> = wanted.iter().map(|table| table.site.as_str()).collect();
    for site in sites {
        let tables = wanted.iter().filter(|table| table.site == site);
        let keystone = (site == WITH_KEYSTONE).then(Limited::start);
        let names = keystone.as_ref().map_or(&[][..], |keystone| &keystone.names);
        let servers = start(site, names);
        for table in tables {
            servers.compare(&table.name, &table.cases, &table.text, &known, &mut score);
        }
    }
    let accepted = score.compared - score.equal - score.wrong.len();
    println!("{} requests compared: {} equal, {accepted} accepted", score.compared, score.equal);
    for (row, count) in &score.accepted {
        println!("  {count:4} {row}");
    }
    assert!(score.wrong.is_empty(), "{} unexplained:\n\n{}", score.wrong.len(), score.wrong.join("\n\n"));
}

/// Whether the reference is installed; says so when it is not.
#[expect(clippy::print_stdout, reason = "who has no reference is told what was not tested")]
fn reference_is_there() -> bool {
    let is_there = venv::reference().is_some();
    if !is_there {
        println!("SKIPPED: the reference is not installed (tests/run does that, where PyPI can be reached)");
    }
    is_there
}

/// What came of the comparison.
#[derive(Default)]
struct Score {
    compared: usize,
    equal: usize,
    /// For how many requests each row of `docs/compat.md` was needed.
    accepted: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Score {
    fn count(&mut self, rows: Vec<String>) {
        self.equal += usize::from(rows.is_empty());
        for row in rows {
            *self.accepted.entry(row).or_default() += 1;
        }
    }
}

/// The first cells of the rows of `docs/compat.md`, without markup.
fn rows_of_compat() -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compat.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split_once(" |")).map(|(first, _)| first.replace('`', "")).collect()
}

/// The reference, and what is held against it.
struct Pair {
    reference: (Site, Reference),
    site: Site,
    glint: Process,
    /// On the same database and the same store as Glint, and asked by turns with it.
    beside: Option<Reference>,
    turn: Cell<bool>,
    /// What both know, with the names that tables have for it. `$web` is a web server.
    names: Vec<(String, String)>,
    engine: Engine,
    pace: Pace,
}

impl Pair {
    /// Both with an SQLite database of its own. A file has that of the reference, as it is at the beginning.
    fn start(site: &str, empty: &Path, names: &[(String, String)]) -> Self {
        let reference = Reference::on_its_own(site, empty, names);
        Self::beside(reference, Site::new(site, names), names, Engine::Sqlite, Pace::Free)
    }

    /// Both with a database of its own on a server: the reference has its tables, and Glint makes its own.
    fn on_a_server(site: &str, names: &[(String, String)], theirs: &str, ours: &str) -> Self {
        let engine = Engine::of(ours);
        let their_site = Site::with_database(site, names, theirs);
        let reference = Reference::start(&their_site);
        let pace = match engine {
            Engine::MySql if site == WITH_ORDER => Pace::OneByOne,
            Engine::MySql => Pace::Unordered,
            Engine::Sqlite | Engine::PostgreSql => Pace::Free,
        };
        Self::beside((their_site, reference), Site::with_database(site, names, ours), names, engine, pace)
    }

    fn beside(
        reference: (Site, Reference),
        site: Site,
        names: &[(String, String)],
        engine: Engine,
        pace: Pace,
    ) -> Self {
        let web = (format!("http://{}", web::serve()), "web".to_owned());
        let glint = site.glint();
        let names = names.iter().cloned().chain([web]).collect();
        Self { reference, site, glint, beside: None, turn: Cell::default(), names, engine, pace }
    }

    /// A reference alone, and Glint with another reference on the database at `url`.
    fn mixed(reference: (Site, Reference), site: &str, url: &str) -> Self {
        let site = Site::with_database(site, &[], url);
        site.make_tables();
        let (glint, beside) = (site.glint(), Some(Reference::start(&site)));
        let engine = Engine::of(url);
        let (turn, names, pace) = (Cell::default(), Vec::new(), Pace::together(engine));
        Self { reference, site, glint, beside, turn, names, engine, pace }
    }

    /// Whom to ask next, beside the reference.
    fn next(&self) -> SocketAddr {
        match &self.beside {
            Some(beside) if self.turn.replace(!self.turn.get()) => beside.address,
            _ => self.glint.address,
        }
    }

    /// Sends what `name` is about to both, in order. Ids that stand in `own` are its own.
    fn compare(&self, name: &str, cases: &[Case], own: &str, known: &BTreeSet<String>, score: &mut Score) {
        let mut kept = [self.names.clone(), self.names.clone()];
        self.pace.begin();
        for case in cases {
            let place = format!("{name}:{}", case.line);
            let Some([theirs, ours]) = self.pace.ask(&case.request, || self.ask(case, &kept)) else { continue };
            score.compared += 1;
            for (kept, answer) in kept.iter_mut().zip([&theirs, &ours]) {
                let id = case.keep.as_ref().map(|name| (id_in(answer, &place), name.clone()));
                kept.extend(id);
                // The longest first: $ab is not $a with a b behind it.
                kept.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
            }
            let folders = [self.reference.0.folder(), self.site.folder()];
            let names = |at: usize| Names { kept: &kept[at], folder: folders[at], own, sets: self.pace.sets() };
            let comparable = |answer, at: usize| compare::comparable(answer, &names(at));
            let (theirs, ours) = (comparable(&theirs, 0), comparable(&ours, 1));
            match verdict(case.accepted_on(self.engine), &theirs, &ours, known) {
                Ok(rows) => score.count(rows),
                Err(fault) => score.wrong.push(told(&place, case, &fault, &theirs, &ours)),
            }
        }
    }

    /// The reference's answer and ours.
    fn ask(&self, case: &Case, kept: &[Vec<(String, String)>; 2]) -> [Answer; 2] {
        let headers = headers_of(&case.request.who);
        [0, 1].map(|at| {
            let mut request = case.request.clone();
            for (id, name) in &kept[at] {
                let name = format!("${name}");
                request.path = request.path.replace(&name, id);
                request.headers.iter_mut().for_each(|(_, value)| {
                    *value = value.as_ref().map(|value| value.replace(&name, id));
                });
                request.body = request.body.map(|body| replaced(&body, name.as_bytes(), id.as_bytes()));
            }
            wire::ask_until(if at == 0 { self.reference.1.address } else { self.next() }, &request, &headers)
        })
    }
}

/// What everybody sends, and what a proxy adds for who is called `who`.
fn headers_of(who: &str) -> Vec<(String, String)> {
    let caller = CALLERS.iter().find(|caller| caller.name == who);
    let caller = caller.unwrap_or_else(|| panic!("nobody is called {who}"));
    let usual = [("Host", "images.test".to_owned()), ("Accept", "application/json".to_owned())];
    usual.into_iter().chain(caller.headers()).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn replaced(bytes: &[u8], name: &[u8], id: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(name) {
            result.extend(id);
            rest = behind;
        } else {
            result.push(*first);
            rest = behind;
        }
    }
    result
}

fn id_in(answer: &Answer, place: &str) -> String {
    let body: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let id = body.as_ref().and_then(|body| body["id"].as_str());
    id.unwrap_or_else(|| panic!("{place}: no id in {}", String::from_utf8_lossy(&answer.body))).to_owned()
}

/// The rows of `docs/compat.md` that explain how the answers differ, none when they do not; or why they do not explain it.
fn verdict(
    accepted: Option<&Accepted>,
    theirs: &Comparable,
    ours: &Comparable,
    known: &BTreeSet<String>,
) -> Result<Vec<String>, String> {
    let mut rows = Vec::new();
    let mut theirs = theirs.clone();
    for general in EVERYWHERE {
        let changed = (general.ours_of)(&theirs);
        if changed != theirs && closer(&changed, &theirs, ours) {
            rows.push(general.row.to_owned());
            theirs = changed;
        }
    }
    match accepted {
        None if theirs != *ours => return Err("unexplained".to_owned()),
        None => {}
        Some(Accepted { row, .. }) if theirs == *ours => return Err(format!("equal, so there is no need for {row:?}")),
        Some(accepted) if outside(accepted.scope, &theirs) != outside(accepted.scope, ours) => {
            return Err(format!("there is more than {:?} says", accepted.row));
        }
        Some(accepted) => rows.push(accepted.row.clone()),
    }
    match rows.iter().find(|row| !known.contains(*row)) {
        Some(row) => Err(format!("docs/compat.md has no row {row:?}")),
        None => Ok(rows),
    }
}

/// Whether fewer lines are apart.
fn closer(changed: &Comparable, before: &Comparable, ours: &Comparable) -> bool {
    let only_in =
        |one: &str, other: &str| one.lines().filter(|line| !other.lines().any(|there| there == *line)).count();
    let apart = |one: &Comparable| {
        only_in(&one.head, &ours.head)
            + only_in(&ours.head, &one.head)
            + only_in(&one.body, &ours.body)
            + only_in(&ours.body, &one.body)
    };
    apart(changed) < apart(before)
}

/// The lines of `answer` that a difference of `scope` does not touch.
fn outside(scope: Scope, answer: &Comparable) -> Vec<&str> {
    let is_link = |line: &str| ["\"first\": ", "\"next\": "].iter().any(|link| line.trim_start().starts_with(link));
    match scope {
        Scope::Everything => Vec::new(),
        Scope::Text => answer.head.lines().filter(|line| !line.starts_with("content-length")).collect(),
        Scope::Links => answer.head.lines().chain(answer.body.lines().filter(|line| !is_link(line))).collect(),
        Scope::Order => {
            let mut lines: Vec<&str> = answer.body.lines().map(|line| line.trim_end_matches(',')).collect();
            lines.sort_unstable();
            answer.head.lines().chain(lines).collect()
        }
    }
}

/// A fault in full.
fn told(place: &str, case: &Case, fault: &str, theirs: &Comparable, ours: &Comparable) -> String {
    let request = &case.request;
    let body = request.body.as_ref().map_or_else(String::new, |body| body.escape_ascii().to_string());
    let text = format!("{place}: {fault}\n{} {} {} {body:.300}\n", request.who, request.method, request.path);
    text + &apart(theirs, ours)
}

/// The lines that only one of these has.
fn apart(theirs: &Comparable, ours: &Comparable) -> String {
    let mut text = String::new();
    let [theirs, ours] = [theirs, ours].map(|answer| format!("{}\n{}", answer.head, answer.body));
    for (mark, one, other) in [("theirs", &theirs, &ours), ("ours  ", &ours, &theirs)] {
        for line in one.lines().filter(|line| !other.lines().any(|there| there == *line)) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {mark} {line:.600}");
        }
    }
    text
}
