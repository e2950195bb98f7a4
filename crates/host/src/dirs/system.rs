//! Where a system install keeps its things.

use std::{
    env,
    path::{Path, PathBuf},
};

use model::InstallRecord;

use super::record::{RecordError, read_record};

/// A directory that stands for `/` in all that concerns the system install. For tests.
const ROOT_VARIABLE: &str = "BANGER_SYSTEM_ROOT";

/// Where a system install keeps its things, all below one directory: `/`, but in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemPaths {
    root: PathBuf,
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
        read_record(&self.record())
    }
}
