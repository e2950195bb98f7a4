//! Which monitor runs a machine: Firecracker in a system install where it is there and a boot with it proved that
//! KVM works, else QEMU.

use std::path::Path;

use api::{Code, Failure};
use config::VmmChoice;
use host::kvm::KvmVerdict;
use image::KernelRecord;
use vm::boot_plan::{Accel, DiskFormat};
use vmm::monitor::Monitor;

use super::accel;
use crate::{
    app::App,
    failure::{Explained, chain, failure, from_error},
    operations::Operation,
};

/// Says which monitor is to run a kernel's guests, and what their instructions; finds it out by a boot where
/// nobody has yet. Firecracker has no use for a root disk of differences.
///
/// # Errors
///
/// [`Code::HostLacks`] where the configuration wants what is not there or does not work.
pub(super) async fn choose(
    app: &App,
    operation: &Operation,
    doing: &str,
    (kernel, initramfs): (&KernelRecord, &Path),
    root: Option<DiskFormat>,
) -> Result<(Monitor, Accel), Failure> {
    let why_not = match app.firecracker().await {
        _ if root == Some(DiskFormat::Qcow2) => "its root disk is of QEMU's own kind".to_owned(),
        Err(error) if app.config.vmm() == VmmChoice::Firecracker => {
            return Err(from_error(doing, &error, error.class(), error.hint()));
        }
        Err(error) => chain(&error),
        Ok(None) => "the configuration rules it out".to_owned(),
        Ok(Some(found)) => {
            let monitor = Monitor::Firecracker(found);
            match accel::verdict(app, operation, kernel, &monitor, initramfs).await? {
                KvmVerdict::Usable => return Ok((monitor, Accel::Kvm)),
                KvmVerdict::NotUsable { why } => why,
            }
        }
    };
    if app.config.vmm() == VmmChoice::Firecracker {
        return Err(failure(Code::HostLacks, format!("{doing}: use Firecracker: {why_not}")).hinted(
            "Take `vmm` out of /etc/banger/config.toml to use QEMU where Firecracker does not work.",
        ));
    }
    if root == Some(DiskFormat::Snapshot) {
        let message = format!("{doing}: its root disk wants Firecracker: {why_not}");
        return Err(
            failure(Code::HostLacks, message).hinted("`banger doctor` says what Firecracker lacks here.")
        );
    }
    tracing::debug!("QEMU and not Firecracker: {why_not}");
    let qemu = app.monitor.find(app.config.qemu_bin()).await?;
    let qemu = qemu.map_err(|error| from_error(doing, &error, error.class(), error.hint()))?;
    let monitor = Monitor::Qemu(qemu);
    let accel = accel::decide(app, operation, kernel, &monitor, initramfs).await?;
    Ok((monitor, accel))
}
