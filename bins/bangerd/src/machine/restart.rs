//! `restart`: stop if it runs, then start.

use std::sync::Arc;

use api::{Failure, OperationKind, Outcome};
use store::VmRecord;
use vm::{
    admission::Request,
    life::{Duty, next},
};

use super::{
    admit,
    boot::boot,
    end::{How, end},
    view,
};
use crate::{app::App, operations::Operation};

/// Begins to restart a machine.
///
/// # Errors
///
/// The refusal; nothing was begun.
pub(crate) fn restart(app: &Arc<App>, vm: &VmRecord) -> Result<Arc<Operation>, Failure> {
    admit::begin(app, vm, Request::Restart, OperationKind::VmRestart, |app, operation, vm| async move {
        let vm =
            if next(vm.state) == Duty::Rest { vm } else { end(&app, &operation, &vm, How::Asked).await? };
        operation.check_cancelled()?;
        let vm = boot(&app, &operation, &vm).await?;
        Ok(Outcome::Vm(Box::new(view(&app, &vm))))
    })
}
