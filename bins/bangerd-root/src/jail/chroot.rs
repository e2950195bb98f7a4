//! What a jailed monitor sees as `/`, within a machine's jail.

use std::{
    fs::{self, DirBuilder},
    io,
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, PermissionsExt},
    },
    path::Path,
};

use rustix::{
    fs::{
        AtFlags, FileType, Gid, Mode, OFlags, StatVfsMountFlags, chmodat, chownat, linkat, makedev, mknodat,
        open, statvfs,
    },
    io::Errno,
};
use vm::layout::{CONSOLE_LOG, LINK_LOG, ROOT_SNAPSHOT};

use super::{BACKING, Files, Jail, JailError};

/// The directory in a jail that the jailer is given.
pub const CHROOTS: &str = "chroot";

impl Jail {
    /// Makes the directory that a jailed monitor sees as `/`, below this jail, and names in it what the monitor
    /// opens of these files: all but what its output goes to, and what the link says. Where its root disk is a
    /// device, that has the place of the store, and the image has none. The jail was just built, so nothing of an
    /// earlier run is in there.
    ///
    /// # Errors
    ///
    /// [`JailError`]; the jail may be half full then.
    pub fn make_chroot(&self, chroot: &Path, files: &Files, root: Option<Node>) -> Result<(), JailError> {
        refuse_mount(self.path())?;
        let failed = |source| JailError::Unusable { what: chroot.display().to_string(), source };
        make_below(self.path(), chroot).map_err(failed)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = open(chroot, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?;
        for (_, name, _) in &files.0 {
            let is_under = root.is_some() && [ROOT_SNAPSHOT, BACKING].contains(name);
            if is_under || [CONSOLE_LOG, LINK_LOG].contains(name) {
                continue;
            }
            // By its name here, which only root can give to something else.
            linkat(self.dir(), *name, &dir, *name, AtFlags::empty()).map_err(|errno: Errno| {
                JailError::Unusable { what: (*name).to_owned(), source: errno.into() }
            })?;
        }
        root.map_or(Ok(()), |node| node.make(&dir, ROOT_SNAPSHOT))
    }
}

/// A block device, for a machine's group to read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its numbers.
    pub numbers: (u32, u32),
    /// The group's number.
    pub gid: u32,
}

impl Node {
    fn make(self, dir: &OwnedFd, name: &str) -> Result<(), JailError> {
        let (major, minor) = self.numbers;
        let mode = Mode::from_raw_mode(0o660);
        mknodat(dir, name, FileType::BlockDevice, mode, makedev(major, minor))
            .and_then(|()| chownat(dir, name, None, Some(Gid::from_raw(self.gid)), AtFlags::SYMLINK_NOFOLLOW))
            // Whatever the umask.
            .and_then(|()| chmodat(dir, name, mode, AtFlags::empty()))
            .map_err(|errno| JailError::Unusable { what: name.to_owned(), source: errno.into() })
    }
}

/// Makes a directory below another, with those between: everybody may go through them, and only root change them.
fn make_below(above: &Path, dir: &Path) -> io::Result<()> {
    let mut path = above.to_owned();
    let rest = dir.strip_prefix(above).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    for part in rest.components() {
        path.push(part);
        DirBuilder::new().mode(0o711).create(&path)?;
        // Whatever the umask.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711))?;
    }
    Ok(())
}

/// Refuses a file system whose mount takes from a jail what it needs: its devices, and its program.
fn refuse_mount(jail: &Path) -> Result<(), JailError> {
    let unusable =
        |errno: Errno| JailError::Unusable { what: jail.display().to_string(), source: errno.into() };
    match lacking(statvfs(jail).map_err(unusable)?.f_flag) {
        Some(flag) => Err(JailError::Mount { jails: jail.to_owned(), flag }),
        None => Ok(()),
    }
}

/// The flag of a mount that takes something away, where it has one.
fn lacking(flags: StatVfsMountFlags) -> Option<&'static str> {
    let known = [(StatVfsMountFlags::NODEV, "nodev"), (StatVfsMountFlags::NOEXEC, "noexec")];
    known.into_iter().find(|(flag, _)| flags.contains(*flag)).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_without_devices_or_programs_holds_no_jail() {
        let nosuid = StatVfsMountFlags::NOSUID;
        for (flags, word) in [
            (nosuid, None),
            (nosuid | StatVfsMountFlags::NODEV, Some("nodev")),
            (StatVfsMountFlags::NOEXEC, Some("noexec")),
        ] {
            assert_eq!(lacking(flags), word);
        }
        refuse_mount(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    }

    #[test]
    fn nothing_is_made_outside_or_in_place_of_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("chroot/firecracker/root");
        make_below(dir.path(), &deep).unwrap();
        assert_eq!(fs::metadata(&deep).unwrap().permissions().mode() & 0o777, 0o711);
        assert!(make_below(dir.path(), &deep).is_err());
        assert!(make_below(dir.path(), Path::new("/elsewhere")).is_err());
    }
}
