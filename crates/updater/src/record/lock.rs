//! One update at a time: a lock that says who holds it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::fs::{FlockOperation, flock};

use crate::error::{Told as _, UpdateError};

/// Takes a lock for as long as the file that is returned is open.
///
/// # Errors
///
/// Refused, with who holds it, where it is held.
pub fn take(path: &Path, step: &'static str) -> Result<File, UpdateError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| error.at(step))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
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
