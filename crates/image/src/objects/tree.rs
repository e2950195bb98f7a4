//! Whole trees: synced, measured, copied, removed.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, PermissionsExt},
    path::Path,
};

use rustix::fs::{FallocateFlags, SeekFrom, seek};

use crate::{Fault, Job, fault::At};

pub(crate) fn sync_dir(dir: &Path) -> Result<(), Fault> {
    File::open(dir).and_then(|dir| dir.sync_all()).at("sync", dir)
}

/// Brings every file of a tree to the disk, then the directories.
pub(crate) fn sync_tree(dir: &Path) -> Result<(), Fault> {
    for entry in fs::read_dir(dir).at("read", dir)? {
        let path = entry.at("read", dir)?.path();
        let kind = fs::symlink_metadata(&path).at("read", &path)?.file_type();
        if kind.is_dir() {
            sync_tree(&path)?;
        } else if kind.is_file() {
            File::open(&path).and_then(|file| file.sync_all()).at("sync", &path)?;
        }
    }
    sync_dir(dir)
}

/// Removes a file or a tree, also below directories that may not be written. What is not there is removed.
pub(crate) fn remove_tree(path: &Path) -> Result<(), Fault> {
    match fs::remove_dir_all(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return fs::remove_file(path).at("remove", path);
        }
        Err(_) => unlock_dirs(path),
    }
    fs::remove_dir_all(path).at("remove", path)
}

fn unlock_dirs(dir: &Path) {
    // Best effort: the removal that follows says what is still in the way.
    let _unchanged = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            unlock_dirs(&entry.path());
        }
    }
}

/// Copies what is not a hole.
pub(super) fn copy_data(from: &File, to: &File, len: u64, path: &Path, job: &Job) -> Result<(), Fault> {
    let mut buf = vec![0; 1 << 20];
    let mut at = 0;
    while let Some((begin, end)) = next_data(from, at, len).at("read", path)? {
        at = begin;
        while at < end {
            job.check()?;
            let want = usize::try_from(end - at).unwrap_or(buf.len()).min(buf.len());
            let part = &mut buf[..want];
            from.read_exact_at(part, at).at("read", path)?;
            to.write_all_at(part, at).at("write", path)?;
            at += want as u64;
        }
        job.progress(at, Some(len));
    }
    Ok(())
}

/// Gives back the room of what is written and all zeros.
pub(crate) fn dig_holes(path: &Path) -> Result<(), Fault> {
    const STEP: u64 = 64 << 10;
    let file = File::options().read(true).write(true).open(path).at("open", path)?;
    let len = file.metadata().at("read", path)?.len();
    let mut buf = vec![0; 64 << 10];
    let mut at = 0;
    while let Some((begin, end)) = next_data(&file, at, len).at("read", path)? {
        at = begin / STEP * STEP;
        while at < end {
            let count = file.read_at(&mut buf, at).at("read", path)?;
            if count > 0 && buf[..count].iter().all(|byte| *byte == 0) {
                let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                // Where the file system knows no holes, it stays as long as it is.
                let _kept = rustix::fs::fallocate(&file, flags, at, count as u64);
            }
            at += STEP;
        }
    }
    Ok(())
}

fn next_data(file: &File, at: u64, len: u64) -> io::Result<Option<(u64, u64)>> {
    if at >= len {
        return Ok(None);
    }
    match seek(file, SeekFrom::Data(at)) {
        Ok(begin) => {
            let end = seek(file, SeekFrom::Hole(begin))?.min(len);
            Ok((begin < end).then_some((begin, end)))
        }
        Err(rustix::io::Errno::NXIO) => Ok(None),
        // A file system that knows no holes: all of it is data.
        Err(rustix::io::Errno::INVAL) => Ok(Some((at, len))),
        Err(error) => Err(error.into()),
    }
}
