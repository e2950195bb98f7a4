//! A text file of others, changed by us: written whole beside it and renamed into its place.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use fence::FenceError;
use model::Class;
use rustix::fs::{Gid, Mode, Uid, XattrFlags, fchmod, fchown, fgetxattr, flistxattr, fsetxattr};

/// Why a text file was not changed. It is as it was, whole.
#[derive(Debug, thiserror::Error)]
pub enum TextFileError {
    /// It cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What stands in it is no longer what we wrote.
    #[error("the block of banger in {} is damaged", path.display())]
    Fence {
        /// The file.
        path: PathBuf,
        /// Where.
        source: FenceError,
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

impl TextFileError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Fence { .. } => Class::Refused,
            Self::Read { .. } | Self::Meanwhile { .. } | Self::Replace { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Fence { source, .. } => source.hint(),
            Self::Meanwhile { .. } => Some("Do it again.".to_owned()),
            Self::Read { .. } | Self::Replace { .. } => None,
        }
    }
}

/// Reads it whole. `None` where it is not there.
///
/// # Errors
///
/// [`TextFileError::Read`], for what is no UTF-8 as well.
pub fn read(path: &Path) -> Result<Option<String>, TextFileError> {
    look(path).map_err(|source| TextFileError::Read { path: path.to_owned(), source })
}

/// Changes the text `by` a rule. The owner, mode and attributes of the file stay; one that was not there gets the
/// mode `mode_if_new`. Returns whether something changed. Who reads it sees the old file or the new one.
///
/// # Errors
///
/// [`TextFileError`]; the file is as it was.
pub fn change(
    path: &Path,
    mode_if_new: u32,
    by: impl Fn(&str) -> Result<String, FenceError>,
) -> Result<bool, TextFileError> {
    let old = read(path)?;
    let text = old.as_deref().unwrap_or_default();
    let new = by(text).map_err(|source| TextFileError::Fence { path: path.to_owned(), source })?;
    if new == text {
        return Ok(false);
    }
    let beside = beside(path);
    let replaced = write_beside(path, &beside, &new, mode_if_new).and_then(|()| {
        // Nobody locks this file. What was written in this moment is at least not lost by us.
        if look(path)? == old { rename(&beside, path).map(|()| true) } else { Ok(false) }
    });
    if !matches!(replaced, Ok(true)) {
        let _not_there = fs::remove_file(&beside);
    }
    match replaced {
        Ok(true) => Ok(true),
        Ok(false) => Err(TextFileError::Meanwhile { path: path.to_owned() }),
        Err(source) => Err(TextFileError::Replace { path: path.to_owned(), source }),
    }
}

fn look(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.banger"))
}

fn write_beside(path: &Path, beside: &Path, text: &str, mode_if_new: u32) -> io::Result<()> {
    // One is left over where the power went between writing and renaming.
    let _not_there = fs::remove_file(beside);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(text.as_bytes())?;
    match File::open(path) {
        Ok(old) => keep(&old, &file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fchmod(&file, Mode::from_raw_mode(mode_if_new))?;
        }
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
