//! The schema's versions.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::{StoreError, backup, error::opening};

/// Every migration, in order; the first makes version 1 of nothing. They are frozen: a test holds their
/// rendering.
pub(crate) const STEPS: &[&str] = &[
    include_str!("../migrations/0001_machines.sql"),
    include_str!("../migrations/0002_workspace_copied.sql"),
];

/// The version that these steps lead to.
pub(crate) fn latest(steps: &[&str]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

/// The version of a database's schema.
pub(crate) fn version(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0))
        .map_err(|source| opening(path, source))
}

/// Checks that the database is whole. Quick: it is small.
pub(crate) fn sound(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|source| opening(path, source))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged { path: path.to_owned(), found }) }
}

/// Brings the database to the version that `steps` end in, with a backup before each step.
///
/// # Errors
///
/// | error                            | the database then has              |
/// |----------------------------------|------------------------------------|
/// | [`StoreError::FromTheFuture`]    | been left alone                    |
/// | [`StoreError::BackupNotMade`]    | the version before the step        |
/// | [`StoreError::NotMigrated`]      | the version before the step        |
pub(crate) fn migrate(
    connection: &mut Connection,
    path: &Path,
    steps: &[&'static str],
) -> Result<(), StoreError> {
    let found = version(connection, path)?;
    let known = latest(steps);
    if found > known {
        return Err(StoreError::FromTheFuture { path: path.to_owned(), found, known });
    }
    let migrations = Migrations::new(steps.iter().map(|sql| M::up(sql)).collect());
    for from in found..known {
        if from > 0 {
            let copy = backup::make(connection, path, from)?;
            tracing::info!(copy = %copy.display(), from, "the database was backed up before its migration");
        }
        let to = from + 1;
        let not_migrated =
            |source: Box<dyn std::error::Error + Send + Sync>| StoreError::NotMigrated { from, to, source };
        let target = usize::try_from(to).map_err(|error| not_migrated(error.into()))?;
        migrations.to_version(connection, target).map_err(|error| not_migrated(error.into()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Store;

    const LATER: &[&str] = &[STEPS[0], STEPS[1], "CREATE TABLE later (x INTEGER NOT NULL) STRICT;"];

    fn schema(connection: &Connection) -> String {
        let mut query =
            connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|row| row.unwrap() + ";\n\n").collect()
    }

    #[test]
    fn the_schema_is_frozen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        drop(Store::open(&path).unwrap());
        insta::assert_snapshot!(schema(&Connection::open(&path).unwrap()));
    }

    #[test]
    fn a_migration_leaves_a_copy_of_what_was_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let mut store = Store::open(&path).unwrap();
        store.bump("boots_retried").unwrap();
        drop(store);

        let mut store = Store::open_with(&path, LATER).unwrap();
        store.bump("boots_retried").unwrap();
        assert_eq!(store.counter("boots_retried").unwrap(), 2);

        let copy = dir.path().join("backups/state-v2.db");
        let copy = Connection::open(copy).unwrap();
        assert_eq!(version(&copy, &path).unwrap(), 2);
        let counted: u64 = copy.query_row("SELECT value FROM counters", [], |row| row.get(0)).unwrap();
        assert_eq!(counted, 1);
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        drop(Store::open(&path).unwrap());
        let bad =
            &[STEPS[0], STEPS[1], "CREATE TABLE later (x INTEGER NOT NULL) STRICT; CREATE TABLE vms (y);"];
        let error = Store::open_with(&path, bad).unwrap_err();
        assert!(matches!(error, StoreError::NotMigrated { from: 2, to: 3, .. }), "{error:?}");
        assert_eq!(version(&Connection::open(&path).unwrap(), &path).unwrap(), 2);
        drop(Store::open(&path).unwrap());
    }

    #[test]
    fn a_database_from_the_future_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        drop(Store::open_with(&path, LATER).unwrap());
        let before = fs::read(&path).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::FromTheFuture { found: 3, known: 2, .. }), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}
