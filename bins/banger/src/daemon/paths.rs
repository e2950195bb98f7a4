//! Where the daemon of this user is reached: the user's own, or the system install's.

use std::path::PathBuf;

use host::dirs::{Dirs, DirsError, Environment, Mode, RecordError, SystemPaths};

use crate::fault::{Doing as _, Explain, Fault, chain};

impl Explain for DirsError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {}", chain(&self)));
        Fault { hint: self.hint(), ..fault }
    }
}

impl Explain for RecordError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {}", chain(&self)));
        Fault { hint: self.hint(), ..fault }
    }
}

/// The number of the user who runs this program.
pub(crate) fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Which of the two ways to run applies.
pub(crate) fn mode(doing: &str) -> Result<Mode, Fault> {
    Mode::find(&SystemPaths::of_this_host(), uid()).doing(doing)
}

/// The directories of the daemon of this user.
pub(crate) fn dirs(doing: &str) -> Result<Dirs, Fault> {
    match mode(doing)? {
        Mode::System { record } => Ok(Dirs::system(&SystemPaths::of_this_host(), &record)),
        Mode::Embedded { .. } => Dirs::embedded(&Environment::of_this_process()).doing(doing),
    }
}

/// The daemon's socket, in a directory that nobody else can have made.
pub(crate) fn socket(doing: &str) -> Result<PathBuf, Fault> {
    let dirs = dirs(doing)?;
    dirs.check_runtime().doing(doing)?;
    Ok(dirs.socket())
}

/// Where the last words of a user's own daemon go, in a directory that is made where it is not there.
pub(crate) fn log(doing: &str) -> Result<PathBuf, Fault> {
    let dirs = dirs(doing)?;
    dirs.ensure().doing(doing)?;
    Ok(dirs.state().join("bangerd.log"))
}
