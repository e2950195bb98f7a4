//! How an error becomes what a client is told.

use std::error::Error;

use api::{Code, Failure};
use host::process::ProcessError;
use model::Class;

/// Makes a failure of a line that says `<what was being done>: <why>`.
pub(crate) fn failure(code: Code, message: impl Into<String>) -> Failure {
    Failure { code, message: without_numbers(&message.into()), hint: None, op: None }
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
    let mut last = text.clone();
    let mut source = error.source();
    while let Some(error) = source {
        let said = error.to_string();
        // Some libraries repeat their source's words, or have a source that repeats theirs.
        if !last.ends_with(&said) && !said.ends_with(&last) {
            text.push_str(": ");
            text.push_str(&said);
            last = said;
        }
        source = error.source();
    }
    without_numbers(&text.replace('\n', " "))
}

/// Leaves out the system's numbers, which say nothing that its words beside them do not.
fn without_numbers(text: &str) -> String {
    const MARK: &str = " (os error ";
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        plain.push_str(before);
        let behind = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
        rest = behind.strip_prefix(')').unwrap_or(behind);
    }
    plain + rest
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

/// Makes a failure of what went wrong with a process.
pub(crate) fn process_failed(error: &ProcessError) -> Failure {
    let code = match error {
        ProcessError::NoSuchSignal { .. } => Code::BadRequest,
        _ => Code::Failed,
    };
    let failure = failure(code, format!("reach the machine's process: {}", chain(error)));
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_numbers_are_left_out() {
        let full = std::io::Error::from_raw_os_error(28);
        let text = failure(Code::Failed, format!("make a: {full}, and b: {full}")).message;
        assert_eq!(text, "make a: No space left on device, and b: No space left on device");
        assert_eq!(chain(&full), "No space left on device");
        assert_eq!(failure(Code::Failed, "find box").message, "find box");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Said {
        text: &'static str,
        source: Option<Box<Self>>,
    }

    #[test]
    fn of_words_that_repeat_each_other_one_is_told() {
        let said = |texts: &[&'static str]| {
            let link = |source, text: &&'static str| Some(Box::new(Said { text, source }));
            texts.iter().rev().fold(None, link).unwrap()
        };
        for (texts, told) in [
            (&["record it", "the disk is full"][..], "record it: the disk is full"),
            (
                &["record it", "the disk is full", "Error code 13: the disk is full"],
                "record it: the disk is full",
            ),
            (
                &["record it: the disk is full", "the disk is full", "no room"],
                "record it: the disk is full: no room",
            ),
        ] {
            assert_eq!(chain(&*said(texts)), told);
        }
    }
}
