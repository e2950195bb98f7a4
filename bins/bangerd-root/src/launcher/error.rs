//! Why a machine's process does not come about.

use std::{io, path::PathBuf};

use model::Class;

/// Why a machine's process does not come about.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// What it is launched with cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What it is launched with is something else.
    #[error("{} says nothing of a launch", path.display())]
    NotARecord {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A file or a directory cannot be used.
    #[error("{} cannot be used", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The tap is not to be had.
    #[error("tap {tap} cannot be opened")]
    NoTap {
        /// Which.
        tap: String,
        /// What the system said.
        source: io::Error,
    },
    /// Root's rights stay.
    #[error("the rights of root cannot be given up")]
    StillRoot {
        /// What the system said.
        source: io::Error,
    },
    /// The number is no user of a machine's.
    #[error("user {uid} is no machine's")]
    NoMachines {
        /// The number.
        uid: u32,
    },
    /// The program is not executed.
    #[error("{} cannot be executed", program.display())]
    NotExecuted {
        /// Which.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl LaunchError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NotARecord { .. } | Self::NoMachines { .. } => Class::Bug,
            Self::NotExecuted { .. } => Class::HostLacks,
            Self::Unreadable { .. } | Self::Unusable { .. } | Self::NoTap { .. } | Self::StillRoot { .. } => {
                Class::Failed
            }
        }
    }
}
