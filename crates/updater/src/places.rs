//! Where an update of the system install keeps its things.

use std::path::{Path, PathBuf};

use host::dirs::SystemPaths;
use model::Version;

/// A path without links in it, as the system tells where a program lies; itself where there is nothing.
#[must_use]
pub fn canonical(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Where an update of the system install keeps its things. All of it is root's.
#[derive(Clone, Debug)]
pub struct Places {
    paths: SystemPaths,
}

impl Places {
    /// Those of an install.
    #[must_use]
    pub fn new(paths: SystemPaths) -> Self {
        Self { paths }
    }

    /// Those of the install itself.
    #[must_use]
    pub fn install(&self) -> &SystemPaths {
        &self.paths
    }

    /// The directory of all the rest.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.paths.update()
    }

    /// What was declared, and what happened since; absent while there is no update.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.dir().join("journal")
    }

    /// Whose turn it is to prepare or to resume an update.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.dir().join("lock")
    }

    /// Whose turn it is to drive one.
    #[must_use]
    pub fn driver_lock(&self) -> PathBuf {
        self.dir().join("driver")
    }

    /// What was prepared, for the driver.
    #[must_use]
    pub fn plan(&self) -> PathBuf {
        self.dir().join("plan")
    }

    /// Says, while it is there, that the database is being put back.
    #[must_use]
    pub fn restoring(&self) -> PathBuf {
        self.dir().join("restoring")
    }

    /// How updates ended, one a line.
    #[must_use]
    pub fn history(&self) -> PathBuf {
        self.dir().join("history")
    }

    /// The releases that were tried and went back, one a line.
    #[must_use]
    pub fn bad(&self) -> PathBuf {
        self.dir().join("bad")
    }

    /// Where downloads go. Root's, unlike the owner's cache: nobody can put a link in the way.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.dir().join("staging")
    }

    /// The releases.
    #[must_use]
    pub fn releases(&self) -> PathBuf {
        self.paths.library().join("releases")
    }

    /// One release.
    #[must_use]
    pub fn release(&self, version: &Version) -> PathBuf {
        self.releases().join(version.to_string())
    }

    /// The link to the release that counts.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        self.paths.library().join("current")
    }

    /// The link to the release whose driver goes back, should it come to that.
    #[must_use]
    pub fn keeper(&self) -> PathBuf {
        self.paths.library().join("keeper")
    }

    /// The link to the release before the one that counts.
    #[must_use]
    pub fn previous(&self) -> PathBuf {
        self.paths.library().join("previous")
    }

    /// What a link to a release says.
    #[must_use]
    pub fn link_to(version: &Version) -> PathBuf {
        Path::new("releases").join(version.to_string())
    }

    /// The release that a link names; `None` where there is none.
    #[must_use]
    pub fn version_of(link: &Path) -> Option<Version> {
        let says = std::fs::read_link(link).ok()?;
        says.file_name()?.to_str()?.parse().ok()
    }

    /// The owner's database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.paths.state().join("state.db")
    }

    /// Its copy, as it was before the switch.
    #[must_use]
    pub fn database_copy(&self) -> PathBuf {
        self.paths.state().join("state.db.copy")
    }
}
