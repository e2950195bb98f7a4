//! Why the helper would not, or could not.

use model::Class;
use serde::{Deserialize, Serialize};

/// What kind of refusal it is, for programs. People read [`Refusal::message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The call cannot be read, or asks for something that cannot be.
    BadRequest,
    /// The caller is of another release.
    OtherRelease,
    /// What was named is not what root may touch.
    Forbidden,
    /// The machine has no lease.
    NoLease,
    /// The machine runs, or does not, and that does not allow it.
    WrongState,
    /// This host lacks what is needed.
    HostLacks,
    /// There is no number, address or room left.
    Exhausted,
    /// The machine's own process failed; the message holds what it said.
    Machine,
    /// It was tried and failed.
    Failed,
    /// The helper is wrong.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 10] = [
        Self::BadRequest,
        Self::OtherRelease,
        Self::Forbidden,
        Self::NoLease,
        Self::WrongState,
        Self::HostLacks,
        Self::Exhausted,
        Self::Machine,
        Self::Failed,
        Self::Internal,
    ];

    /// Returns the HTTP status that carries it.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::NoLease => 404,
            Self::WrongState => 409,
            Self::OtherRelease => 412,
            Self::HostLacks => 424,
            Self::Failed | Self::Internal => 500,
            Self::Machine => 502,
            Self::Exhausted => 507,
        }
    }

    /// Says whose turn it is. A daemon that makes a bad call is wrong itself.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::BadRequest | Self::Internal => Class::Bug,
            Self::OtherRelease => Class::Unreachable,
            Self::Forbidden => Class::Refused,
            Self::HostLacks => Class::HostLacks,
            Self::NoLease | Self::WrongState | Self::Exhausted | Self::Machine | Self::Failed => {
                Class::Failed
            }
        }
    }
}

/// Why the helper would not, or could not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{message}")]
pub struct Refusal {
    /// What kind it is.
    pub code: Code,
    /// `<what was being done>: <why>`, on one line.
    pub message: String,
    /// What the user can do, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Refusal {
    /// Makes a refusal without a hint.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn hinted(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
