//! The copy of the database that is made before each migration.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
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
    copy(connection, &dir, &to).map_err(|source| StoreError::BackupNotMade { path: to.clone(), source })?;
    Ok(to)
}

fn copy(
    connection: &Connection,
    dir: &Path,
    to: &Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let beside = to.with_extension("db.new");
    if fs::exists(&beside)? {
        fs::remove_file(&beside)?;
    }
    let mut copy = Connection::open(&beside)?;
    Backup::new(connection, &mut copy)?.run_to_completion(PAGES_PER_STEP, Duration::ZERO, None)?;
    copy.close().map_err(|(_, source)| source)?;
    File::open(&beside)?.sync_all()?;
    fs::rename(&beside, to)?;
    File::open(dir)?.sync_all()?;
    Ok(())
}
