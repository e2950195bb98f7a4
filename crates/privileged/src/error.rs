//! Why a call cannot be meant.

use model::SpecError;

use crate::Refusal;

/// Why a call cannot be meant.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No operation has this name.
    #[error("there is no operation {name:?}")]
    NoSuchOperation {
        /// What was asked for.
        name: String,
    },
    /// The body is not what the operation takes.
    #[error("{operation}: its body cannot be read")]
    BadBody {
        /// The operation.
        operation: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// What a machine is made of does not go together.
    #[error("{operation}: such a machine cannot be")]
    BadSpec {
        /// The operation.
        operation: &'static str,
        /// What is wrong with it.
        source: SpecError,
    },
    /// No such machine can be launched.
    #[error("{operation}: {why}")]
    BadLaunch {
        /// The operation.
        operation: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// A path does not lead to a file beneath the state directory.
    #[error("{path:?} is no path beneath the state directory: {why}")]
    BadPath {
        /// The path, or its beginning.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A signal that nobody may ask for.
    #[error("signal {number} may not be sent to a monitor")]
    BadSignal {
        /// The signal.
        number: i32,
    },
    /// A name that is none.
    #[error("{text:?} is not {what}")]
    BadName {
        /// The text, or its beginning.
        text: String,
        /// What it should be.
        what: &'static str,
    },
    /// A list that is too long.
    #[error("{operation}: {count} machines are named, and {max} is the most")]
    TooMany {
        /// The operation.
        operation: &'static str,
        /// How many were named.
        count: usize,
        /// How many may be.
        max: usize,
    },
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(source) = cause {
            message = format!("{message}: {source}");
            cause = source.source();
        }
        Self::new(crate::Code::BadRequest, message)
    }
}
