//! Where everything of root's lies.

use std::path::{Path, PathBuf};

use host::dirs::SystemPaths;
use model::VmId;

use crate::jail::CHROOTS;

/// Where everything of root's lies: below `/`, but in tests. Nothing of it is ever taken from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    system: SystemPaths,
    root: PathBuf,
}

impl Places {
    /// Those below a directory that stands for `/`.
    #[must_use]
    pub fn below(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { system: SystemPaths::below(&root), root }
    }

    /// The directory that stands for `/`.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Those that others know too.
    #[must_use]
    pub fn system(&self) -> &SystemPaths {
        &self.system
    }

    /// The daemon's state, the owner's.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.system.state()
    }

    /// What root keeps for itself.
    #[must_use]
    pub fn root_state(&self) -> PathBuf {
        self.system.root_state()
    }

    /// The book of the leases.
    #[must_use]
    pub fn leases(&self) -> PathBuf {
        self.root_state().join("leases.json")
    }

    /// The machines as root keeps them.
    #[must_use]
    pub fn jails(&self) -> PathBuf {
        self.root_state().join("machines")
    }

    /// One machine as root keeps it: what its monitor may open, and nothing that it may make or remove.
    #[must_use]
    pub fn jail(&self, id: &VmId) -> PathBuf {
        self.jails().join(id.as_str())
    }

    /// What the jailer is given for a machine's jail.
    #[must_use]
    pub fn chroots(&self, id: &VmId) -> PathBuf {
        self.jail(id).join(CHROOTS)
    }

    /// The directories of the machines' sockets.
    #[must_use]
    pub fn links(&self) -> PathBuf {
        self.system.links()
    }

    /// The directory of one machine's sockets, the machine's own.
    #[must_use]
    pub fn link(&self, id: &VmId) -> PathBuf {
        self.links().join(id.as_str())
    }

    /// The configuration that root acts on.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.system.config().join("config.toml")
    }

    /// Who has which number, and what the host knows by name.
    #[must_use]
    pub fn etc(&self, file: &str) -> PathBuf {
        self.root.join("etc").join(file)
    }
}
