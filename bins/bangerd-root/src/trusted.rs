//! Whether a program that root executes is root's own.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use model::Class;

/// Bits that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// Why root does not execute a program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// It cannot be looked at.
    #[error("{} cannot be looked at", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than root may change it, or a directory that it is in.
    #[error("{} is not root's alone to write, and root executes {}", path.display(), program.display())]
    NotRoots {
        /// The program.
        program: PathBuf,
        /// What others may change.
        path: PathBuf,
    },
}

impl TrustError {
    /// Whose turn it is.
    #[must_use]
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Unreadable { .. } => Class::HostLacks,
            Self::NotRoots { .. } => Class::Refused,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => None,
            Self::NotRoots { path, .. } => {
                Some(format!("chown root:root {0}; chmod go-w {0}", path.display()))
            }
        }
    }
}

/// Finds where a program truly lies, by a path without links that only root can make lead elsewhere.
///
/// # Errors
///
/// [`TrustError`]; it is not to be executed by root.
pub(crate) fn truly(program: &Path) -> Result<PathBuf, TrustError> {
    let unreadable = |path: &Path, source| TrustError::Unreadable { path: path.to_owned(), source };
    let real = program.canonicalize().map_err(|source| unreadable(program, source))?;
    for path in real.ancestors() {
        let meta = fs::symlink_metadata(path).map_err(|source| unreadable(path, source))?;
        if meta.uid() != 0 || meta.mode() & OTHERS_WRITE != 0 {
            return Err(TrustError::NotRoots { program: program.to_owned(), path: path.to_owned() });
        }
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_others_may_write_or_put_elsewhere_is_not_executed() {
        // Whatever runs the tests, `/tmp` is everybody's.
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        let program = dir.path().join("firecracker");
        fs::write(&program, "").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(truly(&program), Err(TrustError::NotRoots { .. })));
        let link = dir.path().join("link");
        symlink("/proc/version", &link).unwrap();
        assert_eq!(truly(&link).unwrap(), Path::new("/proc/version"), "where a link stands does not matter");
        let missing = truly(&dir.path().join("none"));
        assert!(matches!(missing, Err(TrustError::Unreadable { .. })), "{missing:?}");
    }
}
