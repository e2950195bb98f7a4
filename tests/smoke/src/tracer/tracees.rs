//! Who is traced.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The threads that are traced, each with its process.
#[derive(Debug, Default)]
pub(super) struct Tracees(BTreeMap<Pid, Pid>);

impl Tracees {
    pub(super) fn meet(&mut self, thread: Pid) {
        self.0.entry(thread).or_insert_with(|| process_of(thread));
    }

    pub(super) fn forget(&mut self, thread: Pid) {
        self.0.remove(&thread);
    }

    /// Kills the process of a thread, or all of them.
    pub(super) fn kill(&self, thread: Pid, all: bool) {
        let others = self.0.values().filter(|_| all).copied();
        for process in others.chain([process_of(thread)]) {
            // It may be gone already.
            let _gone = kill(process, Signal::SIGKILL);
        }
    }
}

fn proc(pid: Pid, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}

fn process_of(thread: Pid) -> Pid {
    let status = fs::read_to_string(proc(thread, "status")).unwrap_or_default();
    let group = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
    group.map_or(thread, Pid::from_raw)
}

fn words(pid: Pid) -> Vec<String> {
    let line = fs::read(proc(pid, "cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).split_terminator('\0').map(str::to_owned).collect()
}

/// Whether it is of an update: `banger update`, whatever follows.
pub(super) fn is_update(pid: Pid) -> bool {
    let words = words(pid);
    let is_banger = words.first().is_some_and(|program| Path::new(program).ends_with("banger"));
    is_banger && words.get(1).is_some_and(|word| word == "update")
}

/// What it is in an update: the command or a driver, and of which release.
pub(super) fn role(pid: Pid) -> String {
    let program = fs::read_link(proc(pid, "exe")).unwrap_or_default();
    let release = program.parent().and_then(Path::file_name).unwrap_or_default().display();
    let what = if words(pid).iter().any(|word| word == "--drive") { "driver" } else { "command" };
    format!("{what} of {release}:")
}
