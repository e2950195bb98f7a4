//! `<name>.vm` in the hosts file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use fence::FenceError;
use model::Class;
use network::{Lease, with_block, without_block};
use rustix::fs::{AtFlags, CWD, StatVfsMountFlags, StatxAttributes, StatxFlags, statvfs, statx};

use crate::text_file::{self, TextFileError};

/// Every program of the host resolves names.
const MODE: u32 = 0o644;

/// Why names do not stand in the hosts file. It is as it was, whole.
#[derive(Debug, thiserror::Error)]
pub enum HostsError {
    /// It is a link: what it leads to is somebody else's to write.
    #[error("{} is a link", path.display())]
    Link {
        /// The file.
        path: PathBuf,
    },
    /// Nothing can take its place.
    #[error("{} is {why}", path.display())]
    Held {
        /// The file.
        path: PathBuf,
        /// What holds it.
        why: &'static str,
    },
    /// It cannot be read or replaced, or what stands in it is no longer what we wrote.
    #[error(transparent)]
    File(#[from] TextFileError),
}

impl HostsError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Link { .. } | Self::Held { .. } => Class::Refused,
            Self::File(error) => error.class(),
        }
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error @ TextFileError::Fence { .. }) => error.hint(),
            _ => Some("Names are left out of it; `ssh <name>.vm` works regardless.".to_owned()),
        }
    }
}

/// Writes the names of all machines into the hosts file. The rest of it, its owner, mode and attributes
/// stay. Returns whether something changed. Who reads it sees the old file or the new one.
///
/// # Errors
///
/// [`HostsError`]; the file is as it was.
pub fn write_names(path: &Path, leases: &[Lease]) -> Result<bool, HostsError> {
    change(path, |text| with_block(text, leases))
}

/// Takes our names out of the hosts file. Returns whether something changed.
///
/// # Errors
///
/// [`HostsError`]; the file is as it was.
pub fn remove_names(path: &Path) -> Result<bool, HostsError> {
    change(path, without_block)
}

/// Says whether the hosts file has the names of all machines, and no others of ours. Changes nothing.
///
/// # Errors
///
/// [`HostsError`]; names cannot be written into it.
pub(super) fn is_right(path: &Path, leases: &[Lease]) -> Result<bool, HostsError> {
    refuse_link(path)?;
    let text = text_file::read(path)?.unwrap_or_default();
    let wanted = with_block(&text, leases);
    let wanted = wanted.map_err(|source| TextFileError::Fence { path: path.to_owned(), source })?;
    if let Some(why) = held_by(path) {
        return Err(HostsError::Held { path: path.to_owned(), why });
    }
    Ok(wanted == text)
}

/// What keeps another file from taking this one's place, where something does that can be told beforehand.
fn held_by(path: &Path) -> Option<&'static str> {
    let look = |path| statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS).ok();
    if let Some(file) = look(path) {
        // Only what the file system tells is believed.
        let is = |attribute| (file.stx_attributes & file.stx_attributes_mask).contains(attribute);
        if is(StatxAttributes::MOUNT_ROOT) {
            return Some("mounted over");
        }
        if is(StatxAttributes::IMMUTABLE) {
            return Some("immutable");
        }
    }
    let is_read_only = statvfs(path.parent()?).is_ok_and(|it| it.f_flag.contains(StatVfsMountFlags::RDONLY));
    is_read_only.then_some("on a file system that is read-only")
}

fn refuse_link(path: &Path) -> Result<(), HostsError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => Err(HostsError::Link { path: path.to_owned() }),
        // Whoever reads it next says why it cannot be looked at.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn change(path: &Path, by: impl Fn(&str) -> Result<String, FenceError>) -> Result<bool, HostsError> {
    refuse_link(path)?;
    Ok(text_file::change(path, MODE, by)?)
}
