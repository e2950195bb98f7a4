//! Why banger was not installed, or not removed.

use std::{io, path::PathBuf};

use model::Class;

/// Why banger was not installed, or not removed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// No user has this name.
    #[error("there is no user {user:?}")]
    NoUser {
        /// The name.
        user: String,
    },
    /// Who users are cannot be asked.
    #[error("the system does not say who {user:?} is")]
    UsersUnknown {
        /// The name.
        user: String,
        /// What the system said.
        source: host::program::ProgramError,
    },
    /// Root was named as the owner.
    #[error("the owner cannot be root")]
    OwnerIsRoot,
    /// It is installed for another user.
    #[error("banger is installed for {owner} already")]
    OtherOwner {
        /// Whose it is.
        owner: String,
    },
    /// A program of the release is not where the others are.
    #[error("there is no {}", path.display())]
    NoProgram {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Something else has a name that the install needs.
    #[error("{} is {kind}, and banger did not put it there", path.display())]
    NotOurs {
        /// The path.
        path: PathBuf,
        /// What is there, with its article.
        kind: &'static str,
    },
    /// A directory that should be the owner's is another user's.
    #[error("{} belongs to user {uid}", path.display())]
    OthersDirectory {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// The disk did not take or give something. What was done before stays; doing it again is safe.
    #[error("{what} {}", path.display())]
    Disk {
        /// What was being done.
        what: &'static str,
        /// To what.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
}

impl InstallError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NoUser { .. } => Class::Usage,
            Self::OwnerIsRoot
            | Self::OtherOwner { .. }
            | Self::NotOurs { .. }
            | Self::OthersDirectory { .. } => Class::Refused,
            Self::NoProgram { .. } => Class::HostLacks,
            Self::UsersUnknown { .. } | Self::Disk { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoUser { .. } | Self::OwnerIsRoot => {
                "Name the user whose machines they will be: --owner USER.".to_owned()
            }
            Self::OtherOwner { owner } => {
                format!("`sudo banger system uninstall` first, or install it with --owner {owner}.")
            }
            Self::NoProgram { .. } => {
                "banger, bangerd, bangerd-root and banger-vsock-agent belong into one directory.".to_owned()
            }
            Self::NotOurs { path, .. } => format!(
                "Find out who put it there; where it is not needed: sudo mv {0} {0}.old",
                path.display()
            ),
            Self::OthersDirectory { path, .. } => {
                format!("Find out what is in {}, and move it out of the way.", path.display())
            }
            Self::Disk { path, .. } => {
                let dir = path.parent().unwrap_or(path);
                format!("Check that {} can be written to and has room.", dir.display())
            }
            Self::UsersUnknown { .. } => return None,
        })
    }

    /// For `map_err`: what was being done to which path.
    pub(crate) fn disk(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { what, path, source }
    }
}
