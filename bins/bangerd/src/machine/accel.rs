//! What runs the guests' instructions: KVM where a boot proved it, emulation elsewhere.

use std::path::Path;

use api::{Code, Failure};
use config::AccelChoice;
use host::kvm::{KvmKey, KvmVerdict};
use image::KernelRecord;
use vm::boot_plan;
use vmm::{monitor::Monitor, probe::Probe};

use super::prepare::default_kernel;
use crate::{
    app::{App, Known},
    failure::{Explained, failure},
    operations::Operation,
};

/// Reads what a record says of its accelerator.
pub(super) fn read(word: Option<&str>) -> boot_plan::Accel {
    match word {
        Some("kvm") => boot_plan::Accel::Kvm,
        _ => boot_plan::Accel::Emulated,
    }
}

/// Says what is to run a kernel's guests, and finds it out by a boot where nobody has yet.
///
/// # Errors
///
/// [`Code::HostLacks`] where the configuration wants KVM alone, and it does not work.
pub(super) async fn decide(
    app: &App,
    operation: &Operation,
    kernel: &KernelRecord,
    monitor: &Monitor,
    initramfs: &Path,
) -> Result<boot_plan::Accel, Failure> {
    if app.config.accel() == AccelChoice::Emulated {
        return Ok(boot_plan::Accel::Emulated);
    }
    match verdict(app, operation, kernel, monitor, initramfs).await? {
        KvmVerdict::Usable => Ok(boot_plan::Accel::Kvm),
        KvmVerdict::NotUsable { why } if app.config.accel() == AccelChoice::Kvm => {
            Err(failure(Code::HostLacks, format!("use KVM: {why}"))
                .hinted("Take `accel` out of config.toml to emulate where KVM does not work."))
        }
        KvmVerdict::NotUsable { .. } => Ok(boot_plan::Accel::Emulated),
    }
}

/// Says whether a monitor runs a kernel with KVM, and finds it out by a boot where nobody has yet.
///
/// # Errors
///
/// The operation was cancelled.
pub(super) async fn verdict(
    app: &App,
    operation: &Operation,
    kernel: &KernelRecord,
    monitor: &Monitor,
    initramfs: &Path,
) -> Result<KvmVerdict, Failure> {
    let _turn = app.accel.probing.lock().await;
    if app.known_accel() == Known::Unknown {
        operation.stage("find out whether KVM works");
    }
    let probe = Probe {
        state_dir: app.dirs.state(),
        monitor,
        kernel: kernel_of(monitor, kernel),
        digest: kernel.digest,
        initramfs,
        host_boot: &app.host_boot,
    };
    let verdict = operation.unless_cancelled(async { Ok(vmm::probe::verdict(&probe).await) }).await?;
    app.accel.note(&verdict);
    Ok(verdict)
}

/// The form of a kernel that a monitor is given.
pub(super) fn kernel_of<'a>(monitor: &Monitor, kernel: &'a KernelRecord) -> &'a Path {
    match monitor {
        Monitor::Qemu(_) => vmm::qemu::kernel::preferred(&kernel.vmlinux, kernel.vmlinuz.as_deref()),
        Monitor::Firecracker(_) => &kernel.vmlinux,
    }
}

/// Looks up what an earlier daemon found out about the default kernel in this boot of the host.
pub(super) async fn recall(app: &App) {
    let kernel = default_kernel(app).ok().flatten();
    let Some(kernel) = kernel.and_then(|name| app.library.kernels.get(&name).ok()) else { return };
    let qemu = app.monitor.find(app.config.qemu_bin()).await;
    let qemu = qemu.ok().and_then(Result::ok).map(|qemu| qemu.name());
    let firecracker = app.firecracker().await.ok().flatten().map(|firecracker| firecracker.name());
    // The better one's last.
    for monitor in [qemu, firecracker].into_iter().flatten() {
        let key = KvmKey { host_boot: app.host_boot.clone(), kernel: kernel.digest, monitor };
        if let Some(verdict) = host::kvm::recall(app.dirs.state(), &key)
            && !(app.known_accel() == Known::Kvm && verdict != KvmVerdict::Usable)
        {
            app.accel.note(&verdict);
        }
    }
}
