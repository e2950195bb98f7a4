//! Why the daemon would not, or could not.

use model::{Class, OpId};
use serde::{Deserialize, Serialize};

/// What kind of failure it is, for programs. People read [`Failure::message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request cannot be read, or asks for something that cannot be.
    BadRequest,
    /// No machine, image, kernel or operation has that name.
    NotFound,
    /// More than one machine could be meant.
    Ambiguous,
    /// The name is taken.
    AlreadyExists,
    /// The state that it is in does not allow it.
    WrongState,
    /// Something else uses it.
    InUse,
    /// A policy forbids it.
    Forbidden,
    /// This host lacks what is needed.
    HostLacks,
    /// The disk has too little room.
    NoRoom,
    /// The guest did not answer in time, or ended.
    Guest,
    /// It was cancelled.
    Cancelled,
    /// It was tried and failed.
    Failed,
    /// The daemon has not taken its machines up yet, has too much to do, or ends: ask again.
    Unavailable,
    /// Changes are held, as during an update: ask again.
    Held,
    /// The daemon is wrong.
    Internal,
}

impl Code {
    /// Returns the HTTP status that carries it.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Ambiguous | Self::AlreadyExists | Self::WrongState | Self::InUse | Self::Cancelled => 409,
            Self::HostLacks => 424,
            Self::Failed | Self::Internal => 500,
            Self::Guest => 502,
            Self::Unavailable | Self::Held => 503,
            Self::NoRoom => 507,
        }
    }

    /// Says whose turn it is.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::BadRequest => Class::Usage,
            Self::Forbidden | Self::InUse | Self::WrongState => Class::Refused,
            Self::HostLacks => Class::HostLacks,
            Self::Unavailable | Self::Held => Class::Unreachable,
            Self::Internal => Class::Bug,
            Self::NotFound
            | Self::Ambiguous
            | Self::AlreadyExists
            | Self::NoRoom
            | Self::Guest
            | Self::Cancelled
            | Self::Failed => Class::Failed,
        }
    }
}

/// Why the daemon would not, or could not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind it is.
    pub code: Code,
    /// `<what was being done>: <why>`, on one line.
    pub message: String,
    /// What the user can do, in a sentence that names the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The operation that failed: the daemon's log has more under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<OpId>,
}
