//! What an updater asks of the database of a release, before it switches and to go back. Each prints one line, and
//! returns a code that agrees with it: 2 always begins with `cannot: `.

use std::{
    fmt::Display,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use host::dirs::{Dirs, DirsError, Environment, SystemPaths};
use model::{Class, VmId};
use store::{Readiness, Store};

use super::Fatal;
use crate::failure::chain;

/// The name of the database in the state directory.
pub(crate) const DATABASE: &str = "state.db";

const DONE: u8 = 0;
/// It is there, and will be migrated; or there is none.
const OTHER: u8 = 1;
const CANNOT: u8 = 2;

/// Opens the database. It is made where there is none, but not beside machines: their disks would be nobody's then, and
/// what is nobody's is removed.
///
/// # Errors
///
/// It cannot be used, or it is gone and machines are there; nothing was changed.
pub(crate) fn open_database(dirs: &Dirs) -> Result<Store, Fatal> {
    const DOING: &str = "open its database";
    let path = dirs.state().join(DATABASE);
    let (is_gone, machines) = is_empty(&path)
        .and_then(|is_empty| Ok((is_empty, machines(&dirs.vms())?)))
        .map_err(|error| Fatal::new(DOING, &error, Class::Failed, None))?;
    if is_gone && machines > 0 {
        let (vms, backups) = (dirs.vms(), dirs.state().join("backups"));
        return Err(Fatal {
            doing: DOING,
            why: format!("{} is gone, and the disks of {machines} of its machines are there", path.display()),
            class: Class::Failed,
            hint: Some(format!(
                "Put it back ({} has copies of before each migration), or move {} away to begin anew.",
                backups.display(),
                vms.display()
            )),
        });
    }
    Store::open(&path).map_err(|error| Fatal::new(DOING, &error, error.class(), error.hint()))
}

fn is_empty(database: &Path) -> io::Result<bool> {
    match fs::metadata(database) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        found => Ok(found?.len() == 0),
    }
}

/// How many directories of machines there are.
fn machines(vms: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(vms) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let names: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.file_name())).collect();
    Ok(names?.iter().filter(|name| name.to_str().is_some_and(|name| name.parse::<VmId>().is_ok())).count())
}

/// `--check-migrations`: whether this release can use the database: 0 compatible, 1 will migrate, 2 cannot.
pub(crate) fn check_migrations(is_system: bool) -> ExitCode {
    let path = match database(is_system) {
        Ok(path) => path,
        Err(error) => return cannot(&error),
    };
    match store::check_migrations(&path) {
        Readiness::Compatible { version: 0 } => say(DONE, "compatible: there is no database yet"),
        Readiness::Compatible { version } => {
            say(DONE, format!("compatible: the database is of version {version}"))
        }
        Readiness::WillMigrate { from, to } => {
            say(OTHER, format!("will migrate: the database is of version {from} and becomes {to}"))
        }
        Readiness::Cannot(error) => cannot(&error),
    }
}

/// `--copy-database`: 0 copied, 1 there is no database, 2 cannot.
pub(crate) fn copy_database(is_system: bool, to: &Path) -> ExitCode {
    let path = match database(is_system) {
        Ok(path) => path,
        Err(error) => return cannot(&error),
    };
    match store::copy(&path, &in_dir(&path, to)) {
        Ok(Some(bytes)) => say(DONE, format!("copied: {bytes} bytes")),
        Ok(None) => say(OTHER, "nothing to copy: there is no database yet"),
        Err(error) => cannot(&error),
    }
}

/// `--restore-database`: 0 put back, 1 there is no such copy, 2 cannot.
pub(crate) fn restore_database(is_system: bool, from: &Path) -> ExitCode {
    let path = match database(is_system) {
        Ok(path) => path,
        Err(error) => return cannot(&error),
    };
    match store::restore(&path, &in_dir(&path, from)) {
        Ok(true) => say(DONE, "put back: the copy is the database now"),
        Ok(false) => say(OTHER, "nothing to put back: there is no such copy"),
        Err(error) => cannot(&error),
    }
}

/// A name alone means the database's directory.
fn in_dir(database: &Path, copy: &Path) -> PathBuf {
    if copy.components().count() == 1 { database.with_file_name(copy) } else { copy.to_owned() }
}

fn database(is_system: bool) -> Result<PathBuf, DirsError> {
    let state = if is_system {
        SystemPaths::of_this_host().state()
    } else {
        Dirs::embedded(&Environment::of_this_process())?.state().to_owned()
    };
    Ok(state.join(DATABASE))
}

fn cannot(error: &dyn std::error::Error) -> ExitCode {
    say(CANNOT, format!("cannot: {}", chain(error)))
}

/// Prints the line; where nobody takes it, the code is one that promises nothing.
fn say(code: u8, line: impl Display) -> ExitCode {
    match writeln!(std::io::stdout(), "{line}") {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::from(CANNOT),
    }
}
