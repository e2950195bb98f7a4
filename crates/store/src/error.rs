//! Why the records could not be read or written.

use std::{
    io,
    path::{Path, PathBuf},
};

use model::{Class, VmId, VmName};

/// Why the records could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database cannot be opened or made.
    #[error("open the database {}", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file is no database, or is damaged.
    #[error("the database {} is damaged: {found}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it, in SQLite's words.
        found: String,
    },
    /// A later release wrote it.
    #[error("the database {} is of version {found}, and this release knows versions up to {known}", path.display())]
    FromTheFuture {
        /// The database.
        path: PathBuf,
        /// The version of its schema.
        found: u32,
        /// The latest version that this release knows.
        known: u32,
    },
    /// The lock file cannot be made.
    #[error("make the lock {}", path.display())]
    LockNotMade {
        /// The lock file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// An updater has the database to itself for a moment.
    #[error("{} is held: an update is putting a database in place", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The copy before a migration could not be made; nothing was migrated.
    #[error("back the database up to {}", path.display())]
    BackupNotMade {
        /// Where the copy was to be.
        path: PathBuf,
        /// What SQLite or the disk said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A migration failed; the database is as it was before it.
    #[error("migrate the database from version {from} to {to}")]
    NotMigrated {
        /// The version before.
        from: u32,
        /// The version it was to have.
        to: u32,
        /// What SQLite said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A read or a write failed; nothing was changed.
    #[error("{action} in the database")]
    Query {
        /// What was being done.
        action: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A record holds what no record can hold.
    #[error("the record of machine {id} holds {column} {value:?}")]
    BadRecord {
        /// The machine's id, as it stands there.
        id: String,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// Another machine has the name.
    #[error("a machine named {name} exists already")]
    NameTaken {
        /// The name.
        name: VmName,
    },
    /// No record has this id.
    #[error("there is no record of machine {id}")]
    NoSuchVm {
        /// The id.
        id: VmId,
    },
}

/// Where the copies lie that were made before migrations of the database at `path`.
pub(crate) fn backups_dir(path: &Path) -> PathBuf {
    path.with_file_name("backups")
}

/// Tells damage, which no second try puts right, from everything else.
pub(crate) fn opening(path: &Path, source: rusqlite::Error) -> StoreError {
    let is_damage = matches!(
        source.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    );
    if is_damage {
        StoreError::Damaged { path: path.to_owned(), found: source.to_string() }
    } else {
        StoreError::Open { path: path.to_owned(), source }
    }
}

impl StoreError {
    /// Says whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Open { .. }
            | Self::Damaged { .. }
            | Self::LockNotMade { .. }
            | Self::BackupNotMade { .. }
            | Self::NotMigrated { .. }
            | Self::Query { .. }
            | Self::NameTaken { .. } => Class::Failed,
            Self::FromTheFuture { .. } => Class::Refused,
            Self::Locked { .. } => Class::Unreachable,
            Self::BadRecord { .. } | Self::NoSuchVm { .. } => Class::Bug,
        }
    }

    /// Says whether the disk has no room left.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let code = match self {
            Self::Open { source, .. } | Self::Query { source, .. } => source.sqlite_error_code(),
            _ => None,
        };
        code == Some(rusqlite::ErrorCode::DiskFull)
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        if self.is_disk_full() {
            return Some("Free some room on the disk that holds it.".to_owned());
        }
        match self {
            Self::Open { path, .. } | Self::LockNotMade { path, .. } => {
                let dir = path.parent().unwrap_or(path);
                Some(format!("Check that {} is a directory that you may write to.", dir.display()))
            }
            Self::Damaged { path, .. } => Some(format!(
                "Stop the daemon, move {} and its -wal and -shm aside, and put the newest copy from {} in its place, if there is one.",
                path.display(),
                backups_dir(path).display()
            )),
            Self::FromTheFuture { path, .. } => Some(format!(
                "Run the release that wrote it, or put back a copy from {}.",
                backups_dir(path).display()
            )),
            Self::BackupNotMade { path, .. } => Some(format!("Free some room for {}.", path.display())),
            Self::Locked { .. } => Some("Wait until `banger update` has ended.".to_owned()),
            _ => None,
        }
    }
}
