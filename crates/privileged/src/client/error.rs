//! Why a call to the helper came to nothing.

use std::{error::Error, io, path::PathBuf};

use model::Class;

use crate::Refusal;

/// Why a call to the helper came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens on the socket.
    #[error("the helper does not answer at {}", socket.display())]
    Unreachable {
        /// The socket that was tried.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The helper took the call and went away before it had replied. It may have been done.
    #[error("the helper hung up before it had replied to {operation}")]
    Lost {
        /// What was asked.
        operation: &'static str,
        /// What the connection said.
        source: Box<dyn Error + Send + Sync>,
    },

    /// The helper took the call and said nothing. It may still be done.
    #[error("the helper did not reply to {operation} within {limit_secs} s")]
    TimedOut {
        /// What was asked.
        operation: &'static str,
        /// How long it was waited for.
        limit_secs: u64,
    },

    /// The helper would not, or could not.
    #[error("{refusal}")]
    Refused {
        /// What it said.
        refusal: Refusal,
    },

    /// The helper said something that this client cannot read.
    #[error("the helper's reply to {operation} cannot be read: {why}")]
    Protocol {
        /// What was asked.
        operation: &'static str,
        /// What is wrong with the reply.
        why: String,
    },
}

impl ClientError {
    /// Says whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::TimedOut { .. } => Class::Unreachable,
            Self::Refused { refusal } => refusal.code.class(),
            Self::Protocol { .. } => Class::Bug,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { refusal } => refusal.hint.clone(),
            Self::Unreachable { .. } | Self::Lost { .. } | Self::TimedOut { .. } => {
                Some("See `systemctl status bangerd-root`, or `sudo banger system restart`.".to_owned())
            }
            Self::Protocol { .. } => None,
        }
    }
}
