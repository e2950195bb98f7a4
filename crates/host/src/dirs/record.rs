//! The record of an install: whose it is, and which release.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use model::{Class, INSTALL_RECORD_BYTES_MAX, InstallRecord, InstallRecordError};

/// Why it is not known whether there is an install.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The record is there and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The record holds something else.
    #[error("{} is no record of an install", path.display())]
    NotARecord {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: InstallRecordError,
    },
}

impl RecordError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Failed
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let (Self::Unreadable { path, .. } | Self::NotARecord { path, .. }) = self;
        Some(if path.ends_with("etc/banger/install.toml") {
            "`sudo banger system install --owner USER` writes it again.".to_owned()
        } else {
            "`sh install.sh --user` writes it again, once `current` beside it is moved away.".to_owned()
        })
    }
}

/// Reads a record; `None` where there is none.
///
/// # Errors
///
/// [`RecordError`] where that cannot be told.
pub fn read_record(path: &Path) -> Result<Option<InstallRecord>, RecordError> {
    let path = path.to_owned();
    let unreadable = |source| RecordError::Unreadable { path: path.clone(), source };
    let text = match fs::metadata(&path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
        Ok(found) if usize::try_from(found.len()).unwrap_or(usize::MAX) > INSTALL_RECORD_BYTES_MAX => {
            return Err(RecordError::NotARecord { path, source: InstallRecordError::TooLong });
        }
        Ok(_) => fs::read_to_string(&path).map_err(unreadable)?,
    };
    match InstallRecord::parse(&text) {
        Ok(record) => Ok(Some(record)),
        Err(source) => Err(RecordError::NotARecord { path, source }),
    }
}
