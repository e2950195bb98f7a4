//! Opens what the owner named: once, without following anything, and without touching what is there.

use std::{
    fs::File,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat2},
    io::Errno,
};

use super::JailError;

/// How often a way is walked again on which something was renamed meanwhile.
const WALKS_MAX: u32 = 16;

/// What of the state directory is each machine's own.
const MACHINES: &str = "vms/";

/// Whether more than one machine uses a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// One machine does, and may write it.
    Own,
    /// Many do, and may only read it.
    Shared,
}

/// The daemon's state directory, opened.
#[derive(Debug)]
pub struct State {
    dir: OwnedFd,
    owner_uid: u32,
}

/// A file of the owner's, held by a descriptor: whatever happens to its name, it stays this file.
#[derive(Debug)]
pub struct Opened {
    path: String,
    file: OwnedFd,
}

impl State {
    /// Opens the state directory. It and all above it are root's to replace.
    ///
    /// # Errors
    ///
    /// [`JailError::Unusable`].
    pub fn open(path: &Path, owner_uid: u32) -> Result<Self, JailError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = open(path, flags, Mode::empty());
        let unusable =
            |errno: Errno| JailError::Unusable { what: path.display().to_string(), source: errno.into() };
        Ok(Self { dir: dir.map_err(unusable)?, owner_uid })
    }

    /// The directory itself.
    #[must_use]
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Opens a file beneath it, for no more than to say what it is (`O_PATH`): no fifo waits, no device acts.
    ///
    /// # Errors
    ///
    /// [`JailError`].
    pub fn file(&self, path: &str, sharing: Sharing) -> Result<Opened, JailError> {
        let named = || path.to_owned();
        if sharing == Sharing::Shared && path.starts_with(MACHINES) {
            return Err(JailError::NotShared { path: named() });
        }
        let file = self.walk(path).map_err(|errno| match errno {
            Errno::NOENT | Errno::NOTDIR => JailError::Missing { path: named() },
            Errno::LOOP => JailError::Link { path: named() },
            Errno::XDEV => JailError::Outside { path: named() },
            errno => JailError::Unusable { what: named(), source: errno.into() },
        })?;
        let stat = look(&file, path)?;
        if let Some(kind) = other_than_file(&stat) {
            return Err(JailError::NotAFile { path: named(), kind });
        }
        if stat.st_uid != self.owner_uid {
            return Err(JailError::NotOwners { path: named(), uid: stat.st_uid });
        }
        Ok(Opened { path: named(), file })
    }

    fn walk(&self, path: &str) -> Result<OwnedFd, Errno> {
        // Without `NOFOLLOW`, under which a link in the file's place would be opened itself.
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV;
        let mut walked = Err(Errno::AGAIN);
        for _ in 0..WALKS_MAX {
            walked = openat2(&self.dir, path, flags, Mode::empty(), resolve);
            if !matches!(walked, Err(Errno::AGAIN)) {
                break;
            }
        }
        walked
    }
}

impl Opened {
    /// Where it was, beneath the state directory.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it is now.
    ///
    /// # Errors
    ///
    /// [`JailError::Unusable`].
    pub fn look(&self) -> Result<Stat, JailError> {
        look(&self.file, &self.path)
    }

    /// Opens this very file for its bytes.
    ///
    /// # Errors
    ///
    /// [`JailError::Unusable`].
    pub fn open(&self, sharing: Sharing) -> Result<File, JailError> {
        let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let opened = File::options().read(true).write(sharing == Sharing::Own).open(path);
        opened.map_err(|source| JailError::Unusable { what: self.path.clone(), source })
    }

    /// The descriptor, which is good for naming the file and not for reading it.
    #[must_use]
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn look(file: &OwnedFd, path: &str) -> Result<Stat, JailError> {
    fstat(file).map_err(|errno| JailError::Unusable { what: path.to_owned(), source: errno.into() })
}

fn other_than_file(stat: &Stat) -> Option<&'static str> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => None,
        FileType::Directory => Some("a directory"),
        FileType::Symlink => Some("a symbolic link"),
        FileType::Fifo => Some("a fifo"),
        FileType::Socket => Some("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Some("a device"),
        FileType::Unknown => Some("something unknown"),
    }
}

/// Whether two directories lie on one file system, so that a file of one can have a name in the other.
#[must_use]
pub fn on_one_file_system(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| {
        rustix::fs::statat(CWD, path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).ok().map(|stat| stat.st_dev)
    };
    device(one).is_some() && device(one) == device(other)
}
