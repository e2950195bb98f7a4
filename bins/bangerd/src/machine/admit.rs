//! From a request to the operation that does it, or to a refusal.

use std::sync::Arc;

use api::{Code, Failure, OperationKind, Outcome};
use store::VmRecord;
use vm::admission::{Admission, Refusal, Request, admit};

use super::view;
use crate::{
    app::App,
    failure::{code_of, failure},
    operations::Operation,
};

/// Makes a failure of a refusal.
pub(super) fn refused(request: Request, vm: &VmRecord, refusal: &Refusal) -> Failure {
    let code = match refusal {
        Refusal::Busy { .. } => Code::InUse,
        Refusal::NotRunning { .. } | Refusal::NotStopped { .. } => Code::WrongState,
        #[expect(unreachable_patterns, reason = "a refusal that is added later has its class")]
        _ => code_of(refusal.class()),
    };
    let why = match refusal {
        Refusal::Busy { busy, .. } => format!("it is being {}", busy.participle()),
        other => other.to_string(),
    };
    let message = format!("{} machine {}: {why}", request.verb(), vm.name);
    Failure { code, message, hint: refusal.hint(), op: None }
}

/// Begins what `request` asks for, as an operation, where it may be: `work` is given the record as it is
/// when its turn has come.
///
/// # Errors
///
/// The refusal. Nothing was begun.
pub(super) fn begin<W>(
    app: &Arc<App>,
    vm: &VmRecord,
    request: Request,
    kind: OperationKind,
    work: impl FnOnce(Arc<App>, Arc<Operation>, Arc<VmRecord>) -> W + Send + 'static,
) -> Result<Arc<Operation>, Failure>
where
    W: Future<Output = Result<Outcome, Failure>> + Send + 'static,
{
    let busy = app.busy.with(&vm.id);
    let admission = admit(&vm.name, vm.state, busy.as_ref().map(|(request, _)| *request), request)
        .map_err(|refusal| refused(request, vm, &refusal))?;
    let before = match (admission, busy) {
        (Admission::Join, Some((_, operation))) => return Ok(operation),
        (Admission::Already, _) => {
            let outcome = Outcome::Vm(Box::new(view(app, vm)));
            return app.operations.begin(kind, vm.name.as_str(), |_| async { Ok(outcome) });
        }
        (Admission::DoAfterCancel, Some((_, operation))) => Some(operation),
        _ => None,
    };
    let task_app = Arc::clone(app);
    let id = vm.id.clone();
    app.operations.begin(kind, vm.name.as_str(), move |operation| {
        // Claimed before the first await: nobody comes in between.
        let claim = task_app.busy.claim(&id, request, &operation);
        async move {
            let _claim = claim;
            if let Some(before) = before {
                before.cancel();
                before.ended().await;
            }
            match task_app.owner.get(&id) {
                Some(vm) => work(task_app, operation, vm).await,
                None if request == Request::Delete => Ok(Outcome::Gone),
                None => {
                    let why = format!("{} machine {id}: it was deleted in the meantime", request.verb());
                    Err(failure(Code::NotFound, why))
                }
            }
        }
    })
}
