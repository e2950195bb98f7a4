//! `--check-migrations`: whether this release can use the database, for an updater to ask before it switches.

use std::{io::Write, process::ExitCode};

use host::dirs::{Dirs, Environment, SystemPaths};
use store::{Readiness, check_migrations};

use crate::failure::chain;

/// The name of the database in the state directory.
pub(crate) const DATABASE: &str = "state.db";

const COMPATIBLE: u8 = 0;
const WILL_MIGRATE: u8 = 1;
const CANNOT: u8 = 2;

/// Prints one line and returns the code that it agrees with: 0 compatible, 1 will migrate, 2 cannot.
pub(crate) fn check(is_system: bool) -> ExitCode {
    let state = if is_system {
        Ok(SystemPaths::of_this_host().state())
    } else {
        Dirs::embedded(&Environment::of_this_process()).map(|dirs| dirs.state().to_owned())
    };
    let (code, line) = match state.map(|state| check_migrations(&state.join(DATABASE))) {
        Ok(Readiness::Compatible { version: 0 }) => {
            (COMPATIBLE, "compatible: there is no database yet".to_owned())
        }
        Ok(Readiness::Compatible { version }) => {
            (COMPATIBLE, format!("compatible: the database is of version {version}"))
        }
        Ok(Readiness::WillMigrate { from, to }) => {
            (WILL_MIGRATE, format!("will migrate: the database is of version {from} and becomes {to}"))
        }
        Ok(Readiness::Cannot(error)) => (CANNOT, format!("cannot: {}", chain(&error))),
        Err(error) => (CANNOT, format!("cannot: {}", chain(&error))),
    };
    match writeln!(std::io::stdout(), "{line}") {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::from(CANNOT),
    }
}
