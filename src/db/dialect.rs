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
    /// Asks for the number of images, roughly and at once.
    pub(super) fn number_of_images(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT MAX(rowid) FROM images",
            Self::MySql => {
                "SELECT table_rows FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'images'"
            }
            // What nobody has counted yet may be many.
            Self::Postgres => {
                "SELECT CASE WHEN reltuples < 0 THEN 1000000 ELSE reltuples END FROM pg_class \
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

    /// Whether the columns with which an index begins, and which have one value each, have to be written as if they could have
    /// several, and as part of the order. MariaDB would otherwise look up that value, and go through all that has it from the
    /// end of the index to the marker: it believes a range behind it to be no shorter than half of everything.
    pub(super) fn pins(self) -> bool {
        self == Self::MySql
    }

    /// What else to ask of the value of a property, so that an index is used which has room for the beginning of a value only.
    pub(super) fn beginning_of_value(self) -> Option<&'static str> {
        match self {
            Self::Sqlite | Self::MySql => None,
            Self::Postgres => Some("left(value, 255) = left(?, 255)"),
        }
    }

    /// What else to ask of the rows of a member, which is true of all of them: where all rows are of one member, PostgreSQL expects
    /// no less of an index that has members further behind.
    pub(super) fn beginning_with_member(self) -> Option<&'static str> {
        match self {
            Self::Sqlite | Self::MySql => None,
            Self::Postgres => {
                Some("(image_members.member, image_members.deleted, image_members.image_id) >= (?, ?, '')")
            }
        }
    }

    /// Whether what belongs to an image comes in the row of the image: each statement and each row of a server has its price.
    pub(super) fn packs(self) -> bool {
        self != Self::Sqlite
    }

    /// Whether an index leads to a row by the key of the table, so that the row costs as much once more. What indexes tell is asked
    /// of them alone then.
    pub(super) fn rows_are_far(self) -> bool {
        self == Self::MySql
    }

    /// Joins the images that have these `ids`, which are read first. Left to itself, an engine that expects many ids goes through all
    /// images in their order and asks of each whether it is among these.
    pub(super) fn images_of_ids(self) -> &'static str {
        match self {
            Self::Sqlite => "CROSS JOIN images",
            Self::MySql => "STRAIGHT_JOIN images",
            // With an OFFSET it stays what is asked for each id.
            Self::Postgres => "CROSS JOIN LATERAL (SELECT * FROM images WHERE id = ids.image_id OFFSET 0) AS images",
        }
    }

    /// `table`, to be read by this index of ours. MariaDB would look into each that could be used, for every range; and of a column
    /// that an index has room for in part it expects that the row is needed.
    pub(super) fn by_own_index(self, table: &str, index: &str) -> String {
        match self {
            Self::MySql => format!("{table} FORCE INDEX ({index})"),
            Self::Sqlite | Self::Postgres => table.to_owned(),
        }
    }

    /// What notes, behind the first statement of a batch, whether that touched a row, and what is true for those after it then. None
    /// where they have to look for themselves: MariaDB takes as much for that as for half of a deletion.
    pub(super) fn touched_first(self) -> Option<(&'static str, &'static str)> {
        (self == Self::MySql).then_some(("SET @glint_touched = ROW_COUNT() = 1", "@glint_touched"))
    }

    /// A JSON object of all rows of a group.
    pub(super) fn json_object(self, name: &str, value: &str) -> String {
        match self {
            Self::Sqlite => format!("json_group_object({name}, {value})"),
            // GROUP_CONCAT, and what is made by it, would make a table on the disk first.
            Self::MySql => format!("JSON_OBJECTAGG({name}, {value})"),
            Self::Postgres => format!("json_object_agg({name}, {value})"),
        }
    }

    /// A JSON array of `values`.
    pub(super) fn json_array(self, values: &str) -> String {
        let function = if self == Self::Postgres { "json_build_array" } else { "json_array" };
        format!("{function}({values})")
    }

    /// Whether each part of a union is to be ordered and cut by itself: the servers read all of every part otherwise, and
    /// SQLite, which does not, has no such form.
    pub(super) fn cuts_parts(self) -> bool {
        self != Self::Sqlite
    }

    /// Whether a dear part of a union hides from the planner what others cost: PostgreSQL takes plans for equal that differ by a
    /// hundredth of the whole. Such a part stands apart then.
    pub(super) fn weighs_unions(self) -> bool {
        self == Self::Postgres
    }

    /// A function of one value that is this value, and that a planner does not see through.
    fn as_it_is(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::MySql => Some("COALESCE"),
            Self::Postgres => Some("GREATEST"),
        }
    }

    /// `text` in this dialect. A `+` before a column says that no index is to be chosen for it, which is SQLite's way to write
    /// it; servers choose none for the value of a function. A `==` compares letter by letter, where MySQL's columns of text
    /// take `A` for `a`, and no index helps it there.
    pub(super) fn render(self, text: &str) -> String {
        let mut rendered = String::with_capacity(text.len() + text.len() / 8);
        let mut values = 0_u32;
        let mut rest = text;
        // Most of a statement is taken over in long pieces: it is written for every request.
        while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'?' | b'=' | b'+')) {
            let (before, special) = rest.split_at(at);
            let (special, after) = special.split_at(1);
            rendered.push_str(before);
            rest = after;
            match special {
                "?" if self == Self::Postgres => {
                    values += 1;
                    rendered.push('$');
                    rendered.push_str(&values.to_string());
                }
                "=" if rest.starts_with('=') => {
                    rendered.push_str(if self == Self::MySql { "= BINARY" } else { "=" });
                    rest = &rest[1..];
                }
                "+" if rest.starts_with(|next: char| next.is_ascii_lowercase()) => {
                    let Some(function) = self.as_it_is() else { continue };
                    let is_name = |next: char| next.is_ascii_lowercase() || matches!(next, '_' | '.');
                    let (name, after) = rest.split_at(rest.find(|next| !is_name(next)).unwrap_or(rest.len()));
                    rendered.push_str(function);
                    rendered.push('(');
                    rendered.push_str(name);
                    rendered.push(')');
                    rest = after;
                }
                other => rendered.push_str(other),
            }
        }
        rendered.push_str(rest);
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
                "SELECT 1 FROM images WHERE COALESCE(images.deleted) = ? AND id = ?",
                "SELECT 1 FROM images WHERE GREATEST(images.deleted) = $1 AND id = $2",
            ),
            (
                "(+owner <> ? OR +owner IS NULL)",
                "(COALESCE(owner) <> ? OR COALESCE(owner) IS NULL)",
                "(GREATEST(owner) <> $1 OR GREATEST(owner) IS NULL)",
            ),
            ("name = ? AND name == ?", "name = ? AND name = BINARY ?", "name = $1 AND name = $2"),
            ("SET turn = turn + 1", "SET turn = turn + 1", "SET turn = turn + 1"),
            ("CAST(SUM(size) AS BIGINT)", "CAST(SUM(size) AS SIGNED)", "CAST(SUM(size) AS BIGINT)"),
        ];
        for (text, mysql, postgres) in cases {
            assert_eq!(Dialect::MySql.render(text), mysql);
            assert_eq!(Dialect::Postgres.render(text), postgres);
        }
    }
}
