//! Locks between processes: gone with the process that holds them.

use std::{
    fs::{File, TryLockError},
    path::Path,
    thread,
    time::Duration,
};

use crate::{Fault, Job, fault::At};

/// How often a lock that another holds is tried again.
const POLL: Duration = Duration::from_millis(50);

/// A lock on a file, held until dropped. The file stays: removing it would let two hold it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

fn open(path: &Path) -> Result<File, Fault> {
    File::options().create(true).truncate(false).write(true).open(path).at("open", path)
}

impl Lock {
    /// Takes it, waiting for the moment that another may hold it.
    pub(crate) fn take(path: &Path) -> Result<Self, Fault> {
        let file = open(path)?;
        file.lock().at("lock", path)?;
        Ok(Self { _file: file })
    }

    /// Takes it, waiting as long as another holds it and the job goes on.
    pub(crate) fn wait(path: &Path, job: &Job) -> Result<Self, Fault> {
        let mut is_told = false;
        loop {
            if let Some(lock) = Self::attempt(path)? {
                return Ok(lock);
            }
            if !is_told {
                job.stage("wait for another that makes the same");
                is_told = true;
            }
            job.check()?;
            thread::sleep(POLL);
        }
    }

    /// Takes it; `None` if another holds it.
    pub(crate) fn attempt(path: &Path) -> Result<Option<Self>, Fault> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Fault::io("lock", path, error)),
        }
    }
}
