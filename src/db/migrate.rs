//! The schema: the reference's, at the revisions that its own migrations note, and what is ours beside it.

mod revisions;
mod scripts;

use super::dialect::Dialect;
use super::{Db, DbError, Sql, Tx, sql};
use crate::clock::Timestamp;
pub use revisions::{CONTRACT_HEAD, EXPAND_HEAD};
use revisions::{Level, Release};
use scripts::Scripts;

/// Makes the database one that can be served. An empty one gets the reference's schema as it is now. One that the reference
/// has left stays as it is, if it has every table and column that we need. What is ours is added to either.
pub(super) async fn up(db: &Db) -> Result<(), DbError> {
    db.at_schema(|schema| async move {
        match schema.found().await? {
            Found::Nothing => schema.make_reference(CONTRACT_HEAD).await?,
            Found::Reference { heads, level } => {
                let made_by_us = level.expanded == Some(Release::LAST) && !schema.is_of_old().await?;
                let is_past = |release, reached: Option<Release>| reached >= Some(release);
                if !is_past(Release::WALLABY, level.expanded)
                    || !(is_past(Release::PIKE, level.contracted) || made_by_us)
                {
                    return Err(behind(&heads, &level));
                }
            }
        }
        schema.add_own().await
    })
    .await
}

impl Db {
    /// The reference's revisions that are noted in the database: none in one that is empty.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revisions(&self) -> Result<Vec<String>, DbError> {
        self.at_schema(|schema| async move { schema.heads().await }).await
    }

    /// Whether what the reference's `revision` does has been done here; none where nobody knows that revision.
    ///
    /// # Errors
    /// When the database does not answer, or is from a newer release.
    pub async fn has_revision(&self, revision: &str) -> Result<Option<bool>, DbError> {
        let level = Level::of(&self.revisions().await?).map_err(|head| newer(&head))?;
        Ok(level.has(revision))
    }

    /// Adds to the reference's schema what its newest release adds.
    ///
    /// # Errors
    /// When the database is too old or too new.
    pub async fn expand(&self) -> Result<(), DbError> {
        self.at_schema(|schema| async move {
            match schema.found().await? {
                Found::Nothing => schema.make_reference(EXPAND_HEAD).await,
                Found::Reference { heads, level } if level.contracted < Some(Release::PIKE) => {
                    Err(behind(&heads, &level))
                }
                Found::Reference { heads, level } => schema.expand(&heads, &level).await,
            }
        })
        .await
    }

    /// Takes from the reference's schema what only older releases need: since Pike, that is nothing but the note.
    ///
    /// # Errors
    /// When the database is too old or too new.
    pub async fn contract(&self) -> Result<(), DbError> {
        self.at_schema(|schema| async move {
            let Found::Reference { heads, level } = schema.found().await? else {
                return Err(DbError::Schema("the database is empty".into()));
            };
            if level.contracted < Some(Release::PIKE) && schema.is_of_old().await? {
                return Err(behind(&heads, &level));
            }
            schema.tx.execute(sql!("DELETE FROM alembic_version")).await?;
            schema.note(CONTRACT_HEAD).await
        })
        .await
    }

    /// Adds what is ours to the schema of the reference.
    ///
    /// # Errors
    /// When the database is from a newer release of ours.
    pub async fn add_own(&self) -> Result<(), DbError> {
        self.at_schema(|schema| async move { schema.add_own().await }).await
    }

    /// Makes the table in which purged images are noted, whatever else of ours is there.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn add_purged_images(&self) -> Result<(), DbError> {
        self.at_schema(|schema| async move { schema.run(schema.scripts.purged_images).await }).await
    }

    /// Takes away all that is ours. The users of a stand-alone service go only when they may, and what the service is at
    /// work on keeps everything here.
    ///
    /// # Errors
    /// When something is still needed.
    pub async fn drop_own(&self, now: Timestamp, with_users: bool) -> Result<(), DbError> {
        self.at_schema(|schema| async move { schema.drop_own(now, with_users).await }).await
    }

    /// Does `work` on the schema; nobody else does meanwhile.
    async fn at_schema<T, F, W>(&self, work: F) -> Result<T, DbError>
    where
        F: Fn(Schema) -> W,
        W: Future<Output = Result<T, DbError>>,
    {
        self.write(|tx| {
            let schema = Schema { scripts: Scripts::of(tx.dialect()), tx };
            let (work, tx) = (&work, schema.tx.clone());
            async move {
                schema.lock().await?;
                let done = work(schema).await?;
                unlock(&tx).await?;
                Ok(done)
            }
        })
        .await
    }
}

/// What there is of the reference's schema.
enum Found {
    Nothing,
    Reference { heads: Vec<String>, level: Level },
}

/// The schema during a piece of work on it.
#[derive(Clone)]
struct Schema {
    tx: Tx,
    scripts: &'static Scripts,
}

impl Schema {
    /// Keeps other nodes, which may start at the same moment, from the schema. Whoever writes to SQLite is alone anyway; in
    /// MariaDB and MySQL a script ends its transaction, so that the lock has to be one of the connection.
    async fn lock(&self) -> Result<(), DbError> {
        let lock = match self.tx.dialect() {
            Dialect::Sqlite => return Ok(()),
            Dialect::Postgres => "SELECT 1 FROM pg_advisory_xact_lock(-1)",
            Dialect::MySql => "SELECT GET_LOCK(LEFT(CONCAT('glint ', DATABASE()), 64), 25)",
        };
        let row = self.tx.fetch_optional(sql!(lock)).await?;
        if row.map_or(Ok(None), |row| row.get::<Option<i64>>(0))? != Some(1) {
            return Err(DbError::Unavailable("another node is at work on the schema".into()));
        }
        Ok(())
    }

    async fn found(&self) -> Result<Found, DbError> {
        let heads = self.heads().await?;
        let level = Level::of(&heads).map_err(|head| newer(&head))?;
        if !heads.is_empty() {
            return Ok(Found::Reference { heads, level });
        }
        // Where an engine keeps half of a script that broke off, our own table is there already.
        if self.has("images").await? && !self.has("glint_schema").await? {
            return Err(DbError::Schema(
                "the database has images, but no revision of the reference is noted in it: run the reference's \
                 `glance-manage db sync`, of release 2024.1 or newer, first"
                    .into(),
            ));
        }
        Ok(Found::Nothing)
    }

    async fn heads(&self) -> Result<Vec<String>, DbError> {
        if !self.has("alembic_version").await? {
            return Ok(Vec::new());
        }
        let rows = self.tx.fetch_all(sql!("SELECT version_num FROM alembic_version")).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn has(&self, table: &str) -> Result<bool, DbError> {
        Ok(!self.columns(table).await?.is_empty())
    }

    /// Whether there is what Ocata took away.
    async fn is_of_old(&self) -> Result<bool, DbError> {
        Ok(self.columns("images").await?.iter().any(|column| column == "is_public"))
    }

    async fn columns(&self, table: &str) -> Result<Vec<String>, DbError> {
        let rows = self.tx.fetch_all(sql!(self.scripts.columns, table)).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Makes the reference's tables as they are now. Their revision is noted when all of them are there.
    async fn make_reference(&self, head: &str) -> Result<(), DbError> {
        self.begin_own().await?;
        self.run(self.scripts.reference).await?;
        self.note(head).await
    }

    async fn expand(&self, heads: &[String], level: &Level) -> Result<(), DbError> {
        for (revision, script) in self.scripts.expansions {
            if level.has(revision) == Some(false) {
                self.run(script).await?;
            }
        }
        // As the reference notes it: in place of the revision that came before in its branch, beside those of the other.
        match heads.iter().find(|head| head.contains("_expand")) {
            Some(before) => {
                let note =
                    sql!("UPDATE alembic_version SET version_num = ? WHERE version_num = ?", EXPAND_HEAD, before);
                self.tx.execute(note).await.map(drop)
            }
            None => self.note(EXPAND_HEAD).await,
        }
    }

    async fn note(&self, head: &str) -> Result<(), DbError> {
        self.note_by(sql!("INSERT INTO alembic_version (version_num) VALUES (?)", head)).await
    }

    /// Runs what notes that something is done. On Galera, where the lock is that of one server, another node may have noted it a
    /// moment ago: then the schema is looked at again.
    async fn note_by(&self, insert: Sql) -> Result<(), DbError> {
        match self.tx.execute(insert).await {
            Err(DbError::Duplicate) => Err(DbError::Contended("another node has noted it".into())),
            noted => noted.map(drop),
        }
    }

    /// Runs a script. In MariaDB and MySQL each statement is kept at once: one that was broken off goes on behind what is
    /// there.
    async fn run(&self, script: &'static str) -> Result<(), DbError> {
        if self.tx.dialect() != Dialect::MySql {
            return self.tx.run_script(script).await;
        }
        for statement in script.split_inclusive(";\n").filter(|statement| !statement.trim().is_empty()) {
            match self.tx.run_script(statement).await {
                Ok(()) | Err(DbError::Exists(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn begin_own(&self) -> Result<(), DbError> {
        let table = sql!("CREATE TABLE IF NOT EXISTS glint_schema (step INTEGER NOT NULL, PRIMARY KEY (step))");
        self.tx.execute(table).await.map(drop)
    }

    /// Runs the steps of ours that this database has not seen.
    async fn add_own(&self) -> Result<(), DbError> {
        self.begin_own().await?;
        let row = self.tx.fetch_optional(sql!("SELECT COALESCE(MAX(step), 0) FROM glint_schema")).await?;
        let seen: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        let newest = self.scripts.own.last().map_or(0, |step| step.0);
        if seen > newest {
            return Err(DbError::Schema(format!(
                "schema step {seen} is from a newer release; this one knows {newest}"
            )));
        }
        for &(step, script) in self.scripts.own.iter().filter(|(step, _)| *step > seen) {
            self.run(script).await?;
            self.note_by(sql!("INSERT INTO glint_schema (step) VALUES (?)", step)).await?;
        }
        Ok(())
    }

    async fn drop_own(&self, now: Timestamp, with_users: bool) -> Result<(), DbError> {
        let busy = sql!("SELECT COUNT(*) FROM glint_leases WHERE expires_at > ?", now);
        let needed = [
            ("glint_leases", busy, "a service is at work on images: stop it first"),
            ("glint_users", sql!("SELECT COUNT(*) FROM glint_users"), "users of a stand-alone service are kept in it"),
        ];
        for (table, count, why) in needed.into_iter().take(if with_users { 1 } else { 2 }) {
            if self.has(table).await? {
                let row = self.tx.fetch_optional(count).await?;
                if row.map_or(Ok(0), |row| row.get::<i64>(0))? > 0 {
                    return Err(DbError::Schema(why.into()));
                }
            }
        }
        for row in self.tx.fetch_all(sql!(self.scripts.own_indexes)).await? {
            let (index, table): (String, String) = (row.get(0)?, row.get(1)?);
            self.tx.execute((self.scripts.drop_index)(&index, &table)).await?;
        }
        for table in scripts::OWN_TABLES {
            self.tx.execute(sql!(format!("DROP TABLE IF EXISTS {table}"))).await?;
        }
        Ok(())
    }
}

/// Gives back the lock that does not end with the transaction.
async fn unlock(tx: &Tx) -> Result<(), DbError> {
    if tx.dialect() == Dialect::MySql {
        tx.fetch_all(sql!("SELECT RELEASE_LOCK(LEFT(CONCAT('glint ', DATABASE()), 64))")).await?;
    }
    Ok(())
}

/// What to do about a database that is behind.
fn behind(heads: &[String], level: &Level) -> DbError {
    let heads = heads.join(", ");
    let first = if level.contracted >= Some(Release::PIKE) {
        "run `glint db sync` first"
    } else {
        "what is older than Pike is brought forward by the reference: run its `glance-manage db sync`, of release 2024.1 or \
         newer, first"
    };
    DbError::Schema(format!("the database is at the reference's revision {heads}: {first}"))
}

fn newer(head: &str) -> DbError {
    DbError::Schema(format!("the database is at the reference's revision {head}, which is from a newer release"))
}
