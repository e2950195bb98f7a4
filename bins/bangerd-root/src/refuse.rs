//! Errors as what a caller is told.

use std::error::Error;

use model::Class;
use privileged::{Code, Refusal};

/// An error and all that caused it, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        line = format!("{line}: {source}");
        cause = source.source();
    }
    line.replace('\n', ", ")
}

/// Tells of an error while something was being done.
pub(crate) fn refusal(doing: &str, error: &dyn Error, code: Code, hint: Option<String>) -> Refusal {
    Refusal { code, message: format!("{doing}: {}", chain(error)), hint }
}

/// The code of an error that knows its class.
pub(crate) fn code(class: Class) -> Code {
    match class {
        Class::Failed | Class::Unreachable => Code::Failed,
        Class::Usage => Code::BadRequest,
        Class::Refused => Code::Forbidden,
        Class::HostLacks => Code::HostLacks,
        Class::Bug => Code::Internal,
    }
}
