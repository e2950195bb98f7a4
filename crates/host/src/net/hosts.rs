//! `<name>.vm` in the hosts file: written whole beside it and renamed into its place.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use model::Class;
use network::{FenceError, Lease, with_block, without_block};
use rustix::fs::{
    AtFlags, CWD, Gid, Mode, StatVfsMountFlags, StatxAttributes, StatxFlags, Uid, XattrFlags, fchmod, fchown,
    fgetxattr, flistxattr, fsetxattr, statvfs, statx,
};

/// Why names do not stand in the hosts file. It is as it was, whole.
#[derive(Debug, thiserror::Error)]
pub enum HostsError {
    /// It is a link: what it leads to is somebody else's to write.
    #[error("{} is a link", path.display())]
    Link {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What stands in it is no longer what we wrote.
    #[error("the block of machines in {} is damaged", path.display())]
    Fence {
        /// The file.
        path: PathBuf,
        /// Where.
        source: FenceError,
    },
    /// Nothing can take its place.
    #[error("{} is {why}", path.display())]
    Held {
        /// The file.
        path: PathBuf,
        /// What holds it.
        why: &'static str,
    },
    /// Somebody else wrote it at the same moment.
    #[error("{} was changed meanwhile", path.display())]
    Meanwhile {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be replaced: the file system takes nothing, or something is mounted over it.
    #[error("replace {}", path.display())]
    Replace {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl HostsError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Link { .. } | Self::Fence { .. } | Self::Held { .. } => Class::Refused,
            Self::Read { .. } | Self::Meanwhile { .. } | Self::Replace { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Fence { source, .. } => source.hint(),
            _ => Some("Names are left out of it; `ssh <name>.vm` works regardless.".to_owned()),
        }
    }
}

/// Writes the names of all machines into the hosts file. The rest of it, its owner, mode and attributes
/// stay. Returns whether something changed. Who reads it sees the old file or the new one.
///
/// # Errors
///
/// [`HostsError`]; the file is as it was.
pub fn write_names(path: &Path, leases: &[Lease]) -> Result<bool, HostsError> {
    change(path, |text| with_block(text, leases))
}

/// Takes our names out of the hosts file. Returns whether something changed.
///
/// # Errors
///
/// [`HostsError`]; the file is as it was.
pub fn remove_names(path: &Path) -> Result<bool, HostsError> {
    change(path, without_block)
}

/// Says whether the hosts file has the names of all machines, and no others of ours. Changes nothing.
///
/// # Errors
///
/// [`HostsError`]; names cannot be written into it.
pub(super) fn is_right(path: &Path, leases: &[Lease]) -> Result<bool, HostsError> {
    let text = read_own(path)?.unwrap_or_default();
    let wanted = with_block(&text, leases);
    let wanted = wanted.map_err(|source| HostsError::Fence { path: path.to_owned(), source })?;
    if let Some(why) = held_by(path) {
        return Err(HostsError::Held { path: path.to_owned(), why });
    }
    Ok(wanted == text)
}

/// What keeps another file from taking this one's place, where something does that can be told beforehand.
fn held_by(path: &Path) -> Option<&'static str> {
    let look = |path| statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS).ok();
    if let Some(file) = look(path) {
        // Only what the file system tells is believed.
        let is = |attribute| (file.stx_attributes & file.stx_attributes_mask).contains(attribute);
        if is(StatxAttributes::MOUNT_ROOT) {
            return Some("mounted over");
        }
        if is(StatxAttributes::IMMUTABLE) {
            return Some("immutable");
        }
    }
    let is_read_only = statvfs(path.parent()?).is_ok_and(|it| it.f_flag.contains(StatVfsMountFlags::RDONLY));
    is_read_only.then_some("on a file system that is read-only")
}

/// Reads it, unless it is a link.
fn read_own(path: &Path) -> Result<Option<String>, HostsError> {
    let unread = |source| HostsError::Read { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => return Err(HostsError::Link { path: path.to_owned() }),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unread(error)),
        Ok(_) | Err(_) => {}
    }
    read(path).map_err(unread)
}

fn change(path: &Path, by: impl Fn(&str) -> Result<String, FenceError>) -> Result<bool, HostsError> {
    let old = read_own(path)?;
    let text = old.as_deref().unwrap_or_default();
    let new = by(text).map_err(|source| HostsError::Fence { path: path.to_owned(), source })?;
    if new == text {
        return Ok(false);
    }
    let beside = beside(path);
    let replaced = write_beside(path, &beside, &new).and_then(|()| {
        // Nobody locks this file. What was written in this moment is at least not lost by us.
        if read(path)? == old { rename(&beside, path).map(|()| true) } else { Ok(false) }
    });
    if !matches!(replaced, Ok(true)) {
        let _not_there = fs::remove_file(&beside);
    }
    match replaced {
        Ok(true) => Ok(true),
        Ok(false) => Err(HostsError::Meanwhile { path: path.to_owned() }),
        Err(source) => Err(HostsError::Replace { path: path.to_owned(), source }),
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.banger"))
}

fn write_beside(path: &Path, beside: &Path, text: &str) -> io::Result<()> {
    // One is left over where the power went between writing and renaming.
    let _not_there = fs::remove_file(beside);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(text.as_bytes())?;
    match File::open(path) {
        Ok(old) => keep(&old, &file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => fchmod(&file, Mode::from_raw_mode(0o644))?,
        Err(error) => return Err(error),
    }
    file.sync_all()
}

/// Gives the new file the owner, the attributes (such as a security label) and the mode of the old.
fn keep(old: &File, new: &File) -> io::Result<()> {
    let meta = old.metadata()?;
    fchown(new, Some(Uid::from_raw(meta.uid())), Some(Gid::from_raw(meta.gid())))?;
    for name in attributes(old)? {
        let mut value = vec![0; ATTRIBUTE_BYTES_MAX];
        let len = fgetxattr(old, &*name, value.as_mut_slice())?;
        fsetxattr(new, &*name, value.get(..len).unwrap_or_default(), XattrFlags::empty())?;
    }
    Ok(fchmod(new, Mode::from_raw_mode(meta.mode() & 0o7777))?)
}

/// The kernel takes no longer value, and no longer list of names.
const ATTRIBUTE_BYTES_MAX: usize = 64 * 1024;

fn attributes(file: impl AsFd) -> io::Result<Vec<String>> {
    let mut names = vec![0; ATTRIBUTE_BYTES_MAX];
    let len = match flistxattr(file, names.as_mut_slice()) {
        Err(rustix::io::Errno::OPNOTSUPP) => 0,
        listed => listed?,
    };
    let names = names.get(..len).unwrap_or_default().split(|byte| *byte == 0);
    Ok(names.filter(|name| !name.is_empty()).map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}

fn rename(beside: &Path, path: &Path) -> io::Result<()> {
    fs::rename(beside, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}
