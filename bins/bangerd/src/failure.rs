//! How an error becomes what a client is told.

use std::error::Error;

use api::{Code, Failure};
use model::Class;

/// Makes a failure of a line that says `<what was being done>: <why>`.
pub(crate) fn failure(code: Code, message: impl Into<String>) -> Failure {
    Failure { code, message: message.into(), hint: None, op: None }
}

/// Adds to a failure.
pub(crate) trait Explained {
    /// Adds what the user can do.
    fn hinted(self, hint: impl Into<String>) -> Self;
}

impl Explained for Failure {
    fn hinted(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Writes an error and all its sources on one line: each says something that the one before does not.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text.replace('\n', " ")
}

/// Returns the code that stands for whose turn it is, where nothing narrower is known.
pub(crate) fn code_of(class: Class) -> Code {
    match class {
        Class::Failed => Code::Failed,
        Class::Usage => Code::BadRequest,
        Class::Refused => Code::Forbidden,
        Class::HostLacks => Code::HostLacks,
        Class::Unreachable => Code::Unavailable,
        Class::Bug => Code::Internal,
    }
}

/// Makes a failure of an error: `doing` says what was being done.
pub(crate) fn from_error(doing: &str, error: &dyn Error, class: Class, hint: Option<String>) -> Failure {
    Failure { code: code_of(class), message: format!("{doing}: {}", chain(error)), hint, op: None }
}
