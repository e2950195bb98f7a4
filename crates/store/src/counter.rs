//! Counters that outlive the daemon.

use rusqlite::OptionalExtension;

use crate::{Store, StoreError};

impl Store {
    /// Returns how often `name` was counted; 0 where it never was.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`].
    pub fn counter(&self, name: &str) -> Result<u64, StoreError> {
        self.connection
            .query_row("SELECT value FROM counters WHERE name = ?1", [name], |row| row.get(0))
            .optional()
            .map(Option::unwrap_or_default)
            .map_err(|source| StoreError::Query { action: "read a counter", source })
    }

    /// Counts `name` once more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]; it was not counted.
    pub fn bump(&mut self, name: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO counters (name, value) VALUES (?1, 1)
                   ON CONFLICT (name) DO UPDATE SET value = value + 1";
        self.connection
            .execute(sql, [name])
            .map(drop)
            .map_err(|source| StoreError::Query { action: "count", source })
    }
}
