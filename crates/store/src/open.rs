//! Opening the database.

use std::{fs::File, path::Path, time::Duration};

use rusqlite::Connection;

use crate::{StoreError, error::opening, lock, migration};

/// How long a write waits for another process that has the database open, such as a backup by hand.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The room that the write-ahead log keeps after it was written back, in bytes.
const JOURNAL_BYTES_MAX: u64 = 1024 * 1024;

/// The memory of the page cache, in KiB. 1000 records take less.
const CACHE_KIB: i64 = 1024;

/// The records, open. One task has it; it blocks for every call, a write for two disk syncs at most.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    // Held for as long as the database is open: closed last.
    _lock: File,
}

impl Store {
    /// Opens the database at `path`, makes it where there is none, and brings it to this release's schema.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] but those of single records. The database is then as it was, or as the last
    /// migration that succeeded left it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, migration::STEPS)
    }

    pub(crate) fn open_with(path: &Path, steps: &[&'static str]) -> Result<Self, StoreError> {
        let lock = lock::shared(path)?;
        let mut connection = Connection::open(path).map_err(|source| opening(path, source))?;
        set_up(&connection).map_err(|source| opening(path, source))?;
        migration::sound(&connection, path)?;
        migration::migrate(&mut connection, path, steps)?;
        Ok(Self { connection, _lock: lock })
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", JOURNAL_BYTES_MAX)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use rustix::fs::{FlockOperation, flock};

    use super::*;

    #[test]
    fn an_updater_and_a_daemon_keep_each_other_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let store = Store::open(&path).unwrap();
        let lock = OpenOptions::new().write(true).open(dir.path().join("state.db.lock")).unwrap();
        assert!(flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err());
        drop(store);
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Locked { .. })));
    }

    #[test]
    fn every_connection_is_set_up() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let pragma = |name: &str| -> String {
            let value = store
                .connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
            match value.unwrap() {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            }
        };
        let found = ["journal_mode", "foreign_keys", "synchronous", "busy_timeout"].map(pragma);
        assert_eq!(found, ["wal", "1", "2", "5000"]);
    }

    #[test]
    fn what_is_no_database_is_refused_with_a_hint() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        std::fs::write(&path, b"this is not a database, though it is long enough to be looked at ........")
            .unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("backups"));
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = Store::open(&dir.path().join("no/state.db")).unwrap_err();
        assert!(error.hint().unwrap().contains("/no "), "{:?}", error.hint());
    }
}
