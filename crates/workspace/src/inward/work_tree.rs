//! The files of a work tree, reached without following any link: what a repository tracks may lie behind one that
//! leads to somebody's keys.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStringExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat2, readlinkat},
    io::Errno,
};

use crate::WorkspaceError;

/// A work tree.
#[derive(Debug)]
pub(crate) struct WorkTree {
    root: OwnedFd,
    top: PathBuf,
}

/// What lies at a path.
#[derive(Debug)]
pub(crate) enum Found {
    File(Stat),
    Link(Stat, OwnedFd),
    /// Nothing that git would track: nothing at all, a directory, a pipe, or what lies behind a link.
    Nothing,
}

impl WorkTree {
    pub(crate) fn open(top: &Path) -> Result<Self, WorkspaceError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(top, flags, Mode::empty());
        let root =
            root.map_err(|errno| WorkspaceError::Read { path: top.to_owned(), source: errno.into() })?;
        Ok(Self { root, top: top.to_owned() })
    }

    fn reach(&self, path: &Path, flags: OFlags) -> Result<Option<OwnedFd>, WorkspaceError> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat2(&self.root, path, flags, Mode::empty(), resolve) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(self.unread(path, errno.into())),
        }
    }

    pub(crate) fn unread(&self, path: &Path, source: io::Error) -> WorkspaceError {
        WorkspaceError::Read { path: self.top.join(path), source }
    }

    /// Looks at a path without opening what is there.
    pub(crate) fn look(&self, path: &Path) -> Result<Found, WorkspaceError> {
        let Some(fd) = self.reach(path, OFlags::PATH)? else { return Ok(Found::Nothing) };
        let stat = fstat(&fd).map_err(|errno| self.unread(path, errno.into()))?;
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Found::File(stat),
            FileType::Symlink => Found::Link(stat, fd),
            _ => Found::Nothing,
        })
    }

    /// The permissions of a directory.
    pub(crate) fn dir_mode(&self, path: &Path) -> Result<u32, WorkspaceError> {
        let Some(fd) = self.reach(path, OFlags::PATH | OFlags::DIRECTORY)? else { return Ok(0o755) };
        let stat = fstat(&fd).map_err(|errno| self.unread(path, errno.into()))?;
        Ok(stat.st_mode & 0o777)
    }

    /// Opens a file; `None` where there is none any more.
    pub(crate) fn file(&self, path: &Path) -> Result<Option<(File, Stat)>, WorkspaceError> {
        // What was put in a file's place meanwhile, such as a pipe, must not hold this up.
        let Some(fd) = self.reach(path, OFlags::RDONLY | OFlags::NONBLOCK)? else { return Ok(None) };
        let stat = fstat(&fd).map_err(|errno| self.unread(path, errno.into()))?;
        let is_file = FileType::from_raw_mode(stat.st_mode).is_file();
        Ok(is_file.then(|| (File::from(fd), stat)))
    }

    /// Where a link leads.
    pub(crate) fn link(&self, path: &Path, link: &OwnedFd) -> Result<OsString, WorkspaceError> {
        let to = readlinkat(link, "", vec![]).map_err(|errno| self.unread(path, errno.into()))?;
        Ok(OsString::from_vec(to.into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn nothing_behind_a_link_is_reached() {
        let home = tempfile::tempdir().unwrap();
        let top = home.path().join("top");
        fs::create_dir_all(top.join("real")).unwrap();
        fs::write(home.path().join("secret"), "s").unwrap();
        fs::write(top.join("real/file"), "f").unwrap();
        symlink("..", top.join("up")).unwrap();
        symlink("real", top.join("alias")).unwrap();
        symlink("../secret", top.join("link")).unwrap();
        let tree = WorkTree::open(&top).unwrap();
        for path in ["up/secret", "alias/file", "gone", "real", "real/file/x"] {
            assert!(matches!(tree.look(Path::new(path)).unwrap(), Found::Nothing), "{path}");
        }
        assert!(matches!(tree.look(Path::new("real/file")).unwrap(), Found::File(_)));
        let link = Path::new("link");
        let Found::Link(_, fd) = tree.look(link).unwrap() else { panic!("a link was not found") };
        assert_eq!(tree.link(link, &fd).unwrap(), "../secret");
        assert!(tree.file(link).unwrap().is_none());
        assert!(tree.file(Path::new("up/secret")).unwrap().is_none());
        assert!(tree.look(Path::new("../secret")).is_err());
    }
}
