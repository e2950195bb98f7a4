//! One daemon for each user: the lock that says so.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use model::Class;
use rustix::fs::{FlockOperation, flock};

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another daemon of this user runs.
    #[error("bangerd runs already{}", holder.map(|pid| format!(", as process {pid}")).unwrap_or_default())]
    Held {
        /// Its process, where it has said so.
        holder: Option<u32>,
    },
    /// The file cannot be made, locked or written.
    #[error("lock {}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
}

impl LockError {
    /// Says whose turn it is.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Held { .. } => Class::Refused,
            Self::Unusable { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Held { .. } => "`banger daemon stop` ends it; its machines run on.".to_owned(),
            Self::Unusable { path, .. } => {
                let dir = path.parent().unwrap_or(path);
                format!("Check that {} can be written to and has room.", dir.display())
            }
        }
    }
}

/// Takes the lock of the state directory `dir` for as long as the file that is returned is open, and writes
/// into it who has it.
///
/// # Errors
///
/// [`LockError::Held`] where another daemon has it; [`LockError::Unusable`] for anything else.
pub(crate) fn take(dir: &Path) -> Result<File, LockError> {
    let path = dir.join("bangerd.lock");
    let unusable = |source: io::Error| LockError::Unusable { path: path.clone(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(unusable)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            return Err(LockError::Held { holder: text.trim().parse().ok() });
        }
        Err(errno) => return Err(unusable(errno.into())),
    }
    let write = || -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    let mut write = write;
    write().map_err(unusable)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_learns_who_was_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = take(dir.path()).unwrap();
        match take(dir.path()) {
            Err(LockError::Held { holder }) => assert_eq!(holder, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(first);
        take(dir.path()).unwrap();
    }
}
