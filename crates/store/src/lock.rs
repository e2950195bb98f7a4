//! The lock that says that somebody has the database open.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::{FlockOperation, flock};

use crate::StoreError;

/// Takes the shared lock beside the database at `path`. It is let go when the file is closed, also by a
/// crash.
///
/// # Errors
///
/// [`StoreError::Locked`] where it is held exclusively, [`StoreError::LockNotMade`] for anything else.
pub(crate) fn shared(path: &Path) -> Result<File, StoreError> {
    let lock_path = path.with_file_name("state.db.lock");
    let not_made = |source: io::Error| StoreError::LockNotMade { path: lock_path.clone(), source };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&lock_path)
        .map_err(not_made)?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::Locked { path: lock_path }),
        Err(errno) => Err(not_made(errno.into())),
    }
}
