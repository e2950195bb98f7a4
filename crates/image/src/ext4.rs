//! ext4 file systems in files, made and checked without root.

mod make;
mod superblock;
mod tree;

use std::{fs::File, path::Path};

pub(crate) use make::{Layout, forget_identity, make, make_private};
pub(crate) use superblock::Superblock;
pub(crate) use tree::{Kind, Meta, Tree, TreeError};

use crate::{Fault, Job, fault::At, tool::Tool};

/// The package that has mke2fs, e2fsck, debugfs and resize2fs.
pub(crate) const PACKAGE: &str = "e2fsprogs";

/// Checks a file system that nothing uses; changes nothing.
pub(crate) fn check(path: &Path, job: &Job) -> Result<(), Fault> {
    Tool::new("e2fsck", PACKAGE)?.arg("-fn").arg(path).quiet().run(job).map(drop)
}

/// Puts right what can be put right without asking, the journal's rest included.
pub(crate) fn repair(path: &Path, job: &Job) -> Result<(), Fault> {
    Tool::new("e2fsck", PACKAGE)?.arg("-fp").arg(path).ok_codes(&[0, 1]).run(job).map(drop)
}

/// Reads a file of a file system in a file, up to 16 MiB; `None` where there is none.
pub(crate) fn read_file(disk: &Path, path: &str, job: &Job) -> Result<Option<Vec<u8>>, Fault> {
    let ended = debugfs(disk, &format!("cat \"{path}\""), job)?;
    Ok((!ended.is_empty()).then_some(ended))
}

/// The names in the root directory of a file system in a file.
pub(crate) fn root_names(disk: &Path, job: &Job) -> Result<Vec<String>, Fault> {
    let listing = debugfs(disk, "ls -p /", job)?;
    // Each line: /inode/mode/uid/gid/name/size/
    let names = String::from_utf8_lossy(&listing)
        .lines()
        .filter_map(|line| line.split('/').nth(5).map(str::to_owned))
        .collect();
    Ok(names)
}

/// Says whether something stands at a path of a file system in a file.
fn exists(disk: &Path, path: &str, job: &Job) -> Result<bool, Fault> {
    Ok(debugfs(disk, &format!("stat \"{path}\""), job)?.starts_with(b"Inode:"))
}

fn debugfs(disk: &Path, request: &str, job: &Job) -> Result<Vec<u8>, Fault> {
    Ok(Tool::new("debugfs", PACKAGE)?.args(["-R", request]).arg(disk).quiet().run(job)?.stdout)
}

/// Reads the superblock of a file; `None` where it has none.
pub(crate) fn superblock_of(path: &Path) -> Result<Option<Superblock>, Fault> {
    let file = File::open(path).at("open", path)?;
    Superblock::read(&file).at("read", path)
}
