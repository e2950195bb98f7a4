//! The lock that says that somebody has the database open.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::{CopyError, StoreError};

/// Takes the shared lock beside the database at `path`. It is let go when the file is closed, also by a
/// crash.
///
/// # Errors
///
/// [`StoreError::Locked`] where it is held exclusively, [`StoreError::LockNotMade`] for anything else.
pub(crate) fn shared(path: &Path) -> Result<File, StoreError> {
    let (lock_path, file) = open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(StoreError::Locked { path: lock_path }),
        Err(errno) => Err(StoreError::LockNotMade { path: lock_path, source: errno.into() }),
    }
}

/// Takes it exclusively: nobody has the database open, and nobody opens it until the file is closed.
///
/// # Errors
///
/// [`CopyError::InUse`] where somebody has it open.
pub(crate) fn exclusive(path: &Path) -> Result<File, CopyError> {
    let (lock_path, file) = open(path).map_err(CopyError::database)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(CopyError::InUse { path: lock_path }),
        Err(errno) => Err(CopyError::disk("lock", &lock_path)(errno.into())),
    }
}

fn open(path: &Path) -> Result<(PathBuf, File), StoreError> {
    let lock_path = path.with_file_name("state.db.lock");
    let opened: io::Result<File> =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock_path);
    match opened {
        Ok(file) => Ok((lock_path, file)),
        Err(source) => Err(StoreError::LockNotMade { path: lock_path, source }),
    }
}
