//! The copy of the database that is made before each migration.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, backup::Backup};

use crate::{StoreError, copy::empty, error::backups_dir};

/// Pages of one step of the copy: nobody else writes, so one step could be all; this keeps it polite.
const PAGES_PER_STEP: i32 = 1024;

/// Copies the whole database into `backups/state-v<version>.db`, durably; a copy from an earlier time at
/// the same version is replaced. Returns where it lies.
///
/// # Errors
///
/// [`StoreError::BackupNotMade`]; an earlier copy is as it was.
pub(crate) fn make(connection: &Connection, path: &Path, version: u32) -> Result<PathBuf, StoreError> {
    let dir = backups_dir(path);
    let to = dir.join(format!("state-v{version}.db"));
    let not_made = |source| StoreError::BackupNotMade { path: to.clone(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(|error| not_made(error.into()))?;
    copy(connection, &to).map_err(not_made)?;
    Ok(to)
}

/// Copies the whole database to `to`, for the owner alone and durably, by way of `<to>.new`.
///
/// # Errors
///
/// What SQLite or the disk said; an earlier copy is as it was.
pub(crate) fn copy(
    connection: &Connection,
    to: &Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut beside = to.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    empty(&beside)?;
    let mut copy = Connection::open(&beside)?;
    Backup::new(connection, &mut copy)?.run_to_completion(PAGES_PER_STEP, Duration::ZERO, None)?;
    copy.close().map_err(|(_, source)| source)?;
    File::open(&beside)?.sync_all()?;
    fs::rename(&beside, to)?;
    File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}
