//! Ends a machine's processes, and clears up after them.

use std::{fs, io, path::Path, time::Duration};

use host::process::Process;
use model::BootId;
use vm::layout::LEFTOVERS;

use crate::machine::{MachineError, find};

/// How long a process may take to be gone once it was killed: writes to a slow disk hold it.
const END_LIMIT: Duration = Duration::from_secs(30);
/// How long a link may take to end by itself once its monitor has.
const LINK_END_LIMIT: Duration = Duration::from_secs(2);

/// Kills a machine's processes, waits until they are gone, and removes what they left. Ending what has
/// ended is a success. What the guest had not synced is lost: ask its agent to power off first.
///
/// # Errors
///
/// [`MachineError`], the first of them; all that could be done was done.
pub async fn end(dir: &Path, monitor: Option<&Process>, link: Option<&Process>) -> Result<(), MachineError> {
    let monitor = kill("monitor", monitor).await;
    let link = kill("link", link).await;
    monitor.and(link).and_then(|()| sweep(dir))
}

/// Clears up after a monitor that has ended: its link has nothing left to do and ends by itself, or is
/// killed; then what both left is removed.
///
/// # Errors
///
/// As [`end`].
pub async fn finish(dir: &Path, link: Option<&Process>) -> Result<(), MachineError> {
    if let Some(link) = link {
        let ended = link.ended_within(LINK_END_LIMIT).await;
        ended.map_err(|source| MachineError::Process { part: "link", source })?;
    }
    end(dir, None, link).await
}

/// Ends whatever runs in a directory and removes the directory: what is to be done with one of which the
/// store knows nothing. Discarding twice is discarding once.
///
/// # Errors
///
/// [`MachineError`]; the directory is there still where anything of it may run.
pub async fn discard(dir: &Path, host_boot: &BootId) -> Result<(), MachineError> {
    let found = find(dir, host_boot)?;
    end(dir, found.monitor.process().map(AsRef::as_ref), found.link.process().map(AsRef::as_ref)).await?;
    match fs::remove_dir_all(dir) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(MachineError::NotRemoved { file: dir.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Removes the sockets and marks that a machine's processes left. Neither may run.
///
/// # Errors
///
/// [`MachineError::NotRemoved`] for the first that stays; the others are gone.
pub fn sweep(dir: &Path) -> Result<(), MachineError> {
    remove_all(dir, &LEFTOVERS)
}

pub(super) fn remove_all(dir: &Path, files: &[&str]) -> Result<(), MachineError> {
    let results: Vec<_> = files.iter().map(|file| remove(&dir.join(file))).collect();
    results.into_iter().collect()
}

fn remove(file: &Path) -> Result<(), MachineError> {
    match fs::remove_file(file) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(MachineError::NotRemoved { file: file.to_owned(), source })
        }
        _ => Ok(()),
    }
}

pub(super) async fn kill(part: &'static str, process: Option<&Process>) -> Result<(), MachineError> {
    let Some(process) = process else {
        return Ok(());
    };
    let gone = process.end(END_LIMIT).await.map_err(|source| MachineError::Process { part, source })?;
    let still_there = MachineError::StillThere { part, pid: process.id().pid, limit: END_LIMIT };
    if gone { Ok(()) } else { Err(still_there) }
}
