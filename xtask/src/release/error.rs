//! Why no release was cut.

use std::{io, path::PathBuf};

use model::Version;

/// Why no release was cut. What is offered is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// What is committed is not what would be released.
    #[error("the tree has changes that are not committed; commit them, or --allow dirty: {files}")]
    Dirty {
        /// The first few of them.
        files: String,
    },
    /// The version is not the one that the programs have.
    #[error("{what} is {found}, not {version}; set it, or --allow version")]
    OtherVersion {
        /// Whose version it is.
        what: &'static str,
        /// What it is.
        found: String,
        /// What was asked for.
        version: Version,
    },
    /// Nobody would learn what is new.
    #[error("CHANGELOG.md has no section {heading:?}; write it, or --allow changelog")]
    NoSection {
        /// What it should begin with.
        heading: String,
    },
    /// There is such a release.
    #[error("{version} is there already, and a release never changes: {}", path.display())]
    Exists {
        /// Which.
        version: Version,
        /// Where.
        path: PathBuf,
    },
    /// A program that the release needs is not there.
    #[error("there is no {}", path.display())]
    NoProgram {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The key file holds no key that can sign.
    #[error("{} is not a PEM private key of ECDSA on P-256 without a passphrase (a key of cosign's own signs with cosign: leave --key out)", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// No host would accept it.
    #[error(
        "the key is none of public_keys in packaging/release.toml, so no host would accept what it signs; --allow key for a test"
    )]
    UntrustedKey,
    /// A program failed.
    #[error("{program}: {said}")]
    Program {
        /// Which, with what it was to do.
        program: String,
        /// What it said, or how it ended.
        said: String,
    },
    /// A file could not be read or written.
    #[error("{what} {}", path.display())]
    Disk {
        /// What was being done.
        what: &'static str,
        /// To what.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// It is not what a host accepts.
    #[error("no host would accept it")]
    Refused {
        /// As the updater says it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ReleaseError {
    /// For `map_err`: what was being done to which path.
    pub(super) fn disk(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { what, path, source }
    }

    /// For `map_err`: what was made is refused.
    pub(super) fn refused(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Refused { source: Box::new(source) }
    }
}
