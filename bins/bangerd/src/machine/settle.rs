//! What is done about a machine of which something else is recorded than found.

use std::sync::Arc;

use api::{Failure, OperationKind, Outcome};
use model::VmState;
use store::{ProcessMark, VmRecord};
use vm::{
    admission::Request,
    life,
    settle::{Decision, Ended, Found, ProcessFound, Recorded},
};

use super::{
    boot,
    delete::{forget, remove},
    end::{How, end, end_stray, forget_run},
    link, process, view,
    watch::{Ending, ended_unasked, ending, watch},
};
use crate::{app::App, operations::Operation, owner::advance};

/// Looks for a machine's processes, and settles it.
///
/// # Errors
///
/// It cannot be settled.
pub(super) async fn settle_one(app: &Arc<App>, vm: &Arc<VmRecord>) -> Result<(), Failure> {
    let processes = app.hands.find(vm).await?;
    settle_found(app, vm, &processes).await
}

/// As [`settle_one`], of which it is known what was found.
pub(super) async fn settle_found(
    app: &Arc<App>,
    vm: &Arc<VmRecord>,
    processes: &vmm::machine::Found,
) -> Result<(), Failure> {
    let vm = &with_processes(app, vm, processes).await?;
    let found = found(app, vm, processes)?;
    let recorded = Recorded {
        state: vm.state,
        host_boot: vm.monitor_process.as_ref().map(|process| process.host_boot_id.clone()),
        guest_boot: vm.boot_id.clone(),
    };
    let decision = vm::settle::settle(&recorded, &found);
    tracing::info!(vm = %vm.name, state = %vm.state, ?decision, "settled");
    match decision {
        Decision::Rest => Ok(()),
        Decision::EndStray => {
            end_stray(app, vm).await?;
            change(app, vm, forget_run).await
        }
        Decision::Lost => {
            end_stray(app, vm).await?;
            change(app, vm, |record| {
                forget_run(record);
                record.state = VmState::Error;
                record.error = Some("its directory is gone, and its disks with it".to_owned());
            })
            .await
        }
        Decision::MarkEnded { event, why } => mark_ended(app, vm, event, why).await,
        Decision::TakeUp { relink, .. } => take_up(app, vm, relink).await,
    }
}

async fn change(
    app: &App,
    vm: &VmRecord,
    change: impl FnOnce(&mut VmRecord) + Send + 'static,
) -> Result<(), Failure> {
    let changed = app.owner.change(&vm.id, |record| {
        change(record);
        Ok(())
    });
    changed.await.map(drop)
}

/// Adds the processes that were started and not recorded any more, because the daemon was ended in between.
async fn with_processes(
    app: &App,
    vm: &Arc<VmRecord>,
    found: &vmm::machine::Found,
) -> Result<Arc<VmRecord>, Failure> {
    let marked = |part: &vmm::machine::Part| part.process().map(|it| process::mark(it, &app.host_boot));
    let (monitor, link) = (marked(&found.monitor), marked(&found.link));
    app.owner
        .change(&vm.id, move |record| {
            record.monitor_process = monitor.or(record.monitor_process.take());
            record.link_process = link.or(record.link_process.take());
            Ok(())
        })
        .await
}

/// What was found of a process: by what it wrote down itself, else by what is recorded.
fn part(
    app: &App,
    found: &vmm::machine::Part,
    recorded: Option<&ProcessMark>,
) -> Result<ProcessFound, Failure> {
    Ok(match (found.found(), recorded) {
        (ProcessFound::NotRecorded, Some(_)) => match process::find(recorded, &app.host_boot)? {
            Some(_) => ProcessFound::Lives,
            None => ProcessFound::Gone,
        },
        (found, _) => found,
    })
}

pub(super) fn found(app: &App, vm: &VmRecord, processes: &vmm::machine::Found) -> Result<Found, Failure> {
    Ok(Found {
        host_boot: app.host_boot.clone(),
        directory: app.dirs.vm(&vm.id).is_dir(),
        monitor: part(app, &processes.monitor, vm.monitor_process.as_ref())?,
        link: part(app, &processes.link, vm.link_process.as_ref())?,
        // Asked for once the machines are taken up: a guest may take long to answer.
        guest_boot: None,
    })
}

async fn mark_ended(app: &Arc<App>, vm: &VmRecord, event: life::Event, why: Ended) -> Result<(), Failure> {
    end_stray(app, vm).await?;
    if vm.state == VmState::Starting && vm.delete_on_failure {
        return forget(app, vm).await;
    }
    let dir = app.dirs.vm(&vm.id);
    let error = match (why, vm.state) {
        (Ended::HostRebooted | Ended::AsAsked, _) => None,
        (Ended::NeverStarted, _) => Some("its start was interrupted".to_owned()),
        (Ended::Unasked, VmState::Running) => match ending(&dir, host::process::Exit::Unknown) {
            Ending::PoweredOff => return ended_unasked(app, vm, Ending::PoweredOff).await,
            Ending::Broke(why) => Some(why),
        },
        (Ended::Unasked, _) => Some("its monitor ended while it was starting".to_owned()),
    };
    app.owner
        .change(&vm.id, move |record| {
            forget_run(record);
            record.error = error;
            advance(record, event)
        })
        .await
        .map(drop)
}

async fn take_up(app: &Arc<App>, vm: &Arc<VmRecord>, relink: bool) -> Result<(), Failure> {
    // First, so that its end is seen whatever becomes of its link.
    if vm.state == VmState::Running
        && let Some(monitor) = process::find(vm.monitor_process.as_ref(), &app.host_boot)?
    {
        watch(app, &vm.id, Arc::new(monitor));
    }
    let vm = if relink { link::relink(app, vm).await? } else { Arc::clone(vm) };
    if !relink && let Some(found) = process::find(vm.link_process.as_ref(), &app.host_boot)? {
        link::watch(app, &vm.id, Arc::new(found));
    }
    match vm.state {
        VmState::Starting => go_on(app, &vm, Request::Start, OperationKind::VmStart, start_on),
        VmState::Stopping => go_on(app, &vm, Request::Stop, OperationKind::VmStop, stop_on),
        _ => {
            boot::verify(app, &vm);
            Ok(())
        }
    }
}

/// Goes on with what was interrupted, as an operation like any other.
fn go_on<W>(
    app: &Arc<App>,
    vm: &Arc<VmRecord>,
    request: Request,
    kind: OperationKind,
    work: fn(Arc<App>, Arc<Operation>, Arc<VmRecord>) -> W,
) -> Result<(), Failure>
where
    W: Future<Output = Result<Outcome, Failure>> + Send + 'static,
{
    let (task_app, task_vm) = (Arc::clone(app), Arc::clone(vm));
    let begun = app.operations.begin(kind, vm.name.as_str(), move |operation| {
        let claim = task_app.busy.claim(&task_vm.id, request, &operation);
        async move {
            let _claim = claim;
            work(task_app, operation, task_vm).await
        }
    });
    begun.map(drop)
}

async fn start_on(app: Arc<App>, operation: Arc<Operation>, vm: Arc<VmRecord>) -> Result<Outcome, Failure> {
    match boot::go_on(&app, &operation, &vm).await {
        Err(why) if vm.delete_on_failure && !app.leaving.is_cancelled() => {
            if let Some(vm) = app.owner.get(&vm.id) {
                remove(&app, &operation, &vm).await?;
            }
            Err(why)
        }
        booted => booted.map(|vm| Outcome::Vm(Box::new(view(&app, &vm)))),
    }
}

async fn stop_on(app: Arc<App>, operation: Arc<Operation>, vm: Arc<VmRecord>) -> Result<Outcome, Failure> {
    let vm = end(&app, &operation, &vm, How::Asked).await?;
    Ok(Outcome::Vm(Box::new(view(&app, &vm))))
}
