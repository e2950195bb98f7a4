//! Builds a machine's jail anew, and removes it.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use model::VmId;
use rustix::{
    fs::{AtFlags, Gid, Mode, OFlags, Uid, chmodat, chownat, fchmod, fchown, linkat, open, openat, statat},
    io::Errno,
};

use super::{Files, JailError, Opened, Sharing};

/// A machine's directory in root's tree. Its monitor may open what is in it, and neither make nor remove
/// anything there.
#[derive(Debug)]
pub struct Jail {
    path: PathBuf,
    dir: OwnedFd,
}

impl Jail {
    /// Builds the jail of a machine, whatever was there before, with these files in it: its own for it and the
    /// owner, the shared ones for reading. `uid` is the machine's user, and its group's number.
    ///
    /// # Errors
    ///
    /// [`JailError`]; no jail is there then.
    pub fn build(jails: &Path, id: &VmId, uid: u32, files: &Files) -> Result<Self, JailError> {
        remove(jails, id)?;
        let built = Self::make(jails, id).and_then(|jail| jail.fill(uid, files).map(|()| jail));
        if built.is_err() {
            // What was to be told is why it could not be built.
            let _gone = remove(jails, id);
        }
        built
    }

    fn make(jails: &Path, id: &VmId) -> Result<Self, JailError> {
        let path = jails.join(id.as_str());
        let failed = |source| unusable(&path, source);
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = open(&path, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?;
        Ok(Self { path: path.clone(), dir })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// It, opened.
    pub(super) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    fn fill(&self, uid: u32, files: &Files) -> Result<(), JailError> {
        let group = Gid::from_raw(uid);
        for (file, name, sharing) in &files.0 {
            self.link(file, name)?;
            match sharing {
                Sharing::Own => self.give(file, name, group)?,
                Sharing::Shared => self.show(file, name)?,
            }
        }
        let failed = |errno: Errno| unusable(&self.path, errno.into());
        fchown(&self.dir, Some(Uid::ROOT), Some(group)).map_err(failed)?;
        fchmod(&self.dir, Mode::from_raw_mode(0o710)).map_err(failed)
    }

    /// Gives the opened file, and whatever has its name now does not matter, a name here.
    fn link(&self, file: &Opened, name: &str) -> Result<(), JailError> {
        linkat(file.as_fd(), "", &self.dir, name, AtFlags::EMPTY_PATH).map_err(|errno| match errno {
            Errno::XDEV => {
                JailError::OtherFileSystem { path: file.path().to_owned(), jails: self.path.clone() }
            }
            Errno::NOENT => JailError::Missing { path: file.path().to_owned() },
            errno => JailError::Unusable { what: file.path().to_owned(), source: errno.into() },
        })
    }

    /// A disk of the machine's own: it has no name but the owner's and this one, so it is no other machine's,
    /// and nobody's but the owner's. The group goes first: that takes a set-user bit away.
    fn give(&self, file: &Opened, name: &str, group: Gid) -> Result<(), JailError> {
        let links = file.look()?.st_nlink;
        if links != 2 {
            return Err(JailError::OtherNames { path: file.path().to_owned(), links: links - 1 });
        }
        let failed = |errno: Errno| unusable(&self.path.join(name), errno.into());
        chownat(&self.dir, name, None, Some(group), AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        chmodat(&self.dir, name, Mode::from_raw_mode(0o660), AtFlags::empty()).map_err(failed)
    }

    fn show(&self, file: &Opened, name: &str) -> Result<(), JailError> {
        if Mode::from_raw_mode(file.look()?.st_mode) == Mode::from_raw_mode(0o644) {
            return Ok(());
        }
        let failed = |errno: Errno| unusable(&self.path.join(name), errno.into());
        chmodat(&self.dir, name, Mode::from_raw_mode(0o644), AtFlags::empty()).map_err(failed)
    }

    /// Writes a file of root's into it.
    ///
    /// # Errors
    ///
    /// [`JailError::Unusable`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), JailError> {
        write(&self.path.join(name), bytes)
    }
}

/// Writes a file that only root reads, in place of one that is there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), JailError> {
    let new = path.with_extension("new");
    let write = || -> io::Result<()> {
        let options =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        io::Write::write_all(&mut &options, bytes)?;
        fs::rename(&new, path)
    };
    write().map_err(|source| unusable(path, source))
}

/// Removes a machine's jail. Removing what is not there is a success. Its files keep the owner's names.
///
/// # Errors
///
/// [`JailError::Unusable`]; some of it may be there still.
pub fn remove(jails: &Path, id: &VmId) -> Result<(), JailError> {
    let path = jails.join(id.as_str());
    match fs::remove_dir_all(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(unusable(&path, source)),
        _ => Ok(()),
    }
}

fn unusable(path: &Path, source: io::Error) -> JailError {
    JailError::Unusable { what: path.display().to_string(), source }
}

/// Opens a file in a directory of root's, without following a link in its place.
pub(super) fn open_in(dir: &Path, name: &str, flags: OFlags) -> io::Result<fs::File> {
    let opened = open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let is_file = |stat: rustix::fs::Stat| {
        rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile
    };
    if !is_file(statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW)?) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no file"));
    }
    let file = openat(&opened, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    Ok(file.into())
}
