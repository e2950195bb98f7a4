//! Where a system install keeps its things.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use model::{Class, INSTALL_RECORD_BYTES_MAX, InstallRecord, InstallRecordError};

/// A directory that stands for `/` in all that concerns the system install. For tests.
const ROOT_VARIABLE: &str = "BANGER_SYSTEM_ROOT";

/// Where a system install keeps its things, all below one directory: `/`, but in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemPaths {
    root: PathBuf,
}

/// Why it is not known whether there is a system install.
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
        Some("`sudo banger system install --owner USER` writes it again.".to_owned())
    }
}

impl SystemPaths {
    /// Those of this host.
    #[must_use]
    pub fn of_this_host() -> Self {
        Self::below(env::var_os(ROOT_VARIABLE).filter(|root| !root.is_empty()).unwrap_or("/".into()))
    }

    /// Those below a directory that stands for `/`.
    #[must_use]
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory that all of them are below.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The same path as it is called from [`SystemPaths::root`]; `path` itself where it is not below it.
    #[must_use]
    pub fn inside(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).map_or_else(|_| path.to_owned(), |rest| Path::new("/").join(rest))
    }

    /// The daemon's state: the owner's, closed to others.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.root.join("var/lib/banger")
    }

    /// What the privileged helper keeps: root's.
    #[must_use]
    pub fn root_state(&self) -> PathBuf {
        self.root.join("var/lib/banger-root")
    }

    /// What can be fetched or built again: the owner's.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.root.join("var/cache/banger")
    }

    /// The system's configuration: root's, read by all.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("etc/banger")
    }

    /// The file that says whose the install is.
    #[must_use]
    pub fn record(&self) -> PathBuf {
        self.config().join("install.toml")
    }

    /// The directory of the daemon's socket: root's, the socket is the owner's.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.root.join("run/banger")
    }

    /// The directory of the privileged helper's socket: root's, the socket is the owner's.
    #[must_use]
    pub fn root_runtime(&self) -> PathBuf {
        self.root.join("run/banger-root")
    }

    /// The name of the privileged helper's socket.
    #[must_use]
    pub fn root_socket_name(&self) -> &'static str {
        "bangerd-root.sock"
    }

    /// The updater's own: its journal, lock, history and list of bad releases. Root's.
    #[must_use]
    pub fn update(&self) -> PathBuf {
        self.root_state().join("update")
    }

    /// The trial marker: while it is there, a daemon that starts is on trial.
    #[must_use]
    pub fn trial(&self) -> PathBuf {
        self.root_runtime().join("trial")
    }

    /// The directories of the machines' link sockets: root's, each machine's is its own.
    #[must_use]
    pub fn links(&self) -> PathBuf {
        self.root.join("run/banger-vm")
    }

    /// Where releases lie, and the link to the one that counts.
    #[must_use]
    pub fn library(&self) -> PathBuf {
        self.root.join("usr/local/lib/banger")
    }

    /// Where commands are found.
    #[must_use]
    pub fn commands(&self) -> PathBuf {
        self.root.join("usr/local/bin")
    }

    /// Where the administrator's units are.
    #[must_use]
    pub fn units(&self) -> PathBuf {
        self.root.join("etc/systemd/system")
    }

    /// Reads whose the install is; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`RecordError`] where that cannot be told.
    pub fn read_record(&self) -> Result<Option<InstallRecord>, RecordError> {
        let path = self.record();
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
}
