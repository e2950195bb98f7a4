//! Why a file that the owner named is not carried over.

use std::{io, path::PathBuf};

use model::Class;

/// Why a file that the owner named is not carried over. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum JailError {
    /// There is none.
    #[error("{path} is not there")]
    Missing {
        /// Which, beneath the state directory.
        path: String,
    },
    /// A link stands on the way, or in its place.
    #[error("{path} leads over a symbolic link")]
    Link {
        /// Which, beneath the state directory.
        path: String,
    },
    /// The way leads out of the state directory, or to another file system.
    #[error("{path} leads out of the state directory")]
    Outside {
        /// Which.
        path: String,
    },
    /// It is something else than a file.
    #[error("{path} is {kind}, and no file")]
    NotAFile {
        /// Which, beneath the state directory.
        path: String,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// Somebody else's.
    #[error("{path} belongs to user {uid}, and not to the owner")]
    NotOwners {
        /// Which, beneath the state directory.
        path: String,
        /// Whose it is.
        uid: u32,
    },
    /// It has other names, and so may be something else too.
    #[error("{path} has {links} names, and a disk has one")]
    OtherNames {
        /// Which, beneath the state directory.
        path: String,
        /// How many it has.
        links: u64,
    },
    /// A machine's own file is to be shared.
    #[error("{path} is a machine's own, and cannot be shared")]
    NotShared {
        /// Which, beneath the state directory.
        path: String,
    },
    /// It lies on another file system than root's tree.
    #[error("{path} lies on another file system than {}", jails.display())]
    OtherFileSystem {
        /// Which, beneath the state directory.
        path: String,
        /// Where it was to be linked.
        jails: PathBuf,
    },
    /// What is mounted there cannot hold a jail.
    #[error("{} is mounted {flag}, and a jail needs devices and programs", jails.display())]
    Mount {
        /// Where it was to be.
        jails: PathBuf,
        /// The mount's flag: `nodev` or `noexec`.
        flag: &'static str,
    },
    /// The system refused.
    #[error("{what} cannot be used")]
    Unusable {
        /// What.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl JailError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Missing { .. } | Self::Unusable { .. } => Class::Failed,
            Self::OtherFileSystem { .. } | Self::Mount { .. } => Class::HostLacks,
            Self::Link { .. }
            | Self::Outside { .. }
            | Self::NotAFile { .. }
            | Self::NotOwners { .. }
            | Self::OtherNames { .. }
            | Self::NotShared { .. } => Class::Refused,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OtherFileSystem { jails, .. } => Some(format!(
                "Keep the daemon's state and {} on one file system: mount it above both.",
                jails.display()
            )),
            Self::Mount { jails, flag } => {
                Some(format!("Mount what {} lies on without {flag}, or set vmm = \"qemu\".", jails.display()))
            }
            Self::OtherNames { .. } => Some("Remove the other names, or copy the file.".to_owned()),
            _ => None,
        }
    }
}
