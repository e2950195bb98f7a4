//! Why a disk could not be made or changed.

use std::{io, path::PathBuf};

use host::program::ProgramError;
use model::{Class, Size};

/// Why a disk could not be made or changed. What was half made is gone, what was there before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// There is too little room for it.
    #[error("{} has {free} free, too little for {}", dir.display(), file.display())]
    NoRoom {
        /// Where.
        dir: PathBuf,
        /// What was to be made.
        file: PathBuf,
        /// What was free then.
        free: Size,
    },
    /// The file that it is made from cannot be read.
    #[error("{} cannot be read", file.display())]
    Source {
        /// The image or the template.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("{} cannot be written", file.display())]
    Write {
        /// The disk's file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be made as a difference from the image.
    #[error("{} cannot be made", file.display())]
    Overlay {
        /// The disk's file.
        file: PathBuf,
        /// What the tool said.
        source: ProgramError,
    },
    /// A disk only grows.
    #[error("the disk has {size} and cannot shrink to {wanted}")]
    Shrink {
        /// What it has.
        size: Size,
        /// What was asked for.
        wanted: Size,
    },
    /// It was cancelled.
    #[error("making {} was cancelled", file.display())]
    Cancelled {
        /// What was being made.
        file: PathBuf,
    },
    /// None of the allowed methods works here.
    #[error("no way is known to put {} over an image", file.display())]
    NoMethod {
        /// What was to be made.
        file: PathBuf,
    },
}

impl DiskError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NoRoom { .. } | Self::Write { .. } | Self::Source { .. } | Self::Cancelled { .. } => {
                Class::Failed
            }
            Self::Overlay { source, .. } => source.class(),
            Self::Shrink { .. } => Class::Usage,
            Self::NoMethod { .. } => Class::HostLacks,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoRoom { dir, .. } => {
                Some(format!("Free room below {}; `banger du` shows what could go.", dir.display()))
            }
            Self::Write { file, .. } | Self::Overlay { file, .. } => {
                let dir = file.parent().unwrap_or(file);
                Some(format!("Check that you may write to {}.", dir.display()))
            }
            Self::Shrink { size, .. } => Some(format!("Ask for {size} or more.")),
            Self::NoMethod { .. } => Some("Install qemu-img (package qemu-utils).".to_owned()),
            Self::Source { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// A failure to write `file`, told apart from a full disk.
    pub(crate) fn writing(file: PathBuf, source: io::Error) -> Self {
        let is_full = matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        match file.parent().filter(|_| is_full).map(ToOwned::to_owned) {
            Some(dir) => {
                let free = host::capacity::free_room(&dir).unwrap_or_default();
                Self::NoRoom { dir, file, free }
            }
            None => Self::Write { file, source },
        }
    }
}
