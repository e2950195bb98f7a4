//! A copy of the database beside it, for an updater that may have to go back.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use rusqlite::{Connection, OpenFlags};

use crate::{CopyError, StoreError, backup, error::opening, lock, migration};

/// How the name of every copy begins. What has such a name is a copy, or what is left of one.
const NAME: &str = "state.db.copy";

/// Copies the database at `path` to `to`, which lies beside it and is named `state.db.copy…`: consistent, also
/// while a daemon has it open, for the owner alone, and on the disk when this returns. A copy of that name from an
/// earlier time is replaced. Returns the copy's size in bytes; `None`, with no such copy left, where there is no
/// database.
///
/// # Errors
///
/// [`CopyError`]; an earlier copy is then as it was.
pub fn copy(path: &Path, to: &Path) -> Result<Option<u64>, CopyError> {
    check_place(path, to)?;
    let is_there = path.try_exists().map_err(CopyError::disk("look for", path))?;
    if !is_there {
        remove(to)?;
        return Ok(None);
    }
    let _lock = lock::shared(path).map_err(CopyError::database)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|source| CopyError::database(opening(path, source)))?;
    migration::sound(&connection, path).map_err(CopyError::database)?;
    backup::copy(&connection, to).map_err(|source| CopyError::Database {
        source: StoreError::BackupNotMade { path: to.to_owned(), source },
    })?;
    let copied = fs::metadata(to).map_err(CopyError::disk("look at", to))?;
    Ok(Some(copied.len()))
}

/// Puts the copy at `from` in the place of the database at `path`, which nobody may have open. Returns `false`,
/// with nothing done, where there is no such copy: putting it back takes it away.
///
/// It may be cut off anywhere and begun again: until the copy has become the database it is there.
///
/// # Errors
///
/// [`CopyError`]. Where the copy cannot be used or the database is open, nothing was changed.
pub fn restore(path: &Path, from: &Path) -> Result<bool, CopyError> {
    check_place(path, from)?;
    let _lock = lock::exclusive(path)?;
    if !from.try_exists().map_err(CopyError::disk("look for", from))? {
        return Ok(false);
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let unusable = |source| CopyError::database(opening(from, source));
    let copy = Connection::open_with_flags(unchanging(from), flags).map_err(unusable)?;
    migration::sound(&copy, from).map_err(CopyError::database)?;
    drop(copy);
    // What is left of the other release's journals would be played into the copy. They go first: a database without
    // its journal is damaged at worst, and is replaced when this is begun again; none at all would be made anew.
    for journal in ["-wal", "-shm", "-journal"] {
        remove(&backup::beside(path, journal))?;
        remove(&backup::beside(from, journal))?;
    }
    sync_dir(path)?;
    fs::rename(from, path).map_err(CopyError::disk("put in place", from))?;
    sync_dir(path)?;
    Ok(true)
}

/// An address by which SQLite reads a file as one that does not change, and makes none beside it.
fn unchanging(path: &Path) -> String {
    use std::{fmt::Write as _, os::unix::ffi::OsStrExt as _};
    let mut address = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._".contains(byte) {
            address.push(char::from(*byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(address, "%{byte:02x}");
        }
    }
    address + "?immutable=1"
}

/// A copy lies beside its database, so that putting it back is a rename, and under a name that nothing else has.
fn check_place(path: &Path, copy: &Path) -> Result<(), CopyError> {
    let refused = |why| Err(CopyError::Refused { path: copy.to_owned(), why });
    let name = copy.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !name.starts_with(NAME) || copy.extension().is_some_and(|end| end == "new") {
        return refused("a copy is named state.db.copy…, and not ….new");
    }
    if copy.parent() != path.parent() {
        return refused("a copy lies beside the database");
    }
    let own = rustix::process::geteuid().as_raw();
    match path.parent().map(fs::metadata) {
        Some(Ok(dir)) if dir.uid() != own => return refused("its directory is another user's"),
        Some(Err(source)) if source.kind() != io::ErrorKind::NotFound => {
            return Err(CopyError::disk("look at the directory of", copy)(source));
        }
        _ => {}
    }
    match fs::symlink_metadata(copy) {
        Ok(found) if !found.is_file() => refused("it is there, and is no file"),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CopyError::disk("look at", copy)(error)),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<(), CopyError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CopyError::disk("remove", path)(error)),
        _ => Ok(()),
    }
}

fn sync_dir(path: &Path) -> Result<(), CopyError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(CopyError::disk("write to the disk", dir))
}
