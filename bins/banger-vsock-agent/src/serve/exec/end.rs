//! Signals for a command, and its end when nobody is there for it any more.

use std::{fs, time::Duration};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::{process::Child, time::timeout};

use crate::mux::port::FdStream;

/// How long a command may take to end after a hang-up.
const HANG_UP_LIMIT: Duration = Duration::from_secs(2);

/// Sends `number` to the process group in the terminal's foreground, or to the command's own.
pub(super) fn signal(number: i32, leader: Pid, terminal: Option<&FdStream>) {
    let Some(signal) = Signal::from_named_raw(number) else { return };
    let foreground = terminal.and_then(|terminal| rustix::termios::tcgetpgrp(terminal.file()).ok());
    // It may have ended just now.
    let _ = kill_process_group(foreground.unwrap_or(leader), signal);
}

/// Ends all of the command's session: hang-up first, then kill.
pub(super) async fn end(child: &mut Child, leader: Pid) {
    signal_session(leader, Signal::HUP);
    signal_session(leader, Signal::CONT);
    let _ = timeout(HANG_UP_LIMIT, child.wait()).await;
    signal_session(leader, Signal::KILL);
    let _ = timeout(HANG_UP_LIMIT, child.wait()).await;
}

/// A shell with job control gives each job a group of its own; the session has them all.
fn signal_session(leader: Pid, signal: Signal) {
    let _ = kill_process_group(leader, signal);
    let Ok(processes) = fs::read_dir("/proc") else { return };
    for process in processes.flatten() {
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        if session_of(&stat) == Some(leader.as_raw_nonzero().get())
            && let Some(pid) = process.file_name().to_str().and_then(|pid| Pid::from_raw(pid.parse().ok()?))
        {
            let _ = kill_process(pid, signal);
        }
    }
}

/// Reads the session from `/proc/<pid>/stat`; the name before it may have any bytes.
fn session_of(stat: &str) -> Option<i32> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    after_name.split(' ').nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_read_past_any_name() {
        assert_eq!(session_of("7 (a) b) (c) S 1 7 42 0 -1"), Some(42));
        assert_eq!(session_of(""), None);
    }
}
