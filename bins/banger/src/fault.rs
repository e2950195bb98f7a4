//! What ends a command: what was being done, why it failed, whose turn it is.

use std::{error::Error, io};

use api::{Failure, client::ClientError};
use model::{Class, OpId, ParseError, SpecError};

use crate::exit;

/// A command's end that is not its success. Shown once, at the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `<what was being done>: <why>`, on one line.
    pub(crate) message: String,
    /// What the user can do.
    pub(crate) hint: Option<String>,
    /// The daemon's operation, for its log.
    pub(crate) op: Option<OpId>,
    /// Whose turn it is.
    pub(crate) class: Class,
    /// The exit code where it does not follow from the class: a signal's.
    pub(crate) code: Option<u8>,
}

impl Fault {
    pub(crate) fn new(class: Class, message: impl Into<String>) -> Self {
        Self { message: one_line(&message.into()), hint: None, op: None, class, code: None }
    }

    /// What was asked cannot be meant.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Class::Usage, message)
    }

    /// Banger was told to end.
    pub(crate) fn signal(signal: i32, message: impl Into<String>) -> Self {
        Self { code: Some(exit::of_signal(signal)), ..Self::new(Class::Failed, message) }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.code.unwrap_or_else(|| self.class.exit_code())
    }
}

/// Everything that can be told to a user.
pub(crate) trait Explain {
    /// Makes a fault of it. `doing` is a fragment: `list machines`.
    fn explain(self, doing: &str) -> Fault;
}

impl Explain for ClientError {
    fn explain(self, doing: &str) -> Fault {
        match self {
            // The daemon has said what was being done.
            Self::Refused { failure } => failure.into(),
            error => Fault {
                hint: error.hint(),
                op: error.op().cloned(),
                ..Fault::new(error.class(), format!("{doing}: {}", chain(&error)))
            },
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let Failure { code, message, hint, op } = failure;
        Self { hint, op, ..Self::new(code.class(), message) }
    }
}

impl Explain for io::Error {
    fn explain(self, doing: &str) -> Fault {
        Fault::new(Class::Failed, format!("{doing}: {}", plain_io(&self)))
    }
}

impl Explain for ParseError {
    fn explain(self, doing: &str) -> Fault {
        Fault::usage(format!("{doing}: {self}"))
    }
}

impl Explain for SpecError {
    fn explain(self, doing: &str) -> Fault {
        Fault::usage(format!("{doing}: {self}"))
    }
}

/// A result whose error can be told.
pub(crate) trait Doing<T> {
    /// Says what was being done when it failed.
    fn doing(self, doing: &str) -> Result<T, Fault>;
}

impl<T, E: Explain> Doing<T> for Result<T, E> {
    fn doing(self, doing: &str) -> Result<T, Fault> {
        self.map_err(|error| error.explain(doing))
    }
}

/// The error and what caused it, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.downcast_ref::<io::Error>().map_or_else(|| cause.to_string(), plain_io);
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// The system's words without its number: `No such file or directory`.
pub(crate) fn plain_io(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_number_is_never_shown() {
        let error = ClientError::Unreachable {
            socket: "/run/x.sock".into(),
            source: io::Error::from_raw_os_error(2),
        };
        let fault = error.explain("list machines");
        assert_eq!(
            fault.message,
            "list machines: no daemon answers at /run/x.sock: no such file or directory"
        );
        assert_eq!(fault.exit_code(), 5);
    }

    #[test]
    fn what_the_daemon_said_is_said_once() {
        let failure = Failure {
            code: api::Code::WrongState,
            message: "start box: it runs".to_owned(),
            hint: None,
            op: Some("op-000000000001".parse().unwrap()),
        };
        let fault = ClientError::Refused { failure }.explain("start machines");
        assert_eq!(fault.message, "start box: it runs");
        assert_eq!((fault.exit_code(), fault.op.is_some()), (3, true));
    }
}
