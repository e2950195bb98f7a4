//! Failures, as the one who drives is told them.

use std::io;

use ::host::systemd::SystemdError;
use update::port::Trouble;

use crate::error::{Told as _, UpdateError};

/// A failure of the disk.
pub(super) fn of_disk(error: io::Error) -> Trouble {
    Trouble::Failed(error.at("disk").why)
}

/// A failure of systemd's.
pub(super) fn of_systemd(error: SystemdError) -> Trouble {
    Trouble::Failed(error.at("systemd").why)
}

/// A failure of a step.
pub(super) fn of_step(error: UpdateError) -> Trouble {
    Trouble::Failed(error.why)
}
