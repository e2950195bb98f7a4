//! Why a configuration cannot be used.

use std::{io, path::PathBuf};

use model::Class;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file is there and cannot be read.
    #[error("read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("{}:{line}: {why}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// No setting has this key.
    #[error("{}: there is no setting {key:?}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key as it stands there.
        key: String,
        /// The key that is most like it.
        nearest: Option<&'static str>,
    },
    /// The setting cannot have this value.
    #[error("{}: {key} = {value}: {why}", path.display())]
    BadValue {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The value as it stands there.
        value: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ConfigError {
    /// Says whose turn it is.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Unreadable { .. } => Class::Failed,
            Self::NotToml { .. } | Self::UnknownKey { .. } | Self::BadValue { .. } => Class::Usage,
        }
    }

    /// One sentence that tells the user what to do.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { path, .. } => Some(format!("Check that you may read {}.", path.display())),
            Self::UnknownKey { nearest: Some(nearest), .. } => Some(format!("Did you mean {nearest}?")),
            Self::UnknownKey { .. } => Some("Take it out of the file.".to_owned()),
            Self::NotToml { .. } | Self::BadValue { .. } => None,
        }
    }
}
