//! Why a configuration cannot be used.

use std::path::PathBuf;

use model::Class;

/// Why a configuration cannot be used: what its file says makes no sense, or is not its owner's to say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
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
        /// The key that is most like it, with its table's name.
        nearest: Option<String>,
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
    /// The owner of a system install set what root, or the daemon, acts on.
    #[error("{}: {key} is not the owner's to set", path.display())]
    NotTheOwners {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Root's file, where it belongs.
        roots: PathBuf,
    },
}

impl ConfigError {
    /// Says whose turn it is: that of whoever wrote the file.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Usage
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { nearest: Some(nearest), .. } => Some(format!("Did you mean {nearest}?")),
            Self::UnknownKey { .. } => Some("Take it out of the file.".to_owned()),
            Self::NotTheOwners { roots, .. } => {
                Some(format!("Take it out, and have root put it into {}.", roots.display()))
            }
            Self::NotToml { .. } | Self::BadValue { .. } => None,
        }
    }
}
