//! What runs of an install, and who starts and ends it: the one thing in which an update of the system install and one of a
//! user's own differ.

mod own;
mod system;

use std::path::Path;

use tokio::runtime::Handle;
use update::{
    declaration::{Declaration, Side},
    port::Trouble,
};

use self::{own::Own, system::System};
use crate::{error::UpdateError, places::Places};

/// Starts the installed release again, and waits until it is ready. Machines are not touched.
///
/// # Errors
///
/// It is not.
pub fn restart(places: &Places, runtime: &Handle) -> Result<(), UpdateError> {
    const STEP: &str = "restart";
    let restarted = Services::of(places, runtime, STEP)?.restart(&places.current());
    restarted.map_err(|trouble| match trouble {
        Trouble::Failed(why) => UpdateError::failed(STEP, why),
        Trouble::Ending => UpdateError::failed(STEP, "it was ended"),
    })
}

/// What runs of an install, and who starts and ends it.
pub(super) enum Services {
    /// Two services of systemd's.
    System(System),
    /// One daemon, which nobody watches.
    Own(Own),
}

impl Services {
    /// Those of an install. Connects to systemd where that has them.
    ///
    /// # Errors
    ///
    /// There is no systemd.
    pub(super) fn of(places: &Places, runtime: &Handle, step: &'static str) -> Result<Self, UpdateError> {
        match places.system_paths() {
            Some(paths) => System::connect(paths, places, runtime, step).map(Self::System),
            None => Ok(Self::Own(Own::new(places, runtime))),
        }
    }

    /// Makes known what the new release has and the old one has not.
    pub(super) fn adopt(&self, declaration: &Declaration) -> Result<(), Trouble> {
        match self {
            Self::System(system) => system.link_units(declaration),
            Self::Own(_) => Ok(()),
        }
    }

    /// Lets it be known that `current` names another release.
    pub(super) fn reload(&self) -> Result<(), Trouble> {
        match self {
            Self::System(system) => system.reload(),
            Self::Own(_) => Ok(()),
        }
    }

    /// Ends what runs, and keeps it from being started by whoever knocks. Clients ask again for longer than this takes.
    pub(super) fn stop(&mut self) -> Result<(), Trouble> {
        match self {
            Self::System(system) => system.stop(),
            Self::Own(own) => own.stop(),
        }
    }

    /// Starts all of `release` again, which `current` names, and waits until it is ready.
    pub(super) fn restart(&mut self, release: &Path) -> Result<(), Trouble> {
        match self {
            Self::System(system) => system.restart(),
            Self::Own(own) => own.restart(release),
        }
    }

    /// Looks whether all of `release` runs. Returns its processes.
    pub(super) fn running(&self, release: &Path) -> Result<Vec<u32>, Trouble> {
        match self {
            Self::System(system) => system.running(release),
            Self::Own(own) => own.running(release).map(|pid| vec![pid]),
        }
    }

    /// What the units of machines say. A user's own machines have none.
    pub(super) fn machine_units(&self) -> Result<Vec<String>, Trouble> {
        match self {
            Self::System(system) => system.machine_units(),
            Self::Own(_) => Ok(vec![]),
        }
    }

    /// Ends and forgets what the release of `side` has not.
    pub(super) fn forget(&self, declaration: &Declaration, side: Side) -> Result<(), Trouble> {
        match self {
            Self::System(system) => system.unlink_units(declaration, side),
            Self::Own(_) => Ok(()),
        }
    }
}
