//! Killing the daemon at a moment.

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use smoke::{Command, Host, Output, Running};

use super::look::{self, Records, state};

/// What is waited for at most until the moment is there.
const MOMENT_LIMIT: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// A moment of an operation on the machine `victim`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The command has said this.
    Said(&'static str),
    /// The victim's directory has this file.
    File(&'static str),
    /// The victim's directory has this file no more.
    NoFile(&'static str),
    /// The victim's record says this.
    State(&'static str),
    /// Its record says that it runs no more, or is gone: between the two lies a moment only.
    NotRunning,
    /// The victim has no record.
    NoRecord,
    /// The victim's monitor is gone.
    NoMonitor,
}

/// The machine on which operations are interrupted.
pub(super) const VICTIM: &str = "victim";

/// Starts a command, kills the daemon as soon as the moment is there, and returns what the command came to.
/// Whatever becomes of the command, it ends, and says why in words.
#[track_caller]
pub(super) fn strike(host: &Host, command: Command, moment: Moment) -> Output {
    let daemon = look::daemon(host).unwrap();
    let machines = look::machines(host);
    let monitor = machines.iter().find(|it| it.name == VICTIM).and_then(|it| it.monitor.clone());
    let others: Vec<PathBuf> = machines.into_iter().filter(|it| it.name != VICTIM).map(|it| it.dir).collect();
    let has = |name: &str| {
        let dirs = fs::read_dir(state(host).join("vms")).into_iter().flatten().flatten();
        dirs.map(|dir| dir.path()).any(|dir| !others.contains(&dir) && dir.join(name).exists())
    };
    let records = Records::open(host);
    let running = command.start();
    let is_time = |running: &Running| match moment {
        Moment::Said(words) => running.so_far().1.contains(words),
        Moment::File(name) => has(name),
        Moment::NoFile(name) => !has(name),
        Moment::State(state) => records.state(VICTIM).as_deref() == Some(state),
        Moment::NotRunning => records.state(VICTIM).as_deref() != Some("running"),
        Moment::NoRecord => records.state(VICTIM).is_none(),
        Moment::NoMonitor => !monitor.as_ref().is_some_and(look::Process::lives),
    };
    wait_for_moment(moment, || is_time(&running));
    daemon.kill();
    drop(records);
    let output = running.finish();
    println!("{moment:?}: code {}: {}", output.code, output.stderr().replace('\n', " | "));
    assert!([0, 1, 5].contains(&output.code), "{moment:?}: {output:#?}");
    let stderr = output.stderr();
    assert!(!stderr.contains("os error") && !stderr.contains("panicked"), "{moment:?}: {stderr}");
    output
}

/// Looks more often than the harness does: some moments are short.
fn wait_for_moment(moment: Moment, is_time: impl Fn() -> bool) {
    let end = Instant::now() + MOMENT_LIMIT;
    while !is_time() {
        assert!(Instant::now() < end, "{moment:?} never came");
        thread::sleep(LOOK_EVERY);
    }
}
