//! `start`: a machine boots.

use std::sync::Arc;

use api::{Failure, OperationKind, Outcome};
use store::VmRecord;
use vm::admission::Request;

use super::{admit, boot::boot, view};
use crate::{app::App, operations::Operation};

/// Begins to start a machine.
///
/// # Errors
///
/// The refusal; nothing was begun.
pub(crate) fn start(app: &Arc<App>, vm: &VmRecord) -> Result<Arc<Operation>, Failure> {
    admit::begin(app, vm, Request::Start, OperationKind::VmStart, |app, operation, vm| async move {
        let vm = boot(&app, &operation, &vm).await?;
        Ok(Outcome::Vm(Box::new(view(&app, &vm))))
    })
}
