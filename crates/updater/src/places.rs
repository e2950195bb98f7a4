//! Where an update keeps its things, and whose they are: the system install's, or a user's own.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use host::{
    dirs::{Dirs, Environment, Mode, RecordError, SystemPaths, read_record},
    program::Account,
};
use install::{disk::write_file, plan::Ids};
use model::{Class, InstallRecord, Version};

use crate::error::{Told as _, UpdateError};

/// A path without links in it, as the system tells where a program lies; itself where there is nothing.
#[must_use]
pub fn canonical(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Where an update keeps its things. All of the system install's is root's, but for its owner's database; all of a
/// user's own is the user's.
#[derive(Clone, Debug)]
pub struct Places {
    /// Those of the system install, where it is that.
    system: Option<SystemPaths>,
    library: PathBuf,
    dir: PathBuf,
    state: PathBuf,
    record: PathBuf,
    trial: PathBuf,
    socket: PathBuf,
}

/// What the trial marker says where neither way led to a whole release.
const STUCK: &str = "stuck\n";

/// Whether an update led to no whole release, and nobody is at it, by its trial marker.
#[must_use]
pub fn is_stuck(trial: &Path) -> bool {
    fs::read_to_string(trial).is_ok_and(|says| says == STUCK)
}

impl Places {
    /// Those of the install that is meant by whoever runs this.
    ///
    /// # Errors
    ///
    /// It cannot be told which one that is, or the environment does not say where it lies.
    pub fn find(step: &'static str) -> Result<Self, UpdateError> {
        let paths = SystemPaths::of_this_host();
        let uid = rustix::process::geteuid().as_raw();
        match Mode::find(&paths, uid).map_err(|error| error.at(step))? {
            Mode::System { .. } => Ok(Self::system(paths)),
            Mode::Embedded { .. } => {
                let dirs = Dirs::embedded(&Environment::of_this_process());
                dirs.map(|dirs| Self::own(&dirs)).map_err(|error| error.at(step))
            }
        }
    }

    /// Those of the system install.
    #[must_use]
    pub fn system(paths: SystemPaths) -> Self {
        Self {
            library: paths.library(),
            dir: paths.update(),
            state: paths.state(),
            record: paths.record(),
            trial: paths.trial(),
            socket: paths.runtime().join("bangerd.sock"),
            system: Some(paths),
        }
    }

    /// Those of a user's own install.
    #[must_use]
    pub fn own(dirs: &Dirs) -> Self {
        Self {
            system: None,
            library: dirs.library().to_owned(),
            dir: dirs.update().to_owned(),
            state: dirs.state().to_owned(),
            record: dirs.library().join("install.toml"),
            trial: dirs.trial().to_owned(),
            socket: dirs.socket(),
        }
    }

    /// Those of the system install, where it is that.
    #[must_use]
    pub fn system_paths(&self) -> Option<&SystemPaths> {
        self.system.as_ref()
    }

    /// Whether they are the system install's.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.system.is_some()
    }

    /// Whose what an update writes is.
    #[must_use]
    pub fn ids(&self) -> Ids {
        if self.is_system() {
            Ids { uid: 0, gid: 0 }
        } else {
            Ids { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
        }
    }

    /// As whom programs of a release are run.
    #[must_use]
    pub fn account(&self) -> Account {
        if self.is_system() { Account::Bare } else { Account::Own }
    }

    /// As whom what concerns the owner's files is run.
    #[must_use]
    pub fn owners_account(&self, record: &InstallRecord) -> Account {
        if self.is_system() {
            Account::Other { uid: record.owner_uid, gid: record.owner_gid }
        } else {
            Account::Own
        }
    }

    /// A call of `banger` as it is typed by whoever may do it: `sudo banger update`.
    #[must_use]
    pub fn typed(&self, words: &str) -> String {
        let sudo = if self.is_system() { "sudo " } else { "" };
        format!("{sudo}banger {words}")
    }

    /// What says more of an update, as a sentence without its end.
    #[must_use]
    pub fn says_more(&self) -> String {
        if self.is_system() {
            "`journalctl -u bangerd -u bangerd-root -u banger-update` says more".to_owned()
        } else {
            format!("{} and {} say more", self.state.join("bangerd.log").display(), self.log().display())
        }
    }

    /// Makes the directory of all the rest, where an install has not.
    ///
    /// # Errors
    ///
    /// What the disk says.
    pub fn ensure(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)
    }

    /// Reads whose the install is, and which release.
    ///
    /// # Errors
    ///
    /// [`RecordError`] where that cannot be told.
    pub fn read_record(&self) -> Result<Option<InstallRecord>, RecordError> {
        read_record(&self.record)
    }

    /// The record of the install.
    #[must_use]
    pub fn record(&self) -> &Path {
        &self.record
    }

    /// The directory of all the rest.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The owner's state directory.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The daemon's socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The trial marker: while it is there, a daemon that starts is on trial.
    #[must_use]
    pub fn trial(&self) -> &Path {
        &self.trial
    }

    /// Says by the trial marker that neither way led to a whole release, so that nobody waits for one.
    ///
    /// # Errors
    ///
    /// What the disk says.
    pub(crate) fn mark_stuck(&self) -> io::Result<()> {
        write_file(self.trial(), STUCK, self.ids())
    }

    /// What was declared, and what happened since; absent while there is no update.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.dir.join("journal")
    }

    /// Whose turn it is to prepare or to resume an update.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    /// Whose turn it is to drive one.
    #[must_use]
    pub fn driver_lock(&self) -> PathBuf {
        self.dir.join("driver")
    }

    /// What a driver says that no unit watches.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.join("driver.log")
    }

    /// What was prepared, for the driver.
    #[must_use]
    pub fn plan(&self) -> PathBuf {
        self.dir.join("plan")
    }

    /// Says, while it is there, that the database is being put back.
    #[must_use]
    pub fn restoring(&self) -> PathBuf {
        self.dir.join("restoring")
    }

    /// How updates ended, one a line.
    #[must_use]
    pub fn history(&self) -> PathBuf {
        self.dir.join("history")
    }

    /// The releases that were tried and went back, one a line.
    #[must_use]
    pub fn bad(&self) -> PathBuf {
        self.dir.join("bad")
    }

    /// Where downloads go. Root's, unlike the owner's cache: nobody can put a link in the way.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.dir.join("staging")
    }

    /// The releases.
    #[must_use]
    pub fn releases(&self) -> PathBuf {
        self.library.join("releases")
    }

    /// One release.
    #[must_use]
    pub fn release(&self, version: &Version) -> PathBuf {
        self.releases().join(version.to_string())
    }

    /// The link to the release that counts.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        self.library.join("current")
    }

    /// The link to the release whose driver goes back, should it come to that. A user's own has none: nothing but the
    /// journal decides it there.
    #[must_use]
    pub fn keeper(&self) -> Option<PathBuf> {
        self.is_system().then(|| self.library.join("keeper"))
    }

    /// The link to the release before the one that counts.
    #[must_use]
    pub fn previous(&self) -> PathBuf {
        self.library.join("previous")
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
        self.state.join("state.db")
    }

    /// Its copy, as it was before the switch.
    #[must_use]
    pub fn database_copy(&self) -> PathBuf {
        self.state.join("state.db.copy")
    }

    /// Refuses where this program is not of the install that it would update.
    ///
    /// # Errors
    ///
    /// Refused, with what to do: a copy that came by other means is not ours to replace.
    pub fn refuse_another_copy(&self, step: &'static str) -> Result<(), UpdateError> {
        let own = std::env::current_exe().map_err(|error| error.at(step))?;
        if canonical(&own).starts_with(canonical(&self.releases())) {
            return Ok(());
        }
        let own = own.display();
        let refused = |why: String| UpdateError { class: Class::Refused, ..UpdateError::failed(step, why) };
        let system = SystemPaths::of_this_host();
        Err(if let Some(version) = Self::version_of(&self.current()) {
            let installed = self.current().join("banger");
            refused(format!("this is {own}, and {version} is installed in {}", self.library.display()))
                .hint(format!("{} update", installed.display()))
        } else if own.to_string().starts_with(&*system.library().to_string_lossy()) {
            refused(format!("this is {own}, of the system install, which is not yours"))
                .hint("Its owner or root updates it: `sudo banger update`.")
        } else {
            refused(format!("this is {own}, which no install of banger's put there"))
                .hint("`sh install.sh --user` installs banger for you alone, and that one can be updated.")
        })
    }
}
