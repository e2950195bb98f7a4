//! What all of `banger system` needs: root's rights, a yes, systemd.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use host::{
    dirs::SystemPaths,
    systemd::{Systemd, SystemdError},
};
use install::InstallError;
use model::Class;
use updater::{authorise, places::Places, record::lock};

use crate::{
    daemon::uid,
    fault::{Doing as _, Explain, Fault, chain},
};

impl Explain for InstallError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {}", chain(&self)));
        Fault { hint: self.hint(), ..fault }
    }
}

impl Explain for SystemdError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {}", chain(&self)));
        Fault { hint: self.hint(), ..fault }
    }
}

/// Refuses everybody but root. `command` is what was asked for, as it is typed after `banger`.
pub(crate) fn need_root(doing: &str, command: &str) -> Result<(), Fault> {
    if uid() == 0 || is_elsewhere() {
        return Ok(());
    }
    let fault = Fault::new(Class::Refused, format!("{doing}: only root may do that"));
    Err(fault.hint(format!("sudo {} {command}", this_program())))
}

/// This program as root's shell finds it: by name where it is installed, else by its path.
fn this_program() -> String {
    let path = env::current_exe().and_then(fs::canonicalize).unwrap_or_default();
    if path.starts_with(SystemPaths::of_this_host().library()) || path.as_os_str().is_empty() {
        "banger".to_owned()
    } else {
        path.display().to_string()
    }
}

/// The directory that this program lies in, with the others of its release.
pub(super) fn own_directory(doing: &str) -> Result<PathBuf, Fault> {
    let path = env::current_exe().and_then(fs::canonicalize).doing(doing)?;
    Ok(path.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Whether files are written below another directory than `/`, where nothing runs.
pub(crate) fn is_elsewhere() -> bool {
    SystemPaths::of_this_host().root() != Path::new("/")
}

/// The systemd of this host; `None` below another directory than `/`.
pub(super) async fn systemd(doing: &str) -> Result<Option<Systemd>, Fault> {
    if is_elsewhere() {
        return Ok(None);
    }
    Systemd::connect().await.doing(doing).map(Some)
}

/// Keeps updates away while what is returned is held.
///
/// # Errors
///
/// Refused while one is under way, or was begun and is not over.
pub(super) fn no_update_meanwhile(doing: &str) -> Result<Vec<File>, Fault> {
    let places = Places::system(SystemPaths::of_this_host());
    // Where there was never an update there is nothing to hold, and nothing to leave behind.
    let locks = [places.lock(), places.driver_lock()].into_iter().filter(|path| path.exists());
    let held = locks.map(|path| lock::take(&path, "authorise"));
    let held = held.collect::<Result<_, _>>().and_then(|held| {
        authorise::refuse_unfinished(&places)?;
        Ok(held)
    });
    held.map_err(|error| Fault {
        hint: error.hint,
        ..Fault::new(error.class, format!("{doing}: {}", error.why))
    })
}
