//! Where the daemon of this user is reached.

use std::path::PathBuf;

use host::dirs::{Dirs, DirsError, Environment};

use crate::fault::{Explain, Fault, chain};

impl Explain for DirsError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {}", chain(&self)));
        Fault { hint: self.hint(), ..fault }
    }
}

fn dirs() -> Result<Dirs, DirsError> {
    Dirs::embedded(&Environment::of_this_process())
}

/// The daemon's socket, in a directory that nobody else can have made.
pub(crate) fn socket() -> Result<PathBuf, DirsError> {
    let dirs = dirs()?;
    dirs.check_runtime()?;
    Ok(dirs.socket())
}

/// Where the daemon's last words go, in a directory that is made where it is not there.
pub(crate) fn log() -> Result<PathBuf, DirsError> {
    let dirs = dirs()?;
    dirs.ensure()?;
    Ok(dirs.state().join("bangerd.log"))
}
