//! Why a copy of the database was not made, or not put back.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::StoreError;

/// Why a copy of the database was not made, or not put back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// It is no place for a copy.
    #[error("{}: {why}", path.display())]
    Refused {
        /// The place.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Somebody has the database open.
    #[error("somebody has the database open, as its lock {} says", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The database, or the copy, cannot be used.
    #[error("use the database")]
    Database {
        /// What is wrong with it.
        source: StoreError,
    },
    /// The disk would not.
    #[error("{action} {}", path.display())]
    Disk {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl CopyError {
    pub(crate) fn database(source: StoreError) -> Self {
        Self::Database { source }
    }

    pub(crate) fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { action, path, source }
    }
}
