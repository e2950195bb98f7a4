//! Pid 1 of an image that has no init.

use std::{thread::sleep, time::Duration};

use rustix::{
    io::Errno,
    process::{WaitOptions, wait},
};

use crate::serve;

/// What to wait where there is nothing to wait for, which cannot be: the agent is a child.
const PAUSE: Duration = Duration::from_secs(1);

/// Stays: reaps what ends, for ever. The agent powers off when it is asked to.
pub(super) fn stay() -> ! {
    // Neither is worth a boot: exec works without them.
    if let Err(error) = super::mounts::cgroups() {
        eprintln!("{error}");
    }
    if let Err(error) = serve::bring_up_loopback() {
        eprintln!("banger: bring up lo: {}", crate::words::of(&error));
    }
    loop {
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => sleep(PAUSE),
        }
    }
}
