//! `kill`: a signal for the monitor.

use std::sync::Arc;

use api::{Code, Failure, OperationKind, Outcome, VmKill};
use host::process::ProcessError;
use store::VmRecord;
use vm::admission::Request;

use super::{
    admit,
    end::{How, end},
    process, view,
};
use crate::{
    app::App,
    failure::{failure, process_failed},
    operations::Operation,
};

/// The signals that end a monitor: those whose default is to end a process, and which QEMU does not use for
/// something else.
const ENDING: [i32; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15];

/// Begins to kill a machine.
///
/// # Errors
///
/// The refusal, or [`Code::BadRequest`] for what is no signal; nothing was begun.
pub(crate) fn kill(app: &Arc<App>, vm: &VmRecord, kill: VmKill) -> Result<Arc<Operation>, Failure> {
    let VmKill { signal } = kill;
    // SIGRTMIN and what is above it have no meaning for a monitor.
    if !(1..=31).contains(&signal) {
        return Err(process_failed(&ProcessError::NoSuchSignal { signal }));
    }
    admit::begin(app, vm, Request::Kill, OperationKind::VmKill, move |app, operation, vm| async move {
        let vm = if ENDING.contains(&signal) {
            end(&app, &operation, &vm, How::Signal(signal)).await?
        } else {
            let monitor = process::find(vm.monitor_process.as_ref(), &app.host_boot)?;
            let monitor = monitor.ok_or_else(|| {
                failure(Code::WrongState, format!("kill machine {}: it has ended", vm.name))
            })?;
            app.hands.signal(&vm, &monitor, signal).await?;
            vm
        };
        Ok(Outcome::Vm(Box::new(view(&app, &vm))))
    })
}
