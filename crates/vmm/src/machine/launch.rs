//! Launches a machine's processes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use host::{
    process::Process,
    spawn::{Spawn, spawn},
};
use model::{BootId, Publish};
use tokio::time::{Instant, sleep};
use vm::{
    boot_plan::BootPlan,
    layout::{LEFTOVERS, LINK_ID, LINK_LOG, LINK_SOCKET, MONITOR_ID, MONITOR_LOG, PORTS, SERIAL_SOCKET},
};

use crate::{
    link,
    machine::{
        Launched, MachineError,
        end::{kill, remove_all, sweep},
    },
    qemu::{self, Qemu},
};

/// How long a link may take to listen, and a monitor to have read its arguments. Both take some 50 ms.
const READY_LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// What a link leaves; the monitor's socket is not among it, since the monitor may be alive.
const LINKS_OWN: [&str; 2] = [LINK_SOCKET, PORTS];
/// What an error repeats of a log, in characters.
const SAID_CHARS_MAX: usize = 500;

/// What to launch.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// The machine's directory, with its disks in it; its name is the machine's id.
    pub dir: &'a Path,
    /// What with.
    pub plan: &'a BootPlan,
    /// The monitor.
    pub qemu: &'a Qemu,
    /// The agent binary, which is the link too.
    pub agent: &'a Path,
    /// The boot of the host.
    pub host_boot: &'a BootId,
}

/// Launches a machine: its link, then its monitor. Both run and both listen when this returns. The monitor
/// may still find that it cannot read the kernel or lock a disk: it then ends within the next second, and
/// [`monitor_said`] tells why.
///
/// # Errors
///
/// [`MachineError`]; nothing of the machine runs then, and no socket of it is left. That holds too where
/// the future is dropped before it is done.
pub async fn launch(what: &Launch<'_>) -> Result<Launched, MachineError> {
    sweep(what.dir)?;
    let mut guard = Guard::new(what.dir, &LEFTOVERS);
    let outcome = launch_both(what, &mut guard).await;
    guard.close(outcome).await
}

/// Starts a link beside a monitor that runs, in place of one that is gone. The guest meets it as it met
/// the first; what went through the first is cut off.
///
/// # Errors
///
/// [`MachineError`]; no link runs then.
pub async fn relink(
    dir: &Path,
    agent: &Path,
    publish: &[Publish],
    host_boot: &BootId,
) -> Result<Arc<Process>, MachineError> {
    remove_all(dir, &LINKS_OWN)?;
    let mut guard = Guard::new(dir, &LINKS_OWN);
    let outcome = launch_link(dir, agent, publish, host_boot, &mut guard).await;
    guard.close(outcome).await
}

async fn launch_both(what: &Launch<'_>, guard: &mut Guard) -> Result<Launched, MachineError> {
    // First the link: it takes the ports of the host, and if one is taken, nothing else need begin.
    let link = launch_link(what.dir, what.agent, &what.plan.publish, what.host_boot, guard).await?;
    let monitor = guard.holds(start_monitor(what)?);
    ready("monitor", &monitor, what.dir, SERIAL_SOCKET, MONITOR_LOG).await?;
    Ok(Launched { monitor, link })
}

async fn launch_link(
    dir: &Path,
    agent: &Path,
    publish: &[Publish],
    host_boot: &BootId,
    guard: &mut Guard,
) -> Result<Arc<Process>, MachineError> {
    let link = guard.holds(start(
        "link",
        &Spawn {
            program: agent.to_owned(),
            args: link::arguments(publish),
            dir: dir.to_owned(),
            log: LINK_LOG,
            identity: LINK_ID,
            host_boot: host_boot.clone(),
        },
    )?);
    ready("link", &link, dir, PORTS, LINK_LOG).await?;
    Ok(link)
}

pub(crate) fn start_monitor(what: &Launch<'_>) -> Result<Process, MachineError> {
    let name = what.dir.file_name().unwrap_or_default().to_string_lossy();
    start(
        "monitor",
        &Spawn {
            program: what.qemu.program.clone(),
            args: qemu::arguments(what.plan, what.qemu, &name),
            dir: what.dir.to_owned(),
            log: MONITOR_LOG,
            identity: MONITOR_ID,
            host_boot: what.host_boot.clone(),
        },
    )
}

fn start(part: &'static str, what: &Spawn) -> Result<Process, MachineError> {
    spawn(what).map_err(|source| MachineError::NotStarted { part, source })
}

/// Waits until a process has made its file, or has ended.
async fn ready(
    part: &'static str,
    process: &Process,
    dir: &Path,
    file: &str,
    log: &str,
) -> Result<(), MachineError> {
    let file = dir.join(file);
    let limit = Instant::now() + READY_LIMIT;
    while Instant::now() < limit {
        if fs::symlink_metadata(&file).is_ok() {
            return Ok(());
        }
        let ended = process.ended_within(LOOK_EVERY).await;
        if ended.map_err(|source| MachineError::Process { part, source })?.is_some() {
            return Err(MachineError::EndedAtOnce {
                part,
                said: said(&dir.join(log)).unwrap_or_else(|| "it said nothing".to_owned()),
            });
        }
        sleep(LOOK_EVERY).await;
    }
    Err(MachineError::NotReady { part, limit: READY_LIMIT })
}

/// What the monitor of a machine said since its last start, on one line of at most 500 characters; `None`
/// if nothing. It speaks where something is wrong: after an end that nobody asked for, this is why.
#[must_use]
pub fn monitor_said(dir: &Path) -> Option<String> {
    said(&dir.join(MONITOR_LOG))
}

fn said(log: &Path) -> Option<String> {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" ").chars().take(SAID_CHARS_MAX).collect())
}

/// What was started so far. It is ended unless all went well: also where the launch is dropped halfway.
struct Guard {
    dir: PathBuf,
    /// What is removed with it.
    files: &'static [&'static str],
    started: Vec<Arc<Process>>,
}

impl Guard {
    fn new(dir: &Path, files: &'static [&'static str]) -> Self {
        Self { dir: dir.to_owned(), files, started: vec![] }
    }

    fn holds(&mut self, process: Process) -> Arc<Process> {
        let process = Arc::new(process);
        self.started.push(process.clone());
        process
    }

    async fn close<T>(mut self, outcome: Result<T, MachineError>) -> Result<T, MachineError> {
        if outcome.is_err() {
            give_up(&self.dir, self.files, &self.started).await;
        }
        self.started.clear();
        outcome
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let started = std::mem::take(&mut self.started);
        if started.is_empty() {
            return;
        }
        // Killed before anything else may happen; reaped, and cleared up after, by a task.
        for process in &started {
            if let Err(error) = process.kill() {
                tracing::warn!(%error, "a launch that was dropped runs on");
            }
        }
        let (dir, files) = (std::mem::take(&mut self.dir), self.files);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { give_up(&dir, files, &started).await });
        }
    }
}

/// Why a launch failed matters more than that ending it failed too, so that is only logged.
async fn give_up(dir: &Path, files: &[&str], started: &[Arc<Process>]) {
    for process in started {
        if let Err(error) = kill("process", Some(process)).await {
            tracing::warn!(%error, dir = %dir.display(), "something of a launch runs on");
        }
    }
    if let Err(error) = remove_all(dir, files) {
        tracing::warn!(%error, dir = %dir.display(), "something is left of a launch");
    }
}
