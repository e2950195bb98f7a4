//! `stop`: the guest is asked to sync and power off.

use std::sync::Arc;

use api::{Failure, OperationKind, Outcome};
use store::VmRecord;
use vm::admission::Request;

use super::{
    admit,
    end::{How, end},
    view,
};
use crate::{app::App, operations::Operation};

/// Begins to stop a machine.
///
/// # Errors
///
/// The refusal; nothing was begun.
pub(crate) fn stop(app: &Arc<App>, vm: &VmRecord) -> Result<Arc<Operation>, Failure> {
    admit::begin(app, vm, Request::Stop, OperationKind::VmStop, |app, operation, vm| async move {
        let vm = if vm::life::next(vm.state) == vm::life::Duty::Rest {
            vm
        } else {
            end(&app, &operation, &vm, How::Asked).await?
        };
        Ok(Outcome::Vm(Box::new(view(&app, &vm))))
    })
}
