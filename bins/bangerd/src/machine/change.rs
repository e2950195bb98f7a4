//! `set`: other vcpus, memory or disk for a machine that does not run.

use std::sync::Arc;

use api::{Code, Failure, VmChange};
use store::VmRecord;
use vm::admission::{Admission, Request, admit};

use super::{admit::refused, check::check_memory};
use crate::{
    app::App,
    failure::{Explained, failure, from_error},
};

/// Changes what a machine is made of.
///
/// # Errors
///
/// [`Code::WrongState`] where it runs, [`Code::InUse`] where it is being worked on, [`Code::BadRequest`] for
/// what cannot be, such as a disk that would shrink. Nothing was changed then.
pub(crate) async fn change(
    app: &Arc<App>,
    vm: &VmRecord,
    change: &VmChange,
) -> Result<Arc<VmRecord>, Failure> {
    let request = Request::Change;
    let busy = app.busy.with(&vm.id);
    match admit(&vm.name, vm.state, busy.map(|(request, _)| request), request) {
        Ok(Admission::Do) => {}
        Ok(Admission::Already | Admission::Join | Admission::DoAfterCancel) => {
            return Ok(Arc::new(vm.clone()));
        }
        Err(refusal) => return Err(refused(request, vm, &refusal)),
    }
    let doing = format!("change machine {}", vm.name);
    let mut spec = vm.spec.clone();
    spec.vcpus = change.vcpus.unwrap_or(spec.vcpus);
    spec.memory = change.memory.unwrap_or(spec.memory);
    spec.disk_size = change.disk_size.unwrap_or(spec.disk_size);
    spec.check().map_err(|error| failure(Code::BadRequest, format!("{doing}: {error}")))?;
    check_memory(&doing, &spec)?;
    if spec.disk_size < vm.spec.disk_size {
        let message = format!("{doing}: its disk has {} and can only grow", vm.spec.disk_size);
        return Err(
            failure(Code::BadRequest, message).hinted(format!("Ask for {} or more.", vm.spec.disk_size))
        );
    }
    if spec.disk_size > vm.spec.disk_size {
        // Grown before it is recorded: a disk that is larger than recorded grows again to the same size.
        disk::home::grow(&app.dirs.vm(&vm.id), spec.disk_size)
            .map_err(|error| from_error(&doing, &error, error.class(), error.hint()))?;
    }
    let name = vm.name.clone();
    app.owner
        .change(&vm.id, move |record| {
            if vm::life::next(record.state) != vm::life::Duty::Rest {
                return Err(failure(Code::WrongState, format!("change machine {name}: it was just started")));
            }
            record.spec = spec;
            Ok(())
        })
        .await
}
