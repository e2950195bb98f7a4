//! Who runs, as the host and the guests say: what an updater compares before and after.

use std::sync::Arc;

use api::{Census, Counted, Failure, MonitorProcess};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use host::process::ProcessId;
use model::VmState;
use store::VmRecord;

use super::{health, process};
use crate::app::App;

/// Agents that are asked at once.
const ASKED_AT_ONCE: usize = 32;

/// Counts the machines that run: those whose monitor lives, and those that are recorded as running.
///
/// # Errors
///
/// The system does not tell of a process.
pub(crate) async fn census(app: &App) -> Result<Census, Failure> {
    let vms = app.owner.snapshot().vms.clone();
    let counted: Vec<_> = vms.into_iter().map(|vm| count(app, vm)).collect();
    let machines: Vec<Option<Counted>> = stream::iter(counted).buffered(ASKED_AT_ONCE).try_collect().await?;
    Ok(Census { host_boot_id: app.host_boot.clone(), machines: machines.into_iter().flatten().collect() })
}

async fn count(app: &App, vm: Arc<VmRecord>) -> Result<Option<Counted>, Failure> {
    let monitor = process::find(vm.monitor_process.as_ref(), &app.host_boot)?.map(|monitor| {
        let ProcessId { pid, started_ticks } = monitor.id();
        MonitorProcess { pid, started_ticks }
    });
    if monitor.is_none() && vm.state != VmState::Running {
        return Ok(None);
    }
    let health = health(app, &vm).await;
    Ok(Some(Counted {
        id: vm.id.clone(),
        name: vm.name.clone(),
        state: vm.state,
        monitor,
        boot_id: health.boot_id,
        why: health.why,
    }))
}
