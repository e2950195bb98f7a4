//! The end of the guest. Nothing written before is lost, whatever the image's init does.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::{Response, StatusCode};
use rustix::{
    fs::sync,
    mount::{MountFlags, mount_remount},
    process::{Pid, Signal, kill_process},
};

use super::{
    health::Guest,
    heard::is_heard,
    reply::{Answer, Refused, bytes, with_status},
};
use crate::power;

/// Time for the answer to reach the host.
const ANSWER: Duration = Duration::from_millis(100);

/// How long an init may take to end the system by itself.
const INIT_LIMIT: Duration = Duration::from_secs(15);

/// How long processes may take to end after SIGTERM.
const TERM_LIMIT: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// systemd(1): SIGRTMIN+4 starts `poweroff.target`; the first real-time signal that glibc leaves is 34.
const SYSTEMD_POWER_OFF: i32 = 34 + 4;
/// systemd(1): SIGRTMIN+5 starts `reboot.target`.
const SYSTEMD_RESTART: i32 = 34 + 5;

pub(super) fn answer(guest: &Guest) -> Answer {
    if guest.begin_to_end() {
        let has_init = guest.init.is_some();
        let ending = thread::Builder::new().spawn(move || {
            thread::sleep(ANSWER);
            sync();
            if has_init {
                ask_init();
            }
            end_now();
        });
        ending.map_err(|error| Refused::failed("begin to power off", &error))?;
    }
    Ok(with_status(Response::new(bytes(Bytes::new())), StatusCode::ACCEPTED))
}

/// Asks the image's init to end the system, and gives it time: it does not return when it obeys.
///
/// An init that would not hear is not asked and not waited for: it has no notion of power, or has only
/// just been started and has started nothing yet that could lose anything.
fn ask_init() {
    // What sd_booted(3) looks at.
    let is_systemd = Path::new("/run/systemd/system").is_dir();
    // busybox's init and most others take SIGUSR2 for power off, and SIGTERM for a restart.
    let number = match (is_systemd, power::restarts()) {
        (true, false) => SYSTEMD_POWER_OFF,
        (true, true) => SYSTEMD_RESTART,
        (false, false) => Signal::USR2.as_raw(),
        (false, true) => Signal::TERM.as_raw(),
    };
    #[expect(
        unsafe_code,
        reason = "a real-time signal has no name; this one is not used by a thread library here"
    )]
    let signal = unsafe { Signal::from_raw_unchecked(number) };
    let status = fs::read_to_string("/proc/1/status").unwrap_or_default();
    if is_heard(&status, number) && kill_process(Pid::INIT, signal).is_ok() {
        thread::sleep(INIT_LIMIT);
    }
}

/// Ends all processes, writes everything to the disks and powers off.
fn end_now() -> ! {
    signal_all(Signal::TERM);
    let limit = Instant::now() + TERM_LIMIT;
    while Instant::now() < limit && has_other_processes() {
        thread::sleep(LOOK_EVERY);
    }
    sync();
    signal_all(Signal::KILL);
    for mount in ["/root", "/"] {
        // What is still busy stays writable, and is synced all the same.
        let _ = mount_remount(mount, MountFlags::RDONLY, "");
    }
    power::off()
}

/// Sends a signal to every process but pid 1, ourselves and the kernel's own threads.
fn signal_all(signal: Signal) {
    for pid in other_processes() {
        let _ = kill_process(pid, signal);
    }
}

fn has_other_processes() -> bool {
    !other_processes().is_empty()
}

fn other_processes() -> Vec<Pid> {
    let ours = [Some(Pid::INIT), Some(rustix::process::getpid()), rustix::process::getppid()];
    let Ok(processes) = fs::read_dir("/proc") else { return vec![] };
    processes
        .flatten()
        .filter_map(|process| {
            let pid = Pid::from_raw(process.file_name().to_str()?.parse().ok()?)?;
            // A kernel thread has no command line, and neither has a process that has ended.
            let is_alive = !fs::read(process.path().join("cmdline")).ok()?.is_empty();
            (is_alive && !ours.contains(&Some(pid))).then_some(pid)
        })
        .collect()
}
