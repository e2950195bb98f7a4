//! Why a guest did not come up: one line on its console.

use std::{fmt, io};

use crate::words;

/// What was being done, and why it was not.
#[derive(Debug)]
pub(super) struct BootError {
    what: String,
    why: String,
}

impl BootError {
    pub(super) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "banger: {}: {}", self.what, self.why)
    }
}

/// Says what was being done when a system call failed.
pub(super) trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, BootError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl Into<String>) -> Result<T, BootError> {
        self.map_err(|error| BootError::new(what, words::of(&error.into())))
    }
}
