//! Why an update did not go on.

use std::{error::Error, io};

use model::Class;

/// Why an update did not go on: at which step, why, and what the user can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {why}")]
pub struct UpdateError {
    /// The step, in a word: `discover`.
    pub step: &'static str,
    /// Why, on one line.
    pub why: String,
    /// Whose turn it is.
    pub class: Class,
    /// One sentence that tells the user what to do.
    pub hint: Option<String>,
}

impl UpdateError {
    /// A failure of a step.
    pub fn failed(step: &'static str, why: impl Into<String>) -> Self {
        Self { step, why: why.into(), class: Class::Failed, hint: None }
    }

    /// A refusal.
    pub fn refused(step: &'static str, why: impl Into<String>) -> Self {
        Self { class: Class::Refused, ..Self::failed(step, why) }
    }

    /// The same, with what the user can do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// An error that says whose turn it is.
pub trait Told: Error + Sized + 'static {
    /// Whose turn it is.
    fn turn(&self) -> Class;

    /// What the user can do.
    fn advice(&self) -> Option<String> {
        None
    }

    /// As the failure of a step.
    fn at(self, step: &'static str) -> UpdateError {
        UpdateError { step, why: chain(&self), class: self.turn(), hint: self.advice() }
    }
}

macro_rules! told {
    ($($error:ty $(: $hint:ident)?),* $(,)?) => {
        $(impl Told for $error {
            fn turn(&self) -> Class {
                self.class()
            }
            $(fn advice(&self) -> Option<String> {
                self.$hint()
            })?
        })*
    };
}

told! {
    release::ManifestError: hint,
    release::TrustError: hint,
    release::KeyError: hint,
    release::VerifyError: hint,
    release::UrlError,
    release::SumsError,
    release::ArchiveError,
    release::UnpackError,
    release::StampError,
    download::DownloadError: hint,
    install::InstallError: hint,
    host::systemd::SystemdError: hint,
    host::program::ProgramError: hint,
    host::boot::BootError: hint,
    api::client::ClientError: hint,
    host::dirs::RecordError: hint,
    host::dirs::DirsError: hint,
    host::sockets::SocketError: hint,
    host::process::ProcessError: hint,
}

impl Told for io::Error {
    fn turn(&self) -> Class {
        Class::Failed
    }
}

/// The error and what caused it, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = plain(&cause.to_string());
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    plain(&text)
}

/// Without the system's number, and on one line.
fn plain(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => line,
    }
}
