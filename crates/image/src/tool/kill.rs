//! Ends a program and everything that it started.

use std::{
    collections::HashMap,
    fs,
    os::unix::process::CommandExt,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, set_parent_process_death_signal};

/// How long a program may clean up after itself. mmdebstrap removes its directory in this time.
const GRACE: Duration = Duration::from_secs(15);

/// Lets the program be asked to end when the thread that started it is gone: a killed daemon leaves none.
#[expect(unsafe_code, reason = "only between fork and exec can a process ask for this signal")]
pub(super) fn die_with_parent(command: &mut Command) {
    // SAFETY: prctl(2) is async-signal-safe, allocates nothing and touches no memory of the parent.
    unsafe {
        command.pre_exec(|| set_parent_process_death_signal(Some(Signal::TERM)).map_err(Into::into));
    }
}

fn pid(raw: u32) -> Option<Pid> {
    i32::try_from(raw).ok().and_then(Pid::from_raw)
}

/// Kills what is left of the group that `leader` began. The leader may be gone.
pub(super) fn end_group(leader: u32) {
    if let Some(group) = pid(leader) {
        // Nobody is left in it: that is what is wanted.
        let _gone = kill_process_group(group, Signal::KILL);
    }
}

/// Asks `child`'s group to end, waits a little, then kills it with every descendant.
pub(super) fn end_tree(child: &mut Child) {
    let mut known = descendants(child.id());
    if let Some(group) = pid(child.id()) {
        let _gone = kill_process_group(group, Signal::TERM);
    }
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(Duration::from_millis(20));
    }
    known.extend(descendants(child.id()));
    end_group(child.id());
    let _gone = child.kill();
    let _status = child.wait();
    for (raw, started) in known {
        // By pid and start time, never by pid alone: it may be another's by now.
        if read_stat(raw).is_some_and(|stat| stat.started == started)
            && let Some(pid) = pid(raw)
        {
            let _gone = kill_process(pid, Signal::KILL);
        }
    }
}

struct Stat {
    parent: u32,
    started: u64,
}

fn read_stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and parentheses; what follows the last one does not (proc(5)).
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, started: fields.get(19)?.parse().ok()? })
}

/// Every process below `root`, with its start time.
fn descendants(root: u32) -> HashMap<u32, u64> {
    let all: HashMap<u32, Stat> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, read_stat(pid)?)))
        .collect();
    let mut found = HashMap::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for (&pid, stat) in &all {
            if stat.parent == parent && found.insert(pid, stat.started).is_none() {
                parents.push(pid);
            }
        }
    }
    found
}
