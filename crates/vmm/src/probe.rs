//! Whether KVM truly runs the kernel.
//!
//! The kernel is booted with its initramfs and `banger.probe`, on which the agent says so and powers off.
//! Nothing less tells: a `/dev/kvm` may open, create machines and run small ones, and never run this one.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use host::{
    kvm::{self, KvmKey, KvmVerdict},
    process::Exit,
    tsc,
};
use model::{BootId, Digest};
use vm::boot_plan::{Accel, BootFacts, BootPlan, plan_probe};

use crate::{
    console::{self, Mark},
    machine::{self, Launch, start_monitor},
    qemu::Qemu,
};

/// What the agent prints when it was booted with `banger.probe`.
pub const PROBE_OK: &str = "banger: probe ok";

/// How long the boot may take. With KVM it takes about one second.
const PROBE_LIMIT: Duration = Duration::from_secs(10);
/// The probe's directory below the state directory.
const DIR: &str = "probe";

/// What to probe with.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// The state directory: the verdict is kept here, and the boot's files are here meanwhile.
    pub state_dir: &'a Path,
    /// The monitor.
    pub qemu: &'a Qemu,
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
/// kernel and monitor, or finds it out (up to 10 s) and keeps it.
pub async fn verdict(probe: &Probe<'_>) -> KvmVerdict {
    // Asked each time: who is let in may change within one boot of the host.
    if let Some(why) = kvm::obstacle() {
        return KvmVerdict::NotUsable { why };
    }
    let key = KvmKey { host_boot: probe.host_boot.clone(), kernel: probe.digest, monitor: probe.qemu.name() };
    if let Some(known) = kvm::recall(probe.state_dir, &key) {
        return known;
    }
    let verdict = boot(probe, Accel::Kvm, PROBE_LIMIT).await;
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
pub async fn boot(probe: &Probe<'_>, accel: Accel, limit: Duration) -> KvmVerdict {
    let dir = probe.state_dir.join(DIR);
    let booted = boot_in(&dir, probe, accel, limit).await;
    if let Err(error) = sweep(probe.state_dir, probe.host_boot).await {
        tracing::warn!(%error, "something is left of a probe");
    }
    match booted {
        Ok(()) => KvmVerdict::Usable,
        Err(why) => KvmVerdict::NotUsable { why },
    }
}

async fn boot_in(dir: &PathBuf, probe: &Probe<'_>, accel: Accel, limit: Duration) -> Result<(), String> {
    sweep(probe.state_dir, probe.host_boot).await.map_err(|error| error.to_string())?;
    make(dir).map_err(|error| format!("{} cannot be made: {error}", dir.display()))?;
    let plan = plan(probe, accel);
    let launch =
        Launch { dir, plan: &plan, qemu: probe.qemu, agent: Path::new(""), host_boot: probe.host_boot };
    let started = Instant::now();
    let monitor = start_monitor(&launch).map_err(|error| error.to_string())?;
    let ended = monitor.ended_within(limit).await.map_err(|error| error.to_string())?;
    let has_said = console::last_lines(dir, Mark::default(), 200)
        .is_ok_and(|lines| lines.iter().any(|line| line.contains(PROBE_OK)));
    match (ended, has_said) {
        (Some(Exit::Code(0)), true) => {
            tracing::info!(took_millis = started.elapsed().as_millis(), "KVM runs the kernel");
            Ok(())
        }
        (Some(_), _) => {
            let said = machine::monitor_said(dir);
            Err(format!("QEMU ended: {}", said.as_deref().unwrap_or("it said nothing")))
        }
        (None, said_so) => Err(not_in_time(dir, limit, said_so)),
    }
}

fn not_in_time(dir: &Path, limit: Duration, has_said: bool) -> String {
    let secs = limit.as_secs();
    if has_said {
        return format!("the kernel came up and did not power off within {secs} s");
    }
    match console::last_lines(dir, Mark::default(), 1).ok().and_then(|mut lines| lines.pop()) {
        Some(line) => format!("the kernel did not come up within {secs} s; its last line: {line}"),
        None => format!("the kernel printed nothing within {secs} s"),
    }
}

fn plan(probe: &Probe<'_>, accel: Accel) -> BootPlan {
    plan_probe(&BootFacts {
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
        serial_socket: vm::layout::SERIAL_SOCKET.into(),
    })
}

fn make(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(dir)
}
