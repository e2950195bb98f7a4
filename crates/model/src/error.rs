//! Why a text is not what it should be, and whose turn it is after any error of banger.

use serde::{Deserialize, Serialize};

/// Why a text could not be read as one of this crate's types.
///
/// Reads as the end of a sentence that names the text: `"Foo" is no machine name: …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: {why}")]
pub struct ParseError {
    text: String,
    what: &'static str,
    why: &'static str,
}

/// The part of an offending text that an error repeats, in characters.
const TEXT_CHARS_MAX: usize = 80;

impl ParseError {
    /// Says of `text` that it is not `what` (with its article), and `why`, as a clause.
    #[must_use]
    pub fn new(text: &str, what: &'static str, why: &'static str) -> Self {
        Self { text: text.chars().take(TEXT_CHARS_MAX).collect(), what, why }
    }

    /// Says what the text should have been, with its article: `a machine name`.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// Says what is wrong with it, as a clause.
    #[must_use]
    pub fn why(&self) -> &'static str {
        self.why
    }
}

/// Whose turn it is after an error. Exit codes and retries follow from this, never from a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It failed, and the same call may succeed later or elsewhere.
    Failed,
    /// What was asked cannot be meant: a bad name, an unknown image, a state that does not allow it.
    Usage,
    /// It could be done and is not allowed: a policy, a signature, operations in flight.
    Refused,
    /// This host lacks something that can be installed.
    HostLacks,
    /// The daemon cannot be reached.
    Unreachable,
    /// This program is wrong, or its state was changed behind its back.
    Bug,
}

impl Class {
    /// The exit code of a command that ends with this class of error (docs/exit-codes.md).
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::HostLacks => 4,
            Self::Unreachable => 5,
            Self::Bug => 6,
        }
    }
}
