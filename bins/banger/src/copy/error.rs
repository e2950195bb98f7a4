//! Why a copy was not made.

use std::{io, path::PathBuf};

use model::Class;

use super::PackError;
use crate::fault::{Explain, Fault, chain};

/// Why a copy was not made, or not whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// Neither side is in a machine.
    #[error("neither {from:?} nor {to:?} is in a machine")]
    NoMachine {
        /// What was given first.
        from: String,
        /// What was given second.
        to: String,
    },
    /// Both sides are.
    #[error("both sides are in machines")]
    TwoMachines,
    /// The target should be a directory.
    #[error("{path} is not a directory")]
    NotADirectory {
        /// Where it should be.
        path: String,
    },
    /// The target has no name.
    #[error("{path:?} names nothing")]
    NoName {
        /// What was given.
        path: String,
    },
    /// A file here cannot be read or written.
    #[error("{}", path.display())]
    Local {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The stream from the machine ended early or is none.
    #[error("what the machine sends cannot be read")]
    Stream {
        /// What is wrong with it.
        source: io::Error,
    },
    /// The machine sent something that would land elsewhere.
    #[error("the machine sent {path:?}, which would land outside the target")]
    Escapes {
        /// What it is called.
        path: String,
    },
    /// A file became shorter while it was read.
    #[error("{} became shorter while it was read", path.display())]
    Shrank {
        /// Which.
        path: PathBuf,
    },
}

impl CopyError {
    /// Whose turn it is.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::NoMachine { .. } | Self::TwoMachines | Self::NotADirectory { .. } | Self::NoName { .. } => {
                Class::Usage
            }
            Self::Escapes { .. } => Class::Refused,
            Self::Local { .. } | Self::Stream { .. } | Self::Shrank { .. } => Class::Failed,
        }
    }

    /// What the user can do.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoMachine { .. } => Some("Write MACHINE:/path for the side that is in a machine."),
            Self::TwoMachines => Some("Copy to this host first, and from here to the other machine."),
            Self::Escapes { .. } => Some("What was copied before it is there; do not trust this machine."),
            _ => None,
        }
    }
}

impl PackError for CopyError {
    fn is_hang_up(&self) -> bool {
        matches!(self, Self::Stream { .. })
    }
}

impl Explain for CopyError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {}", chain(&self)));
        Fault { hint: self.hint().map(str::to_owned), ..fault }
    }
}
