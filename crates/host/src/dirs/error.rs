//! Why a directory cannot be used.

use std::{io, path::PathBuf};

use model::Class;

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirsError {
    /// The environment does not say where.
    #[error("HOME is not set to an absolute path")]
    NoHome,
    /// It is there and is no directory, or only a link to one.
    #[error("{} is {kind}", dir.display())]
    NotADirectory {
        /// Which.
        dir: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// Someone else made it.
    #[error("{} belongs to user {owner}, not to user {uid}", dir.display())]
    NotOurs {
        /// Which.
        dir: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose it should be.
        uid: u32,
    },
    /// Others may get in.
    #[error("{} is open to others (mode {mode:04o})", dir.display())]
    OpenToOthers {
        /// Which.
        dir: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It cannot be made or looked at.
    #[error("{} cannot be used", dir.display())]
    Unusable {
        /// Which.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DirsError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NotADirectory { .. } | Self::NotOurs { .. } | Self::OpenToOthers { .. } => Class::Refused,
            Self::NoHome => Class::Usage,
            Self::Unusable { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoHome => "Set HOME to your home directory.".to_owned(),
            Self::NotADirectory { dir, .. } | Self::NotOurs { dir, .. } => {
                format!("Find out who put {} there, and move it out of the way.", dir.display())
            }
            Self::OpenToOthers { dir, .. } => {
                format!("If you trust what is in it: chmod 700 {}", dir.display())
            }
            Self::Unusable { dir, .. } => format!("Check that you may write to {}.", dir.display()),
        })
    }
}
