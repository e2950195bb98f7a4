//! Why a machine could not be launched, found or ended.

use std::{io, path::PathBuf, time::Duration};

use host::{process::ProcessError, spawn::SpawnError};
use model::Class;

/// Why a machine could not be launched, found or ended.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// A program was not started.
    #[error("the {part} cannot be started")]
    NotStarted {
        /// `monitor` or `link`.
        part: &'static str,
        /// Why.
        source: SpawnError,
    },
    /// A program ended at once.
    #[error("the {part} ended at once: {said}")]
    EndedAtOnce {
        /// `monitor` or `link`.
        part: &'static str,
        /// What it said, on one line.
        said: String,
    },
    /// A program is not ready.
    #[error("the {part} is not ready after {} s", limit.as_secs())]
    NotReady {
        /// `monitor` or `link`.
        part: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// It cannot be told which processes are the machine's.
    #[error("the {part} cannot be looked for")]
    NotFound {
        /// `monitor` or `link`.
        part: &'static str,
        /// Why.
        source: SpawnError,
    },
    /// A process cannot be watched or signalled.
    #[error("the {part} cannot be reached")]
    Process {
        /// `monitor` or `link`.
        part: &'static str,
        /// Why.
        source: ProcessError,
    },
    /// A process was killed and is still there.
    #[error("the {part} (process {pid}) is still there {} s after it was killed", limit.as_secs())]
    StillThere {
        /// `monitor` or `link`.
        part: &'static str,
        /// Its number.
        pid: u32,
        /// How long it had.
        limit: Duration,
    },
    /// A file of the machine's cannot be removed.
    #[error("{} cannot be removed", file.display())]
    NotRemoved {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl MachineError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NotStarted { source, .. } | Self::NotFound { source, .. } => source.class(),
            Self::Process { source, .. } => source.class(),
            Self::EndedAtOnce { .. }
            | Self::NotReady { .. }
            | Self::StillThere { .. }
            | Self::NotRemoved { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotStarted { source, .. } | Self::NotFound { source, .. } => source.hint(),
            Self::EndedAtOnce { part: "link", .. } => {
                Some("If a port is taken, publish another, or leave it open: --publish GUEST.".to_owned())
            }
            Self::StillThere { .. } => Some("Its disk may be hanging; ask again later.".to_owned()),
            Self::Process { source, .. } => source.hint(),
            Self::EndedAtOnce { .. } | Self::NotReady { .. } | Self::NotRemoved { .. } => None,
        }
    }
}
