//! Writing what lasts: beside, synced, renamed.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, lchown, symlink},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::plan::Ids;

/// How much of a file is read at once, in bytes.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// The name of what is written beside `path` before it is renamed.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, ToOwned::to_owned);
    name.push(".partial");
    path.with_file_name(name)
}

/// Syncs the directory that holds `path`, so that a name in it lasts.
///
/// # Errors
///
/// What the disk says.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    sync_dir(path.parent().unwrap_or(Path::new("/")))
}

/// Syncs a directory.
///
/// # Errors
///
/// What the disk says.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes a directory that is not there and that all may enter, whatever the umask: whoever runs a program in it is
/// somebody else.
///
/// # Errors
///
/// What the disk says.
pub fn new_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// As [`new_dir`], with those above it, each where it is not there.
///
/// # Errors
///
/// What the disk says.
pub fn new_dirs(path: &Path) -> io::Result<()> {
    let made = match new_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            new_dirs(path.parent().ok_or(error)?)?;
            new_dir(path)
        }
        made => made,
    };
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Makes a directory with its parents, those with mode 0755.
///
/// # Errors
///
/// What the disk says.
pub fn make_dir(path: &Path, mode: u32, ids: Ids) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        new_dirs(parent)?;
    }
    // Closed until it is the owner's: what is made open may be entered meanwhile.
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        done => done?,
    }
    // Where it is a link to another disk, what it leads to is meant.
    chown(path, Some(ids.uid), Some(ids.gid))?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    sync_dir(path)?;
    sync_parent(path)
}

/// Gives something to a user, unless it is that user's.
///
/// # Errors
///
/// What the disk says.
pub fn give(path: &Path, ids: Ids) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if (found.uid(), found.gid()) == (ids.uid, ids.gid) {
        return Ok(());
    }
    lchown(path, Some(ids.uid), Some(ids.gid))
}

/// Writes a file that all may read, so that a reader sees the old one or the new one.
///
/// # Errors
///
/// What the disk says.
pub fn write_file(path: &Path, text: &str, ids: Ids) -> io::Result<()> {
    let spare = beside(path);
    remove_file(&spare)?;
    let mut file = new_file(&spare, 0o644)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    give(&spare, ids)?;
    fs::rename(&spare, path)?;
    sync_parent(path)
}

/// Makes a link, so that a reader sees the old one or the new one.
///
/// # Errors
///
/// What the disk says.
pub fn write_link(path: &Path, to: &Path, ids: Ids) -> io::Result<()> {
    let spare = beside(path);
    remove_file(&spare)?;
    symlink(to, &spare)?;
    give(&spare, ids)?;
    fs::rename(&spare, path)?;
    sync_parent(path)
}

/// Makes a file that is not there, with this mode whatever the umask.
///
/// # Errors
///
/// What the disk says.
pub fn new_file(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

/// Removes a file or link. Removing what is not there is a success.
///
/// # Errors
///
/// What the disk says.
pub fn remove_file(path: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_file(path))
}

/// Removes a directory with all that is in it, and whatever else has the name. Follows no links.
///
/// # Errors
///
/// What the disk says.
pub fn remove_all(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => absent_is_fine(fs::remove_dir_all(path)),
        Ok(_) => remove_file(path),
        Err(error) => absent_is_fine(Err(error)),
    }
}

/// Removes a directory if nothing is in it.
///
/// # Errors
///
/// What the disk says.
pub fn remove_empty(path: &Path) -> io::Result<()> {
    match absent_is_fine(fs::remove_dir(path)) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        done => done,
    }
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(())
        }
        done => done,
    }
}

/// Gives a directory that is whole and synced the name `path`. One that has it already and is another goes: they change
/// places first, so that the name is never free.
///
/// # Errors
///
/// What the disk says: `path` is then what it was, or what was given.
pub fn rename_over(whole: &Path, path: &Path) -> io::Result<()> {
    match fs::rename(whole, path) {
        // rename(2) has two words for it; which one comes depends on the file system.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) =>
        {
            renameat_with(CWD, whole, CWD, path, RenameFlags::EXCHANGE)?;
            sync_parent(path)?;
            remove_all(whole)
        }
        done => done.and_then(|()| sync_parent(path)),
    }
}

/// Says whether two files hold the same bytes.
///
/// # Errors
///
/// What the disk says.
pub fn same_bytes(one: &Path, two: &Path) -> io::Result<bool> {
    let (mut one, mut two) = (File::open(one)?, File::open(two)?);
    if one.metadata()?.len() != two.metadata()?.len() {
        return Ok(false);
    }
    let (mut of_one, mut of_two) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    loop {
        let read = one.read(&mut of_one)?;
        if read == 0 {
            return Ok(true);
        }
        two.read_exact(&mut of_two[..read])?;
        if of_one[..read] != of_two[..read] {
            return Ok(false);
        }
    }
}
