//! A user's own daemon becomes its successor: the socket stays, and whoever knocks meanwhile waits.

use std::{
    env, fs, io,
    os::unix::{fs::MetadataExt as _, net::UnixListener},
    path::{Path, PathBuf},
    process::Command,
};

use host::systemd::activation::become_with_socket;

use super::{Fatal, service::SOCKET_NAME};
use crate::failure::chain;

/// What this process runs, also where its file is gone.
const OWN_IMAGE: &str = "/proc/self/exe";

/// The program that this daemon becomes: of an install with releases the one that is current now, else the one at the
/// place of its own. Nobody who asks has a say in it.
///
/// # Errors
///
/// There is none that may be run, in words.
pub(crate) fn next() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("find its own program: {}", chain(&error)))?;
    let next = host::dirs::in_current_release(&own);
    check(&next).map_err(|why| format!("{}: {why}", next.display()))?;
    Ok(next)
}

fn check(program: &Path) -> Result<(), String> {
    let found = fs::metadata(program).map_err(|error| chain(&error))?;
    let own = rustix::process::geteuid().as_raw();
    if !found.is_file() || found.mode() & 0o100 == 0 {
        Err("it is no program".to_owned())
    } else if found.uid() != own && found.uid() != 0 {
        Err("it is another user's".to_owned())
    } else if found.mode() & 0o022 != 0 {
        Err("others may write to it".to_owned())
    } else {
        Ok(())
    }
}

/// Becomes `program`, or where it does not run, this one anew. Returns only where neither could be.
pub(crate) fn become_next(program: &Path, socket: &UnixListener) -> Fatal {
    tracing::info!(program = %program.display(), "it becomes the next");
    let first = start(program, socket);
    // The log may be closed by now. Where nobody reads this, the daemon's version says it.
    let _ = told(program, &first);
    let error = start(Path::new(OWN_IMAGE), socket);
    Fatal::new("restart", &error, model::Class::Failed, None)
}

fn start(program: &Path, socket: &UnixListener) -> io::Error {
    become_with_socket(&mut Command::new(program), SOCKET_NAME, socket)
}

fn told(program: &Path, error: &io::Error) -> io::Result<()> {
    use std::io::Write as _;
    writeln!(io::stderr(), "bangerd: become {}: {}; it goes on as it is", program.display(), chain(error))
}
