//! Ending a machine's processes.

use std::{sync::Arc, time::Duration};

use api::{Code, Failure};
use store::VmRecord;
use tokio_util::sync::CancellationToken;
use vm::life;

use super::process;
use crate::{
    app::App,
    failure::{chain, failure, process_failed},
    operations::Operation,
    owner::advance,
};

/// How long the guest's agent may take to take the wish in.
const ASK_LIMIT: Duration = Duration::from_secs(15);
/// How long a guest may take from then to its end. An emulated one is many times slower.
const END_LIMIT: Duration = Duration::from_secs(20);
const END_LIMIT_EMULATED: Duration = Duration::from_mins(1);
/// How long the kernel may take to take a killed process away.
const KILL_LIMIT: Duration = Duration::from_secs(10);

const SIGKILL: i32 = 9;

/// How a monitor is made to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    /// The guest is asked to sync and power off; what does not end in time is killed.
    Asked,
    /// Its monitor is sent this signal; what does not end in time is killed.
    Signal(i32),
}

/// Ends a machine that starts, runs or stops, whatever it takes, and records that it is stopped.
///
/// # Errors
///
/// A process cannot be ended, or a record not written: it is then still `stopping`, and a second try goes on
/// with it. [`Code::Unavailable`] where the daemon ends first; the next one goes on with it.
pub(super) async fn end(
    app: &App,
    operation: &Operation,
    vm: &VmRecord,
    how: How,
) -> Result<Arc<VmRecord>, Failure> {
    let vm = app
        .owner
        .change(&vm.id, |record| match record.state {
            model::VmState::Starting | model::VmState::Running => advance(record, life::Event::StopAsked),
            _ => Ok(()),
        })
        .await?;
    end_monitor(app, operation, &vm, how).await?;
    clear(app, &vm).await?;
    app.owner
        .change(&vm.id, |record| {
            forget_run(record);
            match record.state {
                model::VmState::Stopping => advance(record, life::Event::MonitorEnded),
                _ => Ok(()),
            }
        })
        .await
}

/// Forgets what holds for one run alone.
pub(super) fn forget_run(record: &mut VmRecord) {
    record.monitor_process = None;
    record.link_process = None;
    record.boot_id = None;
    record.published = vec![];
}

async fn end_monitor(app: &App, operation: &Operation, vm: &VmRecord, how: How) -> Result<(), Failure> {
    let Some(monitor) = process::find(vm.monitor_process.as_ref(), &app.host_boot)? else {
        return Ok(());
    };
    let limit = match (how, vm.accel.as_deref()) {
        (How::Signal(9), _) => KILL_LIMIT,
        (_, Some("kvm")) => END_LIMIT,
        _ => END_LIMIT_EMULATED,
    };
    match how {
        How::Signal(number) => {
            app.hands.signal(vm, &monitor, number).await?;
        }
        How::Asked => {
            operation.stage("stop the guest");
            if let Err(why) = ask(app, vm, operation.cancellation()).await {
                operation.warn(format!("{} could not be asked to power off ({why}), and is killed", vm.name));
                app.hands.signal(vm, &monitor, SIGKILL).await?;
            }
        }
    }
    let ended = tokio::select! {
        ended = monitor.ended_within(limit) => ended.map_err(|error| process_failed(&error))?.is_some(),
        // Who cancels a stop wants it to be quicker.
        () = operation.cancellation().cancelled(), if !app.leaving.is_cancelled() => false,
        () = app.leaving.cancelled() => return Err(leaving()),
    };
    if ended {
        return Ok(());
    }
    if !operation.cancellation().is_cancelled() {
        operation.warn(format!("{} did not end within {} seconds, and is killed", vm.name, limit.as_secs()));
    }
    app.hands.signal(vm, &monitor, SIGKILL).await?;
    let gone = monitor.ended_within(KILL_LIMIT).await.map_err(|error| process_failed(&error))?;
    if gone.is_some() { Ok(()) } else { Err(failure(Code::Failed, "kill the monitor: it does not go away")) }
}

/// What is told of work that the next daemon goes on with.
pub(super) fn leaving() -> Failure {
    failure(Code::Unavailable, "wait for the machine: the daemon is ending, and the next one goes on with it")
}

async fn ask(app: &App, vm: &VmRecord, cancelled: &CancellationToken) -> Result<(), String> {
    let guest = app.guest(&vm.id);
    tokio::select! {
        asked = tokio::time::timeout(ASK_LIMIT, guest.poweroff()) => match asked {
            Ok(asked) => asked.map_err(|error| chain(&error)),
            Err(_) => Err(format!("no answer within {} seconds", ASK_LIMIT.as_secs())),
        },
        () = cancelled.cancelled() => Err("it is to end at once".to_owned()),
    }
}

/// Ends what is left of a machine whose monitor is gone, and removes what they left behind.
///
/// # Errors
///
/// The link cannot be ended, or a file not be removed.
pub(super) async fn clear(app: &App, vm: &VmRecord) -> Result<(), Failure> {
    let link = process::find(vm.link_process.as_ref(), &app.host_boot)?;
    app.hands.finish(vm, link.as_ref()).await
}

/// Kills whatever of a machine runs, monitor and link, and removes what they left behind.
///
/// # Errors
///
/// A process cannot be ended, or a file not be removed.
pub(super) async fn end_stray(app: &App, vm: &VmRecord) -> Result<(), Failure> {
    let found = app.hands.find(vm).await?;
    let monitor = match found.monitor.into_process() {
        Some(monitor) => Some(monitor),
        None => process::find(vm.monitor_process.as_ref(), &app.host_boot)?.map(Arc::new),
    };
    let link = match found.link.into_process() {
        Some(link) => Some(link),
        None => process::find(vm.link_process.as_ref(), &app.host_boot)?.map(Arc::new),
    };
    app.hands.end(vm, monitor.as_deref(), link.as_deref()).await
}
