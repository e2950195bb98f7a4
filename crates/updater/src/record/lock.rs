//! One update at a time: a lock that says who holds it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::{
        fd::AsFd as _,
        unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    },
    path::Path,
    process::Stdio,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use crate::error::{Told as _, UpdateError};

/// How often, and after how long, a lock is tried again that somebody may only be looking at.
const LOOKS_MAX: u32 = 5;
const LOOK: Duration = Duration::from_millis(20);

/// Takes a lock for as long as the file that is returned is open.
///
/// # Errors
///
/// Refused, with who holds it, where it is held.
pub fn take(path: &Path, step: &'static str) -> Result<File, UpdateError> {
    take_open(open(path).map_err(|error| error.at(step))?, step)
}

/// As [`take`]; but where whoever started this process, or was it before, handed the lock on as its standard input
/// ([`handed_on`]), it is that one. So it is never free between two that hold it one after the other.
///
/// # Errors
///
/// As [`take`].
pub fn take_over(path: &Path, step: &'static str) -> Result<File, UpdateError> {
    let file = match stdin_if(path).map_err(|error| error.at(step))? {
        Some(handed) => handed,
        None => open(path).map_err(|error| error.at(step))?,
    };
    take_open(file, step)
}

/// A lock that is held, as the standard input of a program that takes it over ([`take_over`]).
///
/// # Errors
///
/// There are too many descriptors.
pub fn handed_on(lock: &File) -> io::Result<Stdio> {
    lock.try_clone().map(Stdio::from)
}

/// Says whether somebody holds a lock. Whoever must know takes it instead.
///
/// # Errors
///
/// It cannot be looked at.
pub fn is_held(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Standard input, where that is the file at `path`.
fn stdin_if(path: &Path) -> io::Result<Option<File>> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (handed, at) = (file.metadata()?, std::fs::metadata(path));
    let is_it = at.is_ok_and(|at| (at.dev(), at.ino()) == (handed.dev(), handed.ino()));
    Ok(is_it.then_some(file))
}

fn take_open(mut file: File, step: &'static str) -> Result<File, UpdateError> {
    let mut locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
    // Whoever only looks ([`is_held`]) has it for a moment.
    for _ in 0..LOOKS_MAX {
        if locked != Err(rustix::io::Errno::WOULDBLOCK) {
            break;
        }
        std::thread::sleep(LOOK);
        locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
    }
    match locked {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).ok();
            let holder = holder.trim();
            let who = if holder.is_empty() { String::new() } else { format!(", as process {holder}") };
            return Err(UpdateError::refused(step, format!("another update is under way{who}"))
                .hint("Wait until it is done; `banger update --check` says what is installed."));
        }
        Err(errno) => return Err(io::Error::from(errno).at(step)),
    }
    say_who(&mut file).map_err(|error| error.at(step))?;
    Ok(file)
}

fn say_who(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}
