//! Whether KVM truly runs the kernel.
//!
//! The kernel is booted with its initramfs and `banger.probe`, on which the agent says so and powers off.
//! Nothing less tells: a `/dev/kvm` may open, create machines and run small ones, and never run this one.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::Path,
    time::{Duration, Instant},
};

use host::{
    kvm::{self, KvmKey, KvmVerdict},
    process::{Exit, Process, ProcessError},
    tsc,
};
use model::{BootId, Digest};
use vm::boot_plan::{Accel, BootFacts, BootPlan, plan_probe};

use crate::{
    console::{self, Mark},
    firecracker,
    machine::{self, Launch, start_monitor},
    monitor::Monitor,
};

/// What the agent prints when it was booted with `banger.probe`.
pub const PROBE_OK: &str = "banger: probe ok";

/// How patient a probe is. With KVM on metal the whole boot takes about one second; within an emulated computer
/// the kernel prints all along, and takes half a minute.
pub const PATIENCE: Patience =
    Patience { silence_max: Duration::from_secs(10), boot_max: Duration::from_mins(2) };
/// How often the console is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The probe's directory below the state directory.
const DIR: &str = "probe";

/// How patient a probe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The longest time in which the console may stay as it is.
    pub silence_max: Duration,
    /// The longest time that the boot may take, whatever is printed.
    pub boot_max: Duration,
}

/// What to probe with.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// The state directory: the verdict is kept here, and the boot's files are here meanwhile.
    pub state_dir: &'a Path,
    /// The monitor.
    pub monitor: &'a Monitor,
    /// The kernel, as the monitor takes it.
    pub kernel: &'a Path,
    /// What the verdict holds for: the kernel and its initramfs, together.
    pub digest: Digest,
    /// The initramfs with the agent.
    pub initramfs: &'a Path,
    /// The boot of the host.
    pub host_boot: &'a BootId,
}

/// Says whether KVM truly runs a kernel here: what was found out before in this boot of the host with this
/// kernel and monitor, or finds it out and keeps it: where KVM does not work that takes 10 s as a rule.
pub async fn verdict(probe: &Probe<'_>) -> KvmVerdict {
    // Asked each time: who is let in may change within one boot of the host.
    if let Some(why) = kvm::obstacle() {
        return KvmVerdict::NotUsable { why };
    }
    let key =
        KvmKey { host_boot: probe.host_boot.clone(), kernel: probe.digest, monitor: probe.monitor.name() };
    if let Some(known) = kvm::recall(probe.state_dir, &key) {
        return known;
    }
    let verdict = boot(probe, Accel::Kvm, PATIENCE).await;
    if let Err(error) = kvm::remember(probe.state_dir, &key, &verdict) {
        tracing::warn!(%error, "whether KVM works is found out again next time");
    }
    verdict
}

/// Clears up after a probe that was cut short. To be called when the daemon starts.
///
/// # Errors
///
/// As [`machine::discard`].
pub async fn sweep(state_dir: &Path, host_boot: &BootId) -> Result<(), machine::MachineError> {
    machine::discard(&state_dir.join(DIR), host_boot).await
}

/// Boots the kernel with `banger.probe`, keeps nothing, and says whether it came up and powered off in time.
pub async fn boot(probe: &Probe<'_>, accel: Accel, patience: Patience) -> KvmVerdict {
    let dir = probe.state_dir.join(DIR);
    let booted = boot_in(&dir, probe, accel, patience).await;
    if let Err(error) = sweep(probe.state_dir, probe.host_boot).await {
        tracing::warn!(%error, "something is left of a probe");
    }
    match booted {
        Ok(()) => KvmVerdict::Usable,
        Err(why) => KvmVerdict::NotUsable { why },
    }
}

async fn boot_in(dir: &Path, probe: &Probe<'_>, accel: Accel, patience: Patience) -> Result<(), String> {
    sweep(probe.state_dir, probe.host_boot).await.map_err(|error| error.to_string())?;
    make(dir).map_err(|error| format!("{} cannot be made: {error}", dir.display()))?;
    let plan = plan(probe, accel);
    let started = Instant::now();
    let monitor = start(dir, probe, &plan)?;
    let ended = ended_in_time(dir, &monitor, patience).await.map_err(|error| error.to_string())?;
    let has_said = console::last_lines(dir, Mark::default(), 200)
        .is_ok_and(|lines| lines.iter().any(|line| line.contains(PROBE_OK)));
    match (ended, has_said) {
        (Ok(Exit::Code(0)), true) => {
            tracing::info!(took_millis = started.elapsed().as_millis(), "KVM runs the kernel");
            Ok(())
        }
        (Ok(_), _) => {
            let said =
                machine::monitor_said(dir).or_else(|| last_line(dir).filter(|_| is_firecracker(probe)));
            let said = said.unwrap_or_else(|| "it said nothing".to_owned());
            let what = if is_firecracker(probe) { "Firecracker" } else { "QEMU" };
            Err(format!("{what} ended: {said}"))
        }
        (Err(late), has_said) => Err(not_in_time(dir, late, has_said)),
    }
}

fn start(dir: &Path, probe: &Probe<'_>, plan: &BootPlan) -> Result<Process, String> {
    match probe.monitor {
        Monitor::Qemu(qemu) => {
            let launch = Launch { dir, plan, qemu, agent: Path::new(""), host_boot: probe.host_boot };
            start_monitor(&launch).map_err(|error| error.to_string())
        }
        Monitor::Firecracker(firecracker) => firecracker::start(dir, plan, firecracker, probe.host_boot),
    }
}

/// Its words and the kernel's are in one file.
fn is_firecracker(probe: &Probe<'_>) -> bool {
    matches!(probe.monitor, Monitor::Firecracker(_))
}

fn last_line(dir: &Path) -> Option<String> {
    console::last_lines(dir, Mark::default(), 1).ok().and_then(|mut lines| lines.pop())
}

/// Why a boot was not waited for any longer.
#[derive(Clone, Copy)]
enum Late {
    /// Nothing new on the console for so long.
    Silent(Duration),
    /// It printed all along, for so long.
    TooLong(Duration),
}

/// Waits for the monitor's end while its guest goes on printing.
async fn ended_in_time(
    dir: &Path,
    monitor: &Process,
    patience: Patience,
) -> Result<Result<Exit, Late>, ProcessError> {
    let start = Instant::now();
    let (mut seen, mut grown) = (Mark::default(), start);
    loop {
        if let Some(exit) = monitor.ended_within(LOOK_EVERY).await? {
            return Ok(Ok(exit));
        }
        // A log that cannot be read counts as silent.
        let end = console::end(dir).unwrap_or(seen);
        if end != seen {
            (seen, grown) = (end, Instant::now());
        }
        if grown.elapsed() >= patience.silence_max {
            return Ok(Err(Late::Silent(patience.silence_max)));
        }
        if start.elapsed() >= patience.boot_max {
            return Ok(Err(Late::TooLong(patience.boot_max)));
        }
    }
}

fn not_in_time(dir: &Path, late: Late, has_said: bool) -> String {
    let (Late::Silent(limit) | Late::TooLong(limit)) = late;
    let secs = limit.as_secs();
    if has_said {
        return format!("the kernel came up and did not power off within {secs} s");
    }
    match (last_line(dir), late) {
        (Some(line), Late::Silent(_)) => {
            format!("the kernel printed nothing new for {secs} s; its last line: {line}")
        }
        (Some(line), Late::TooLong(_)) => {
            format!("the kernel did not come up within {secs} s; its last line: {line}")
        }
        (None, _) => format!("the kernel printed nothing within {secs} s"),
    }
}

fn plan(probe: &Probe<'_>, accel: Accel) -> BootPlan {
    plan_probe(&BootFacts {
        monitor: probe.monitor.kind(),
        accel,
        // Only an emulated kernel needs it; that boot is for trying the probe itself.
        tsc_khz: Some(accel)
            .filter(|accel| *accel == Accel::Emulated)
            .and_then(|_| tsc::khz(probe.state_dir, probe.host_boot)),
        kernel: probe.kernel.to_owned(),
        initramfs: probe.initramfs.to_owned(),
        modules_disk: None,
        root_format: vm::boot_plan::DiskFormat::Raw,
        root_backing: None,
        tap: None,
        agent_socket: vm::layout::SERIAL_SOCKET.into(),
    })
}

fn make(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(dir)
}
