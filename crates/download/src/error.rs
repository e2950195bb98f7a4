//! Why something was not fetched.

use std::{io, path::PathBuf};

use http::StatusCode;
use model::Class;
use release::{Url, UrlError};

/// Why something was not fetched. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
#[error("fetch {what}")]
pub struct DownloadError {
    /// What was to be fetched, in a word or two.
    pub what: &'static str,
    /// From where.
    pub url: Box<Url>,
    /// Why it was not.
    #[source]
    pub cause: Cause,
}

/// What went wrong with a download.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The server refused.
    #[error("HTTP {status}")]
    Status {
        /// With what: `404 Not Found`.
        status: StatusCode,
    },
    /// The server sends on to somewhere that is not named.
    #[error("the server sends on, and does not say where")]
    NoLocation,
    /// The server sends on to somewhere that nothing is fetched from.
    #[error("the server sends on")]
    Location {
        /// What is wrong with it.
        source: UrlError,
    },
    /// The server sends on and on.
    #[error("the server sent on {hops} times")]
    Redirects {
        /// How often it was followed.
        hops: u32,
    },
    /// It is longer than it may be.
    #[error("it is longer than {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: u64,
    },
    /// It ended before its end.
    #[error("the connection ended after {came_bytes} bytes")]
    Cut {
        /// What had come.
        came_bytes: u64,
        /// What the connection said.
        source: io::Error,
    },
    /// It came too slowly.
    #[error("fewer than {bytes_min} bytes came in {secs} s")]
    Slow {
        /// The least.
        bytes_min: u64,
        /// In how many seconds.
        secs: u64,
    },
    /// It took too long.
    #[error("no answer in time ({limit})")]
    Timeout {
        /// Which limit, as the library calls it.
        limit: String,
    },
    /// The server cannot be reached, or does not speak HTTP.
    #[error("the server cannot be asked")]
    Server {
        /// What the library says.
        source: Box<ureq::Error>,
    },
    /// It cannot be written.
    #[error("write {}", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
}

impl DownloadError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self.cause {
            Cause::Location { .. } | Cause::TooLong { .. } => Class::Refused,
            _ => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match &self.cause {
            Cause::NotWritten { path, .. } => {
                let dir = path.parent().unwrap_or(path);
                format!("Check that {} can be written to and has room.", dir.display())
            }
            Cause::Server { source } if is_tls(source) => {
                "Check that the host has certificates (ca-certificates) and the right time.".to_owned()
            }
            _ => format!("It was asked for at {}", self.url),
        })
    }
}

fn is_tls(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        ureq::Error::Io(error) => {
            error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some()
        }
        _ => false,
    }
}
