//! From a record to a monitor and a link that run.

use std::{path::PathBuf, sync::Arc};

use api::{Code, Failure};
use host::process::Process;
use image::KernelRecord;
use store::VmRecord;
use vm::boot_plan::{BootFacts, BootPlan, DiskFormat, plan};
use vmm::{machine::Launched, monitor::Monitor};

use super::{accel::kernel_of, link, monitor::choose, process::mark};
use crate::{
    app::App,
    failure::{Explained, failure},
    hands::Start,
    library::{self, told},
    operations::Operation,
};

/// Everything that a boot needs.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What is known of the host and of what is installed.
    facts: BootFacts,
    /// What is started.
    pub(super) plan: BootPlan,
    /// With which monitor.
    pub(super) monitor: Monitor,
    /// The image that the root disk holds the differences from.
    backing: Option<PathBuf>,
}

/// Finds the monitor and the kernel, makes the initramfs where it is not there, and finds out what runs the
/// guest's instructions.
///
/// # Errors
///
/// One of them is not there, or cannot be made.
pub(super) async fn prepare(
    app: &Arc<App>,
    operation: &Arc<Operation>,
    vm: &VmRecord,
) -> Result<Prepared, Failure> {
    let doing = format!("start machine {}", vm.name);
    let kernel = app.library.kernels.get(&vm.kernel).map_err(|error| told(&doing, &error))?;
    let root_format = root_format(app, vm, &doing)?;
    let initramfs = initramfs(app, &kernel, &doing).await?;
    let (monitor, accel) = choose(app, operation, &doing, (&kernel, &initramfs), Some(root_format)).await?;
    let (state, host_boot) = (app.dirs.state().to_owned(), app.host_boot.clone());
    let tsc_khz =
        tokio::task::spawn_blocking(move || host::tsc::khz(&state, &host_boot)).await.ok().flatten();
    let facts = BootFacts {
        monitor: monitor.kind(),
        accel,
        tsc_khz,
        kernel: kernel_of(&monitor, &kernel).to_owned(),
        initramfs,
        modules_disk: kernel.modules_disk.clone(),
        root_format,
        root_backing: None,
        tap: None,
        agent_socket: vm::layout::SERIAL_SOCKET.into(),
    };
    let backing = vm.image_digest.and_then(|digest| app.library.images.disk_of(&digest));
    Ok(Prepared { plan: plan(&vm.spec, &facts), facts, monitor, backing })
}

pub(super) async fn initramfs(app: &App, kernel: &KernelRecord, doing: &str) -> Result<PathBuf, Failure> {
    if !app.agent.is_file() {
        let message = format!("{doing}: {} is not there", app.agent.display());
        return Err(failure(Code::HostLacks, message)
            .hinted("Install banger again: its programs lie in one directory."));
    }
    let (kernels, name, agent) = (Arc::clone(&app.library.kernels), kernel.name.clone(), app.agent.clone());
    library::quick(doing, move || kernels.initramfs(&name, &agent)).await
}

fn root_format(app: &App, vm: &VmRecord, doing: &str) -> Result<DiskFormat, Failure> {
    let dir = app.dirs.vm(&vm.id);
    DiskFormat::ALL.into_iter().find(|format| dir.join(format.root_file()).is_file()).ok_or_else(|| {
        failure(Code::Failed, format!("{doing}: its root disk is gone")).hinted("Delete the machine.")
    })
}

/// Launches a machine and records its processes.
///
/// # Errors
///
/// Nothing of it runs then.
pub(super) async fn launch(
    app: &Arc<App>,
    vm: &VmRecord,
    prepared: &Prepared,
) -> Result<(Arc<VmRecord>, Arc<Process>), Failure> {
    let dir = app.dirs.vm(&vm.id);
    if let Err(error) = vmm::console::trim(&dir, vmm::console::CONSOLE_BYTES_MAX) {
        tracing::warn!("the console's log was not cut: {error}");
    }
    let start = Start {
        facts: &prepared.facts,
        plan: &prepared.plan,
        monitor: &prepared.monitor,
        backing: prepared.backing.as_deref(),
    };
    let Launched { monitor, link } = app.hands.launch(vm, &start).await?;
    let marks = (mark(&monitor, &app.host_boot), mark(&link, &app.host_boot));
    let recorded = app.owner.change(&vm.id, move |record| {
        record.monitor_process = Some(marks.0);
        record.link_process = Some(marks.1);
        Ok(())
    });
    match recorded.await {
        Ok(vm) => {
            link::watch(app, &vm.id, link);
            Ok((vm, monitor))
        }
        Err(why) => {
            if let Err(error) = app.hands.end(vm, Some(&monitor), Some(&link)).await {
                tracing::error!(vm = %vm.name, "something of it still runs: {error}");
            }
            Err(why)
        }
    }
}
