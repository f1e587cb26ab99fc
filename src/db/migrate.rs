//! Bringing a database to the present schema, one numbered step at a time.

use super::{Db, DbError, Tx, sql};

/// Every step, oldest first. New steps go to the end; a step that was released is never changed.
const SQLITE_STEPS: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/sqlite/0001_reference.sql")),
    (2, include_str!("../../migrations/sqlite/0002_leases.sql")),
    (3, include_str!("../../migrations/sqlite/0003_identity.sql")),
    (4, include_str!("../../migrations/sqlite/0004_list_indexes.sql")),
    (5, include_str!("../../migrations/sqlite/0005_reservations.sql")),
];

/// Runs the steps that this database has not seen, all in one transaction.
pub(super) async fn up(db: &Db) -> Result<(), DbError> {
    db.write(|tx| async move {
        tx.execute(sql!("CREATE TABLE IF NOT EXISTS glint_schema (step INTEGER NOT NULL, PRIMARY KEY (step))")).await?;
        let seen = last_step(&tx).await?;
        for &(step, script) in SQLITE_STEPS.iter().filter(|(step, _)| *step > seen) {
            tx.run_script(script).await?;
            tx.execute(sql!("INSERT INTO glint_schema (step) VALUES (?)", step)).await?;
        }
        Ok(())
    })
    .await
}

/// The newest step that ran here.
async fn last_step(tx: &Tx) -> Result<i64, DbError> {
    let row = tx.fetch_optional(sql!("SELECT COALESCE(MAX(step), 0) FROM glint_schema")).await?;
    let seen = row.map_or(Ok(0), |row| row.get(0))?;
    let newest = SQLITE_STEPS.last().map_or(0, |step| step.0);
    if seen > newest {
        return Err(DbError::Unreadable(format!(
            "schema step {seen} is from a newer release; this one knows {newest}"
        )));
    }
    Ok(seen)
}
