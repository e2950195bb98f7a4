//! Why the book of leases cannot be used.

use std::{io, path::PathBuf};

use model::Class;
use network::{LeaseError, UidRangeError};

/// Why the book of leases cannot be used. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{} is no book of leases", path.display())]
    NotABook {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It cannot be written.
    #[error("{} cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody's numbers are free for machines.
    #[error("no users' numbers can be chosen for machines")]
    Uids {
        /// Why.
        source: UidRangeError,
    },
    /// A machine is given none.
    #[error("the machine gets no lease")]
    NoLease {
        /// Why.
        source: LeaseError,
    },
}

impl BookError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unreadable { .. } | Self::NotABook { .. } | Self::Unwritable { .. } => Class::Failed,
            Self::Uids { source } => source.class(),
            Self::NoLease { source } => source.class(),
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { path, .. } | Self::NotABook { path, .. } => Some(format!(
                "Put {} back from a backup, or delete every machine and then the file.",
                path.display()
            )),
            Self::Unwritable { .. } => None,
            Self::Uids { source } => source.hint(),
            Self::NoLease { source } => source.hint(),
        }
    }
}
