//! Boots on a host that has too much to do.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde::Serialize;

use crate::Host;

/// How many boots, two at a time.
const PAIRS: usize = 15;
/// Longer than the daemon waits for a boot, and for another after one that hung.
const BOOT_LIMIT: Duration = Duration::from_mins(10);

/// What became of them.
#[derive(Debug, Serialize)]
pub(crate) struct Boots {
    tried: usize,
    failed: usize,
    /// Those that hung, and were begun again.
    begun_again: usize,
    /// The longest that came up, from nothing to a command's end.
    longest_micros: u64,
}

pub(super) fn measure(host: &Host) -> Boots {
    let busy: Vec<Busy> =
        (0..thread::available_parallelism().map_or(1, usize::from)).map(|_| Busy::begin()).collect();
    let boot = || {
        host.banger(["vm", "run", "--rm", "--image", "debian-small", "--", "true"]).limit(BOOT_LIMIT).start()
    };
    let (mut took, mut begun_again) = (vec![], 0);
    for _ in 0..PAIRS {
        let pair = [boot(), boot()];
        let ended = pair.map(crate::Running::finish);
        begun_again += ended.iter().filter(|output| output.stderr().contains("it is tried again")).count();
        took.extend(ended.iter().filter(|output| output.code == 0).map(|output| output.took));
    }
    drop(busy);
    let longest = took.iter().max().copied().unwrap_or_default();
    let tried = 2 * PAIRS;
    Boots {
        tried,
        failed: tried - took.len(),
        begun_again,
        longest_micros: u64::try_from(longest.as_micros()).unwrap_or(u64::MAX),
    }
}

/// A loop that does nothing, without a pause.
struct Busy(Child);

impl Busy {
    fn begin() -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "while :; do :; done"]).stdin(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("start a busy loop: {error}")))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _gone = self.0.kill().and_then(|()| self.0.wait());
    }
}
