//! Why a kernel could not be made, found or booted from.

use std::io;

use model::Class;

use crate::{Fault, ext4::TreeError};

/// Why a kernel could not be imported, pulled or used. Nothing was changed by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A file, a program or the room for it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// No kernel has this name.
    #[error("there is no kernel {name:?}")]
    NoSuchKernel {
        /// The name asked for.
        name: String,
    },
    /// Nothing came in.
    #[error("the file is empty")]
    Empty,
    /// What came in is of another kind.
    #[error("it is no kernel: it is {found}")]
    NotAKernel {
        /// What it is, with its article.
        found: String,
    },
    /// What came in ends early.
    #[error("{what} ends early or is damaged")]
    Truncated {
        /// What: `the package`, `the archive`.
        what: &'static str,
        /// What the unpacking said, where it said something.
        source: Option<io::Error>,
    },
    /// A package or an archive holds no kernel.
    #[error("there is no kernel in {package}")]
    NoKernelInPackage {
        /// The package with its version, or `the archive`.
        package: String,
    },
    /// It is for another processor.
    #[error("it is for {found}, not for x86-64")]
    WrongArchitecture {
        /// The other processor.
        found: String,
    },
    /// It says of itself what cannot be.
    #[error("the kernel cannot be used: {why}")]
    Bad {
        /// Why.
        why: String,
    },
    /// An entry of an archive cannot be unpacked.
    #[error("the archive's entry {entry:?} cannot be unpacked: {why}")]
    Entry {
        /// Its path.
        entry: String,
        /// Why.
        why: &'static str,
    },
    /// A module without which no machine boots is neither built in nor there.
    #[error("the kernel {release} has no {module}, neither built in nor as a module")]
    MissingModule {
        /// The kernel.
        release: String,
        /// The module.
        module: &'static str,
    },
    /// The archive has no such package.
    #[error("the suite {suite} has no package {package}")]
    NoPackage {
        /// The suite asked.
        suite: String,
        /// The package.
        package: String,
    },
    /// A name of a suite that cannot be one.
    #[error("{suite:?} is no suite of an archive: only a-z, 0-9 and - may stand in it")]
    BadSuite {
        /// The name.
        suite: String,
    },
}

impl KernelError {
    /// Says whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Fault(fault) => fault.class(),
            Self::BadSuite { .. } => Class::Usage,
            Self::NoSuchKernel { .. }
            | Self::Empty
            | Self::NotAKernel { .. }
            | Self::Truncated { .. }
            | Self::NoKernelInPackage { .. }
            | Self::WrongArchitecture { .. }
            | Self::Bad { .. }
            | Self::Entry { .. }
            | Self::MissingModule { .. }
            | Self::NoPackage { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Fault(fault) => return fault.hint(),
            Self::NoSuchKernel { .. } => {
                "`banger kernel list` shows those there are; `banger kernel pull` gets one."
            }
            Self::Empty | Self::Truncated { .. } => "Get the file again, and compare its checksum.",
            Self::NotAKernel { .. } => {
                "A kernel is a Debian kernel package, a vmlinux, a vmlinuz, or a tar of one with its lib/modules."
            }
            Self::NoKernelInPackage { .. } => {
                "Take the package that holds /boot/vmlinuz-…: linux-image-<release>, not the one without a version."
            }
            Self::MissingModule { .. } => "Import the kernel together with its modules.",
            Self::NoPackage { .. } => {
                "`banger kernel pull` without a suite takes the kernel of the stable suite."
            }
            Self::WrongArchitecture { .. }
            | Self::Bad { .. }
            | Self::Entry { .. }
            | Self::BadSuite { .. } => {
                return None;
            }
        };
        Some(text.to_owned())
    }

    /// Takes what a tree said of an entry.
    pub(super) fn of_entry(entry: &std::path::Path, error: TreeError) -> Self {
        match error {
            TreeError::Fault(fault) => Self::Fault(fault),
            TreeError::Contents { source } => Self::Truncated { what: "the archive", source: Some(source) },
            TreeError::Entry { why } => Self::Entry { entry: entry.display().to_string(), why },
        }
    }
}
