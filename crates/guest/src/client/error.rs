//! Why a guest could not be asked, or would not.

use std::{io, path::PathBuf, time::Duration};

use model::Class;

/// Why a call to a guest's agent failed.
///
/// A variant says what was being asked; the system's or the library's own words are its `source`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// The machine's link socket is not there or does not accept.
    #[error("the link of the machine at {} cannot be reached", dir.display())]
    NoLink {
        /// The machine's directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The link is there and the agent does not answer on it (yet).
    #[error("the guest does not answer yet")]
    NotUp,

    /// The agent took too long.
    #[error("{what}: no answer within {} seconds", limit.as_secs())]
    TimedOut {
        /// What was asked.
        what: &'static str,
        /// How long it was waited for.
        limit: Duration,
    },

    /// The agent would not; its own words.
    #[error("{message}")]
    Refused {
        /// The HTTP status of the refusal.
        status: u16,
        /// What could not be done, and why.
        message: String,
        /// What the user can do, where there is something.
        hint: Option<String>,
    },

    /// The connection broke.
    #[error("{what}: the connection to the guest broke")]
    Broken {
        /// What was asked.
        what: &'static str,
        /// What the library said.
        source: hyper::Error,
    },

    /// A message is none that this contract knows.
    #[error("{what}: a message cannot be understood")]
    BadMessage {
        /// What was asked.
        what: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },

    /// The agent did not switch to the stream that was asked for.
    #[error("{what}: the guest answered with status {status} where a stream was due")]
    NoStream {
        /// What was asked.
        what: &'static str,
        /// The status it answered with.
        status: u16,
    },

    /// The question could not be put.
    #[error("{what}: the question cannot be written")]
    BadQuestion {
        /// What was to be asked.
        what: &'static str,
        /// What is wrong with it.
        source: hyper::http::Error,
    },
}

impl GuestError {
    /// Says whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Refused { status: 400..=499, .. } => Class::Usage,
            Self::NoLink { .. }
            | Self::NotUp
            | Self::TimedOut { .. }
            | Self::Refused { .. }
            | Self::Broken { .. } => Class::Failed,
            Self::BadMessage { .. } | Self::NoStream { .. } | Self::BadQuestion { .. } => Class::Bug,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint, .. } => hint.clone(),
            Self::NotUp | Self::TimedOut { .. } => {
                Some("Look at the machine's console with `banger vm logs`.".to_owned())
            }
            _ => None,
        }
    }

    /// Whether the guest may simply not be up yet, so that asking again soon makes sense.
    #[must_use]
    pub fn is_not_up_yet(&self) -> bool {
        matches!(self, Self::NoLink { .. } | Self::NotUp | Self::TimedOut { .. } | Self::Broken { .. })
    }
}
