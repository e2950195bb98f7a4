//! The power switch.

use std::{fs, thread::sleep, time::Duration};

use rustix::{
    fs::sync,
    system::{RebootCommand, reboot},
};

/// The word of the kernel's command line where a restart is what ends the machine: there is nothing to switch the
/// power off, and a kernel that is told to would stop for ever.
const RESTARTS: &str = "banger.off=restart";

/// Whether a restart is what ends the machine.
pub(crate) fn restarts() -> bool {
    let cmdline = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    cmdline.split_whitespace().any(|word| word == RESTARTS)
}

/// Writes everything to the disks and ends the machine.
pub(crate) fn off() -> ! {
    let restarts = restarts();
    sync();
    if !restarts {
        let _ = reboot(RebootCommand::PowerOff);
    }
    // Where there is nothing to switch the power off, a restart ends a machine that is not to restart.
    let _ = reboot(RebootCommand::Restart);
    loop {
        sleep(Duration::from_hours(1));
    }
}
