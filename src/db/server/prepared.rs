//! Statements that PostgreSQL has prepared under names of ours, so that one text does several of them.

use std::collections::HashMap;

use super::STATEMENTS_KEPT;
use crate::db::dialect::Dialect;
use crate::db::sql::{Arg, Sql};

/// What a connection has prepared.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    statements: HashMap<String, Known>,
    /// Counts up whenever something is made or used.
    now: u64,
}

#[derive(Debug)]
struct Known {
    name: String,
    used: u64,
}

/// A statement that is not prepared yet.
pub(super) struct Missing {
    statement: String,
    name: String,
    /// What prepares it.
    pub(super) text: String,
}

impl Prepared {
    /// What has to be prepared before `sql` can be done; nothing, if it is. Those that were asked for last are kept.
    pub(super) fn missing(&mut self, sql: &Sql) -> Option<Missing> {
        self.now += 1;
        if let Some(known) = self.statements.get_mut(sql.text()) {
            known.used = self.now;
            return None;
        }
        let name = format!("glint_{}", self.now);
        let kinds = sql.args().iter().map(kind).collect::<Vec<_>>().join(", ");
        let kinds = if kinds.is_empty() { kinds } else { format!(" ({kinds})") };
        let mut text = format!("PREPARE {name}{kinds} AS {}", Dialect::Postgres.render(sql.text()));
        if let Some(oldest) = self.too_many() {
            text = format!("DEALLOCATE {}; {text}", oldest.name);
        }
        Some(Missing { statement: sql.text().to_owned(), name, text })
    }

    fn too_many(&mut self) -> Option<Known> {
        if self.statements.len() < STATEMENTS_KEPT {
            return None;
        }
        let oldest = self.statements.iter().min_by_key(|(_, known)| known.used)?.0.clone();
        self.statements.remove(&oldest)
    }

    /// Notes what is prepared now.
    pub(super) fn note(&mut self, made: Missing) {
        self.statements.insert(made.statement, Known { name: made.name, used: self.now });
    }

    /// The text that does `sql`; nothing, if it is not prepared.
    pub(super) fn doing(&self, sql: &Sql) -> Option<String> {
        let mut text = format!("EXECUTE {}", self.statements.get(sql.text())?.name);
        for (at, arg) in sql.args().iter().enumerate() {
            text.push_str(if at == 0 { "(" } else { ", " });
            match arg {
                Arg::Null => text.push_str("NULL"),
                Arg::Text(value) => quote(value, &mut text),
                Arg::Int(int) => text.push_str(&int.to_string()),
                Arg::Bool(bool) => text.push_str(if *bool { "TRUE" } else { "FALSE" }),
                Arg::Time(time) => text.push_str(&time.naive_utc().format("'%Y-%m-%d %H:%M:%S%.6f'").to_string()),
            }
        }
        if !sql.args().is_empty() {
            text.push(')');
        }
        Some(text)
    }
}

/// The type of a value, where it does not depend on what it stands beside.
fn kind(arg: &Arg) -> &'static str {
    match arg {
        Arg::Null | Arg::Text(_) => "unknown",
        Arg::Int(_) => "bigint",
        Arg::Bool(_) => "boolean",
        Arg::Time(_) => "timestamp",
    }
}

/// Writes `value` as a literal, in which only the quote means anything.
fn quote(value: &str, text: &mut String) {
    text.push('\'');
    for piece in value.split_inclusive('\'') {
        text.push_str(piece);
        if piece.ends_with('\'') {
            text.push('\'');
        }
    }
    text.push('\'');
}

#[cfg(test)]
mod tests {
    use super::super::STATEMENTS_KEPT;
    use super::Prepared;
    use crate::db::sql::sql;

    #[test]
    fn values_stay_values() {
        let mut prepared = Prepared::default();
        let statement = sql!("SELECT ?, ?, ?, ?", "a' OR \\ ''", -1, true, None::<&str>);
        assert!(prepared.doing(&statement).is_none());
        let missing = prepared.missing(&statement).unwrap();
        assert_eq!(missing.text, "PREPARE glint_1 (unknown, bigint, boolean, unknown) AS SELECT $1, $2, $3, $4");
        prepared.note(missing);
        assert_eq!(prepared.doing(&statement).unwrap(), "EXECUTE glint_1('a'' OR \\ ''''', -1, TRUE, NULL)");
    }

    #[test]
    fn the_oldest_goes() {
        let mut prepared = Prepared::default();
        let [first, second] = [sql!("SELECT 'first'"), sql!("SELECT 'second'")];
        for at in 0..STATEMENTS_KEPT - 2 {
            let missing = prepared.missing(&sql!(format!("SELECT {at}"))).unwrap();
            prepared.note(missing);
            for kept in [&first, &second] {
                if let Some(missing) = prepared.missing(kept) {
                    prepared.note(missing);
                }
            }
        }
        let missing = prepared.missing(&sql!("SELECT 'one more'")).unwrap();
        assert!(missing.text.starts_with("DEALLOCATE glint_1; PREPARE "), "{}", missing.text);
        assert!(prepared.doing(&sql!("SELECT 0")).is_none());
        assert!(prepared.doing(&first).is_some() && prepared.doing(&second).is_some());
    }
}
