//! Why a repository cannot be copied, or a patch not be applied.

use std::{io, path::PathBuf};

use model::Class;

/// Why a repository cannot be copied, or a patch not be applied. Nothing of the repository was changed, unless the
/// variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// The host has no git.
    #[error("this host has no git")]
    NoGit,
    /// There is no repository that could be meant.
    #[error("{} {why}", path.display())]
    NoRepository {
        /// What was given.
        path: PathBuf,
        /// What is wrong with it, as the rest of a sentence.
        why: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// A branch or a commit that was asked for cannot be had.
    #[error("{name:?} {why}")]
    BadReference {
        /// What was given.
        name: String,
        /// What is wrong with it, as the rest of a sentence.
        why: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// git did not do it.
    #[error("{what}: git says: {said}")]
    Git {
        /// What was being done.
        what: &'static str,
        /// git's own words, the last of them.
        said: String,
    },
    /// What git printed is not what it prints.
    #[error("{what}: git's answer cannot be understood")]
    BadAnswer {
        /// What was being done.
        what: &'static str,
    },
    /// The index names a file that no repository may have.
    #[error("the repository tracks {path:?}, which is no place in it")]
    BadPath {
        /// The path, as far as it can be shown.
        path: String,
    },
    /// A submodule's files are not here.
    #[error("the submodule {} is not checked out", path.display())]
    NotCheckedOut {
        /// Where it lies in the repository.
        path: PathBuf,
    },
    /// A file of the repository cannot be read.
    #[error("{}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file changed while it was copied.
    #[error("{} changed while it was copied", path.display())]
    Changed {
        /// Which.
        path: PathBuf,
    },
    /// What is made for the guest cannot be kept here.
    #[error("{}", path.display())]
    Scratch {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody takes what is sent.
    #[error("what is copied cannot be sent")]
    Send {
        /// What the system said.
        source: io::Error,
    },
    /// The patch does not fit the files that are here.
    #[error("it does not fit {}: {said}", top.display())]
    DoesNotApply {
        /// The repository.
        top: PathBuf,
        /// git's own words.
        said: String,
    },
}

impl WorkspaceError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NoGit => Class::HostLacks,
            Self::NoRepository { .. } | Self::BadReference { .. } => Class::Usage,
            Self::BadPath { .. } | Self::NotCheckedOut { .. } | Self::DoesNotApply { .. } => Class::Refused,
            Self::BadAnswer { .. } => Class::Bug,
            Self::Git { .. }
            | Self::Read { .. }
            | Self::Changed { .. }
            | Self::Scratch { .. }
            | Self::Send { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoGit => Some("Install git; a machine without a repository needs none."),
            Self::NoRepository { hint, .. } | Self::BadReference { hint, .. } => Some(hint),
            Self::NotCheckedOut { .. } => Some(
                "`git submodule update --init --recursive` gets it; `git update-index --skip-worktree PATH` \
                says that nobody wants it here.",
            ),
            Self::Changed { .. } => Some("Copy again when nobody writes there."),
            Self::Scratch { .. } => Some("Free room, or name another directory in TMPDIR."),
            Self::DoesNotApply { .. } => {
                Some("Nothing was changed. `-o FILE` keeps the patch, to be merged by hand.")
            }
            _ => None,
        }
    }
}
