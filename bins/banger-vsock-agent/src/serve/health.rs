//! How the agent and its guest are.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use guest::{GENERATION, Health};
use rustix::time::{ClockId, clock_gettime};

use super::{
    kept::IDENTITY_MARK,
    reply::{Answer, Refused, json},
    sessions::Sessions,
};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What the sessions have in common.
#[derive(Debug)]
pub(super) struct Guest {
    /// The image's init; none where the agent is pid 1.
    pub(super) init: Option<String>,
    pub(super) is_ending: AtomicBool,
    pub(super) sessions: Arc<Sessions>,
}

impl Guest {
    pub(super) fn new(init: Option<String>) -> Self {
        Self { init, is_ending: AtomicBool::new(false), sessions: Arc::default() }
    }

    /// Marks the guest as ending; false if it was before.
    pub(super) fn begin_to_end(&self) -> bool {
        !self.is_ending.swap(true, Ordering::Relaxed)
    }

    pub(super) fn health(&self) -> io::Result<Health> {
        let boot_id = fs::read_to_string(BOOT_ID)?.trim_end().parse().map_err(io::Error::other)?;
        Ok(Health {
            generation: GENERATION,
            version: model::RELEASE.trim_start_matches('v').to_owned(),
            boot_id,
            uptime_secs: clock_gettime(ClockId::Boottime).tv_sec.unsigned_abs(),
            has_identity: Path::new(IDENTITY_MARK).exists(),
            init: self.init.clone().unwrap_or_else(|| "banger-vsock-agent".to_owned()),
            has_sshd: find_sshd().is_some(),
        })
    }
}

pub(super) fn answer(guest: &Guest) -> Answer {
    let health = guest.health().map_err(|error| Refused::failed("read the boot's identity", &error))?;
    Ok(json(&health))
}

/// Finds the image's `sshd`.
pub(super) fn find_sshd() -> Option<PathBuf> {
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd", "/usr/lib/ssh/sshd"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_file())
}
