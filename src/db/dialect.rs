//! What the engines write differently. Statements have one form (decision 3); here it becomes that of an engine.

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    /// MariaDB, too.
    MySql,
    Postgres,
}

impl Dialect {
    /// Begins a piece of work that reads on a server: all of it sees one moment.
    pub(super) fn begin_reading(self) -> &'static str {
        match self {
            Self::MySql => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            Self::Sqlite | Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Begins a piece of work that writes on a server: each statement sees what is committed by then, for some look before
    /// they write.
    pub(super) fn begin_writing(self) -> &'static str {
        match self {
            Self::MySql => "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION",
            Self::Sqlite | Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    /// Lifts the deadline of a connection's statements on a server: an index over many rows takes as long as it takes. The
    /// comment is for MariaDB only; MySQL has no deadline but for reading.
    pub(super) fn without_deadline(self) -> &'static str {
        match self {
            Self::MySql => "SET SESSION lock_wait_timeout = 3600 /*M! , SESSION max_statement_time = 0 */",
            Self::Sqlite | Self::Postgres => "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0",
        }
    }

    /// Takes one's turn at a place on a server. In MySQL it is a row that whoever takes the same turn changes, too: the nodes
    /// of Galera do not know each other's locks, but of those who changed one row at the same time, one commits.
    pub(super) fn take_turn(self) -> &'static str {
        match self {
            Self::MySql => {
                "INSERT INTO glint_turns (place, turn) VALUES (?, 1) ON DUPLICATE KEY UPDATE turn = turn + 1"
            }
            Self::Sqlite | Self::Postgres => "SELECT pg_advisory_xact_lock(?)",
        }
    }

    /// Asks for the number of images, roughly and at once.
    pub(super) fn number_of_images(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT MAX(rowid) FROM images",
            Self::MySql => {
                "SELECT table_rows FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'images'"
            }
            // What nobody has counted yet may be many.
            Self::Postgres => {
                "SELECT CAST(CASE WHEN reltuples < 0 THEN 1000000 ELSE reltuples END AS BIGINT) FROM pg_class \
                 WHERE oid = CAST('images' AS regclass)"
            }
        }
    }

    /// Whether NULL comes before everything else when ascending, or after it.
    pub(super) fn nulls_first(self) -> bool {
        self != Self::Postgres
    }

    /// Whether a range of an index may be written as a comparison of rows, `(a, b) > (?, ?)`. MariaDB and MySQL would read
    /// the whole index for it.
    pub(super) fn compares_rows(self) -> bool {
        self != Self::MySql
    }

    /// Whether each part of a union is to be ordered and cut by itself: the servers read all of every part otherwise, and
    /// SQLite, which does not, has no such form.
    pub(super) fn cuts_parts(self) -> bool {
        self != Self::Sqlite
    }

    /// `text` in this dialect. A `+` before a column keeps SQLite from its indexes; servers keep statistics, and choose for
    /// themselves.
    pub(super) fn render(self, text: &str) -> String {
        let mut rendered = String::with_capacity(text.len() + 16);
        let mut values = 0_u32;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '?' if self == Self::Postgres => {
                    values += 1;
                    rendered.push('$');
                    rendered.push_str(&values.to_string());
                }
                '+' if characters.peek().is_some_and(char::is_ascii_lowercase) => {}
                _ => rendered.push(character),
            }
        }
        // The type of whole numbers has a name of its own in their casts.
        if self == Self::MySql { rendered.replace(" AS BIGINT)", " AS SIGNED)") } else { rendered }
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    /// (our form, MySQL's, PostgreSQL's)
    #[test]
    fn forms() {
        let cases = [
            (
                "SELECT 1 FROM images WHERE +images.deleted = ? AND id = ?",
                "SELECT 1 FROM images WHERE images.deleted = ? AND id = ?",
                "SELECT 1 FROM images WHERE images.deleted = $1 AND id = $2",
            ),
            ("(+owner <> ? OR +owner IS NULL)", "(owner <> ? OR owner IS NULL)", "(owner <> $1 OR owner IS NULL)"),
            ("SET turn = turn + 1", "SET turn = turn + 1", "SET turn = turn + 1"),
            ("CAST(SUM(size) AS BIGINT)", "CAST(SUM(size) AS SIGNED)", "CAST(SUM(size) AS BIGINT)"),
        ];
        for (text, mysql, postgres) in cases {
            assert_eq!(Dialect::MySql.render(text), mysql);
            assert_eq!(Dialect::Postgres.render(text), postgres);
        }
    }
}
