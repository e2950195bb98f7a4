//! What both launchers do: take over a log, go to a directory, execute.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use rustix::fs::{Mode, OFlags, openat};

use super::LaunchError;
use crate::refuse::chain;

/// Has `work` become a machine's process, whose log in its jail begins anew with it. Returns only what went
/// wrong, which is then in that log too: whoever waits for the process looks there.
pub(super) fn logged(
    jail: &Path,
    name: &str,
    work: impl FnOnce(File) -> Result<LaunchError, LaunchError>,
) -> LaunchError {
    let unusable = |source| LaunchError::Unusable { path: jail.join(name), source };
    let opened = log(jail, name).and_then(|log| Ok((log.try_clone().map_err(unusable)?, log)));
    let (mut kept, log) = match opened {
        Ok(both) => both,
        Err(error) => return error,
    };
    let error = work(log).unwrap_or_else(|error| error);
    let _told_elsewhere = writeln!(kept, "{}", chain(&error));
    error
}

/// Opens the log of a machine's process in its jail, for what it says from now on.
fn log(jail: &Path, name: &str) -> Result<File, LaunchError> {
    let log = append(jail, name)?;
    let failed = |source| LaunchError::Unusable { path: jail.join(name), source };
    log.set_len(0).map_err(failed)?;
    Ok(log)
}

/// Opens a file in a jail, to be appended to.
pub(super) fn append(jail: &Path, name: &str) -> Result<File, LaunchError> {
    let open = || -> io::Result<File> {
        let dir = File::open(jail)?;
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&dir, name, flags, Mode::empty())?.into())
    };
    open().map_err(|source| LaunchError::Unusable { path: jail.join(name), source })
}

/// Becomes a program, which finds nothing of this process but its descriptors, and says everything in its log.
/// Returns only what went wrong.
pub(super) fn execute(program: &Path, args: &[OsString], dir: &Path, log: File) -> LaunchError {
    match log.try_clone() {
        Ok(other) => execute_with(program, args, dir, (other, log)),
        Err(source) => LaunchError::NotExecuted { program: program.to_owned(), source },
    }
}

/// As [`execute`], with an output apart from the log.
pub(super) fn execute_with(
    program: &Path,
    args: &[OsString],
    dir: &Path,
    (output, log): (File, File),
) -> LaunchError {
    let source = Command::new(program)
        .args(args)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C")
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(log)
        .exec();
    LaunchError::NotExecuted { program: program.to_owned(), source }
}
