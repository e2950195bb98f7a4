//! Machines whose record says something else than what runs, while the daemon runs.

use std::sync::Arc;

use api::{Failure, OperationKind, Outcome};
use store::VmRecord;
use vm::{
    admission::Request,
    settle::{Decision, Recorded},
};
use vmm::machine::{Found, Part};

use super::settle::{found, settle_one};
use crate::app::App;

/// Machines that nobody works on and that are to be settled, each with why. What only wants its link again is
/// not among them: the link's watcher sees to it.
///
/// # Errors
///
/// What runs cannot be told.
pub(crate) fn unsettled(app: &App) -> Result<Vec<(Arc<VmRecord>, &'static str)>, Failure> {
    let mut vms = vec![];
    for vm in &app.owner.snapshot().vms {
        if app.busy.has(&vm.id) {
            continue;
        }
        // What is recorded is enough: nothing of a machine is started without being recorded, or settled at start.
        let processes = Found { monitor: Part::NotRecorded, link: Part::NotRecorded };
        let recorded = Recorded {
            state: vm.state,
            host_boot: vm.monitor_process.as_ref().map(|process| process.host_boot_id.clone()),
            guest_boot: vm.boot_id.clone(),
        };
        let why = match vm::settle::settle(&recorded, &found(app, vm, &processes)?) {
            Decision::Rest | Decision::TakeUp { .. } => continue,
            Decision::MarkEnded { .. } => "its monitor is gone",
            Decision::EndStray => "something of it runs",
            Decision::Lost => "its directory is gone",
        };
        vms.push((Arc::clone(vm), why));
    }
    Ok(vms)
}

/// Settles a machine, unless somebody works on it meanwhile.
///
/// # Errors
///
/// It cannot be settled.
pub(crate) async fn settle_again(app: &Arc<App>, vm: &Arc<VmRecord>) -> Result<(), Failure> {
    if app.busy.has(&vm.id) {
        return Ok(());
    }
    let (task_app, task_vm) = (Arc::clone(app), Arc::clone(vm));
    let (tell, told) = tokio::sync::oneshot::channel();
    let begun = app.operations.begin(OperationKind::VmStop, vm.name.as_str(), move |operation| {
        // Claimed before the first await: nobody comes in between.
        let claim = task_app.busy.claim(&task_vm.id, Request::Stop, &operation);
        async move {
            let _claim = claim;
            let settled = match task_app.owner.get(&task_vm.id) {
                Some(vm) => settle_one(&task_app, &vm).await,
                None => Ok(()),
            };
            tell.send(settled.clone()).ok();
            settled.map(|()| Outcome::Gone)
        }
    })?;
    begun.ended().await;
    told.await.unwrap_or(Ok(()))
}
