//! The monitor: looked for once, and again when its file has changed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use api::{Code, Failure};
use vmm::qemu::{Qemu, QemuError};

use crate::failure::failure;

/// What was found, and of which time its file was: asking a program for its version takes 30 ms, a tenth of
/// which is all that a person should wait for `info`.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    last: Mutex<Option<(Qemu, SystemTime)>>,
}

fn time_of(program: &Path) -> Option<SystemTime> {
    fs::metadata(program).and_then(|found| found.modified()).ok()
}

impl Monitor {
    /// Finds QEMU: the configured one, else the one on `PATH`.
    ///
    /// # Errors
    ///
    /// The outer one where the search itself broke, the inner one where there is none to use.
    pub(crate) async fn find(
        &self,
        configured: Option<&PathBuf>,
    ) -> Result<Result<Qemu, QemuError>, Failure> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((qemu, time)) = last
            && time_of(&qemu.program) == Some(time)
        {
            return Ok(Ok(qemu));
        }
        let configured = configured.cloned();
        let found = tokio::task::spawn_blocking(move || Qemu::find(configured.as_deref())).await;
        let found = found.map_err(|error| failure(Code::Internal, format!("look for QEMU: {error}")))?;
        if let Ok(qemu) = &found {
            let time = time_of(&qemu.program).map(|time| (qemu.clone(), time));
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = time;
        }
        Ok(found)
    }
}
