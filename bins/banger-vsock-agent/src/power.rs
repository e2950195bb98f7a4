//! The power switch.

use std::{thread::sleep, time::Duration};

use rustix::{
    fs::sync,
    system::{RebootCommand, reboot},
};

/// Writes everything to the disks and powers off.
pub(crate) fn off() -> ! {
    sync();
    let _ = reboot(RebootCommand::PowerOff);
    // Where there is nothing to switch the power off, a restart ends a machine that is not to restart.
    let _ = reboot(RebootCommand::Restart);
    loop {
        sleep(Duration::from_hours(1));
    }
}
