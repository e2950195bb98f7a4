//! The empty file system that every home disk begins as.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Fault, Job,
    ext4::{self, Layout},
    fault::At,
    objects::{Lock, dig_holes, sync_dir, sync_tree},
};

/// Which file system this is: another number for another layout, so that a release never takes a template
/// that another one left.
const FORMAT: u32 = 3;

/// The least size of a home disk, `model`'s.
const SIZE_BYTES: u64 = 64 << 20;

/// Linux 6.1 lets one transaction have a quarter of the journal's blocks, and adding a group takes one for
/// each of the 1024 blocks of descriptors that are reserved, and a few: with 16 MiB growing fails, with
/// "JBD2: init wants too many credits".
const LAYOUT: Layout = Layout { label: "banger-home", journal_mib: 24, slack_bytes: 0 };

/// Returns the template of home disks in `dir`, and makes it where it is not there yet.
///
/// It is an empty ext4 of 64 MiB, sparse (a few hundred KiB on disk), whose root directory is root's alone (0700).
/// A copy of it can be made longer, to 16 TiB, and grown while it is mounted. Two calls at once make one.
///
/// # Errors
///
/// [`Fault`]; there is no template then, or the one that was there.
pub fn home_template(dir: &Path, job: &Job) -> Result<PathBuf, Fault> {
    let path = dir.join(name());
    if path.exists() {
        return Ok(path);
    }
    fs::create_dir_all(dir).at("create", dir)?;
    let _lock = Lock::wait(&dir.join(".home.lock"), job)?;
    if path.exists() {
        return Ok(path);
    }
    // Under the lock nobody else makes one: what a killed process left is replaced.
    let partial = dir.join(".partial-home");
    crate::objects::remove_tree(&partial)?;
    let made = make(&partial, job).and_then(|disk| {
        sync_tree(&partial)?;
        fs::rename(disk, &path).at("create", &path)?;
        remove_others(dir)?;
        sync_dir(dir)
    });
    let cleared = crate::objects::remove_tree(&partial);
    made.and(cleared).map(|()| path)
}

fn name() -> String {
    format!("home-{FORMAT}.ext4")
}

/// Removes the templates of other releases; a machine's home is a copy, and needs none.
fn remove_others(dir: &Path) -> Result<(), Fault> {
    for entry in fs::read_dir(dir).at("read", dir)? {
        let path = entry.at("read", dir)?.path();
        let found = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_template = found.starts_with("home-") && path.extension() == Some("ext4".as_ref());
        if is_template && path.file_name() != Some(name().as_ref()) {
            fs::remove_file(&path).at("remove", &path)?;
        }
    }
    Ok(())
}

fn make(partial: &Path, job: &Job) -> Result<PathBuf, Fault> {
    fs::create_dir(partial).at("create", partial)?;
    let disk = partial.join("disk");
    ext4::make_private(&disk, &LAYOUT, SIZE_BYTES, partial, job)?;
    // mke2fs writes out the zeros that are reserved for growth.
    dig_holes(&disk)?;
    Ok(disk)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn it_is_made_once_small_and_clean() {
        let dir = tempfile::tempdir().unwrap();
        let first = home_template(dir.path(), &Job::quiet()).unwrap();
        let meta = fs::metadata(&first).unwrap();
        assert_eq!(meta.len(), SIZE_BYTES);
        assert!(meta.blocks() * 512 < 1 << 20, "{}", meta.blocks() * 512);
        ext4::check(&first, &Job::quiet()).unwrap();
        assert_eq!(home_template(dir.path(), &Job::quiet()).unwrap(), first);
        assert_eq!(fs::metadata(&first).unwrap().ino(), meta.ino());
        assert!(!dir.path().join(".partial-home").exists());
    }

    /// What the number stands for: whoever changes one changes the other.
    #[test]
    fn a_format_has_one_layout() {
        let dir = tempfile::tempdir().unwrap();
        let head = fs::read(home_template(dir.path(), &Job::quiet()).unwrap()).unwrap();
        // `struct ext4_super_block`: block size, inode size, features (compatible, incompatible, for
        // reading), blocks reserved for growth.
        let field = |at: usize| u32::from_le_bytes(head[1024 + at..][..4].try_into().unwrap());
        let found = [field(0x18), field(0x58) & 0xffff, field(0x5c), field(0x60), field(0x64)];
        let reserved = field(0xcc) >> 16;
        assert_eq!(
            (FORMAT, SIZE_BYTES, LAYOUT.journal_mib, found, reserved),
            (3, 64 << 20, 24, [2, 256, 0x3c, 0x2c2, 0x46b], 1024)
        );
    }

    #[test]
    fn an_older_releases_template_is_not_taken_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let old = dir.path().join("home-1.ext4");
        fs::write(&old, "old").unwrap();
        let made = home_template(dir.path(), &Job::quiet()).unwrap();
        assert_ne!(made, old);
        assert!(made.exists() && !old.exists());
    }

    #[test]
    fn a_cancelled_call_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job::quiet();
        job.canceller().cancel();
        assert!(matches!(home_template(dir.path(), &job), Err(Fault::Cancelled)));
        let left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [".home.lock"]);
    }
}
