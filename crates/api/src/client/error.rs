//! Why a call to the daemon came to nothing.

use std::{error::Error, io, path::PathBuf};

use model::{Class, OpId};

use crate::Failure;

/// Why a call to the daemon came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens on the socket.
    #[error("no daemon answers at {}", socket.display())]
    Unreachable {
        /// The socket that was tried.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The daemon took the call and went away before it had replied.
    #[error("the daemon hung up before it had replied")]
    Lost {
        /// What the connection said.
        source: Box<dyn Error + Send + Sync>,
    },

    /// The daemon took the call and said nothing.
    #[error("the daemon did not reply within {limit_secs} s")]
    TimedOut {
        /// How long it was waited for.
        limit_secs: u64,
    },

    /// The daemon would not, or could not.
    #[error("{failure}")]
    Refused {
        /// What it said.
        failure: Failure,
    },

    /// The daemon asked to be asked again, for too long.
    #[error("the daemon still asked to wait after {waited_secs} s: {why}")]
    Busy {
        /// How long it was asked.
        waited_secs: u64,
        /// What it said last.
        why: String,
    },

    /// The daemon said something that this client cannot read.
    #[error("the daemon's reply to {request} cannot be read: {why}")]
    Protocol {
        /// What was asked: `GET /v1/vms`.
        request: String,
        /// What is wrong with the reply.
        why: String,
    },

    /// The operation was begun by a daemon that is no more, and its successor does not know it.
    #[error("the daemon was restarted in the middle of operation {op}")]
    Restarted {
        /// The operation.
        op: OpId,
    },

    /// What was to be sent could not be read.
    #[error("what is to be sent cannot be read")]
    Upload {
        /// What the system said.
        source: io::Error,
    },
}

impl ClientError {
    /// Says whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::TimedOut { .. } | Self::Busy { .. } => {
                Class::Unreachable
            }
            Self::Refused { failure } => failure.code.class(),
            Self::Protocol { .. } => Class::Bug,
            Self::Restarted { .. } | Self::Upload { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { failure } => failure.hint.clone(),
            Self::TimedOut { .. } | Self::Busy { .. } => Some("See `banger daemon status`.".to_owned()),
            Self::Protocol { .. } => Some(
                "`banger version` and `banger daemon status` show whether both are one release.".to_owned(),
            ),
            Self::Restarted { .. } => Some("`banger vm list` shows what is there now.".to_owned()),
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Upload { .. } => None,
        }
    }

    /// The operation that it was about, where there is one.
    #[must_use]
    pub fn op(&self) -> Option<&OpId> {
        match self {
            Self::Refused { failure } => failure.op.as_ref(),
            Self::Restarted { op } => Some(op),
            _ => None,
        }
    }

    /// Whether the daemon says that what was named does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { failure } if failure.code == crate::Code::NotFound)
    }
}
