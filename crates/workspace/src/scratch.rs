//! A directory for a while. It goes when it is dropped; where whoever made it was killed, with the next that is made.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::Path,
};

use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock, fstat, open},
    process::geteuid,
};
use tempfile::TempDir;

use crate::WorkspaceError;

/// How the names of such directories begin.
const PREFIX: &str = "banger-git.";

/// How often one is made where a sweep takes it away before it is locked.
const TRIES_MAX: u32 = 10;

/// A directory for a while, below the one for temporary files.
#[derive(Debug)]
pub(crate) struct Scratch {
    // The directory goes first: what is locked is not swept.
    dir: TempDir,
    _lock: OwnedFd,
}

impl Scratch {
    /// Makes one, and takes away those whose makers were killed.
    pub(crate) fn new() -> Result<Self, WorkspaceError> {
        let parent = std::env::temp_dir();
        sweep(&parent);
        Self::below(&parent).map_err(|source| WorkspaceError::Scratch { path: parent, source })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    fn below(parent: &Path) -> io::Result<Self> {
        for _ in 0..TRIES_MAX {
            let dir = TempDir::with_prefix_in(PREFIX, parent)?;
            // A sweep sees it without its lock for a moment.
            let Ok(lock) = open_dir(dir.path()) else { continue };
            flock(&lock, FlockOperation::LockExclusive)?;
            let ours = fstat(&lock)?;
            if fs::metadata(dir.path())
                .is_ok_and(|there| (there.dev(), there.ino()) == (ours.st_dev, ours.st_ino))
            {
                return Ok(Self { dir, _lock: lock });
            }
        }
        Err(io::Error::other("what is made there is taken away"))
    }
}

fn open_dir(path: &Path) -> rustix::io::Result<OwnedFd> {
    open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// Takes away what nobody has a lock on any more. What cannot be taken away is left to the next.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let Ok(dir) = open_dir(&entry.path()) else { continue };
        let is_ours = fstat(&dir).is_ok_and(|stat| stat.st_uid == geteuid().as_raw());
        if is_ours && flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, thread};

    use super::*;

    fn names(parent: &Path) -> Vec<String> {
        let names = fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_one_left_goes_and_what_is_in_use_stays() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name: &str| parent.path().join(name);
        fs::create_dir_all(at("banger-git.left/git/objects")).unwrap();
        fs::create_dir(at("banger-other")).unwrap();
        fs::create_dir(at("elsewhere")).unwrap();
        fs::write(at("elsewhere/kept"), "").unwrap();
        symlink("elsewhere", at("banger-git.link")).unwrap();
        fs::write(at("banger-git.file"), "").unwrap();
        let used = Scratch::below(parent.path()).unwrap();
        fs::write(used.path().join("file"), "").unwrap();
        sweep(parent.path());
        assert!(used.path().join("file").exists() && at("elsewhere/kept").exists());
        let name = used.path().file_name().unwrap().to_str().unwrap().to_owned();
        let mut wanted = ["banger-git.file", "banger-git.link", "banger-other", "elsewhere", &name];
        wanted.sort_unstable();
        assert_eq!(names(parent.path()), wanted);
        drop(used);
        assert!(!at(&name).exists());
    }

    #[test]
    fn a_sweep_never_hits_one_that_was_made() {
        let parent = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        sweep(parent.path());
                        let scratch = Scratch::below(parent.path()).unwrap();
                        sweep(parent.path());
                        fs::write(scratch.path().join("file"), "").unwrap();
                    }
                });
            }
        });
        assert_eq!(names(parent.path()), [""; 0]);
    }
}
