//! The scripts that make the schema, and what else an engine has to be asked in its own words.

use crate::db::dialect::Dialect;
use crate::db::{Sql, sql};

/// All of it for one engine.
pub(super) struct Scripts {
    /// The reference's schema as it is now, but for the note of its revision.
    pub(super) reference: &'static str,
    /// What revisions of the reference add, oldest first.
    pub(super) expansions: &'static [(&'static str, &'static str)],
    /// What is ours, one numbered step at a time, oldest first. New steps go to the end; a step that was released is never
    /// changed. (The first was the reference's schema.)
    pub(super) own: &'static [(i64, &'static str)],
    /// The one of them that makes the table of purged images.
    pub(super) purged_images: &'static str,
    /// Asks for the names of the columns of a table: none where there is no such table.
    pub(super) columns: &'static str,
    /// Asks for the names of our indexes in the reference's tables, each with its table.
    pub(super) own_indexes: &'static str,
    /// Takes away an index of a table.
    pub(super) drop_index: fn(index: &str, table: &str) -> Sql,
}

/// Our tables; those that others refer to come behind these.
pub(super) const OWN_TABLES: &[&str] = &[
    "glint_tokens",
    "glint_application_credentials",
    "glint_role_assignments",
    "glint_users",
    "glint_projects",
    "glint_leases",
    "glint_turns",
    "glint_purged_images",
    "glint_schema",
];

macro_rules! scripts_in {
    ($folder:literal, $columns:expr, $own_indexes:expr, $drop_index:expr $(, $step:literal: $file:literal)* $(; $later:literal: $its_file:literal)*) => {
        Scripts {
            reference: include_str!(concat!("../../../migrations/", $folder, "/reference.sql")),
            expansions: &[
                ("rocky_expand01", include_str!(concat!("../../../migrations/", $folder, "/expand/rocky01.sql"))),
                ("rocky_expand02", include_str!(concat!("../../../migrations/", $folder, "/expand/rocky02.sql"))),
                ("wallaby_expand01", include_str!(concat!("../../../migrations/", $folder, "/expand/wallaby01.sql"))),
                ("2024_1_expand01", include_str!(concat!("../../../migrations/", $folder, "/expand/2024_1_01.sql"))),
            ],
            own: &[
                (2, include_str!(concat!("../../../migrations/", $folder, "/0002_leases.sql"))),
                (3, include_str!(concat!("../../../migrations/", $folder, "/0003_identity.sql"))),
                (4, include_str!(concat!("../../../migrations/", $folder, "/0004_list_indexes.sql"))),
                (5, include_str!(concat!("../../../migrations/", $folder, "/0005_reservations.sql"))),
                $(($step, include_str!(concat!("../../../migrations/", $folder, "/", $file))),)*
                (7, include_str!(concat!("../../../migrations/", $folder, "/0007_purged_images.sql"))),
                $(($later, include_str!(concat!("../../../migrations/", $folder, "/", $its_file))),)*
            ],
            purged_images: include_str!(concat!("../../../migrations/", $folder, "/0007_purged_images.sql")),
            columns: $columns,
            own_indexes: $own_indexes,
            drop_index: $drop_index,
        }
    };
}

const SQLITE: Scripts = scripts_in!(
    "sqlite",
    "SELECT name FROM pragma_table_info(?)",
    "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND name GLOB 'glint_*' AND tbl_name NOT GLOB 'glint_*'",
    |index, _| sql!(format!("DROP INDEX {index}"))
);

const MYSQL: Scripts = scripts_in!(
    "mysql",
    "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?",
    "SELECT DISTINCT index_name, table_name FROM information_schema.statistics WHERE table_schema = DATABASE() \
     AND LEFT(index_name, 6) = 'glint_' AND LEFT(table_name, 6) <> 'glint_'",
    |index, table| sql!(format!("DROP INDEX {index} ON {table}")),
    6: "0006_turns.sql";
    8: "0008_properties_of_an_image.sql"
);

const POSTGRES: Scripts = scripts_in!(
    "postgres",
    "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?",
    "SELECT indexname, tablename FROM pg_indexes WHERE schemaname = current_schema() \
     AND LEFT(indexname, 6) = 'glint_' AND LEFT(tablename, 6) <> 'glint_'",
    |index, _| sql!(format!("DROP INDEX {index}"))
);

impl Scripts {
    pub(super) fn of(dialect: Dialect) -> &'static Self {
        match dialect {
            Dialect::Sqlite => &SQLITE,
            Dialect::MySql => &MYSQL,
            Dialect::Postgres => &POSTGRES,
        }
    }
}
