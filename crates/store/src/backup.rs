//! The copy of the database that is made before each migration.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, backup::Backup};

use crate::{StoreError, error::backups_dir};

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
    let beside = beside(to, ".new");
    empty(&beside)?;
    let mut copy = Connection::open(&beside)?;
    Backup::new(connection, &mut copy)?.run_to_completion(PAGES_PER_STEP, Duration::ZERO, None)?;
    copy.close().map_err(|(_, source)| source)?;
    File::open(&beside)?.sync_all()?;
    fs::rename(&beside, to)?;
    File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// The file whose name goes on with `end`.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Makes an empty file for the owner alone, in the place of what is left of an earlier try.
fn empty(path: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(path, end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}
