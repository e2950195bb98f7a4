//! Making a machine, for `run` and `create`.

use api::{Vm, client::Client};
use model::{Class, OpId};

use super::fit::Fit;
use crate::{
    daemon::Context,
    fault::{Doing as _, Fault},
    follow::{OnSignal, Operation, Progress, Stopped},
    interrupt::Interrupts,
};

/// A machine to make.
#[derive(Debug)]
pub(super) struct Beginning<'a> {
    pub(super) context: &'a Context,
    pub(super) client: &'a Client,
    pub(super) fit: &'a Fit,
    pub(super) start: bool,
    pub(super) doing: &'a str,
}

impl Beginning<'_> {
    /// Makes the machine. One that was cancelled is gone; one that did not come up is kept, since its
    /// console says why.
    pub(super) async fn begin(&self, interrupts: &mut Interrupts) -> Result<Vm, Fault> {
        let Self { context, client, doing, .. } = *self;
        let info = client.info().await.doing(doing)?;
        context.tell_of_version(client);
        let spec = self.fit.spec(&info, doing)?;
        context.screen.note(&format!("spec: {spec}"));
        let accepted = client.vm_create(&self.fit.request(self.start)).await.doing(doing)?;
        let op = accepted.op.clone();
        let operation = Operation { context, client, doing, on_signal: OnSignal::Cancel };
        let progress = Progress::new(context.screen);
        let mut line = progress.line("");
        match operation.wait_for_vm(accepted, &mut line, interrupts).await {
            Ok(Some(vm)) => Ok(vm),
            Ok(None) => Err(Fault::new(Class::Bug, format!("{doing}: it ended without a machine"))),
            Err(Stopped::Failed(fault)) => Err(self.kept(&op, fault).await),
            Err(Stopped::Cancelled(fault)) => {
                if let Some(vm) = self.left_over(&op).await {
                    remove(context, client, &vm, interrupts).await?;
                }
                Err(fault)
            }
            Err(Stopped::Left(fault)) => Err(fault),
        }
    }

    /// The machine that the operation made before it failed, if it is there.
    async fn left_over(&self, op: &OpId) -> Option<Vm> {
        let operations = self.client.operations().await.ok()?;
        let target = operations.into_iter().find(|operation| operation.op == *op)?.target;
        self.client.vm(&target).await.ok()
    }

    async fn kept(&self, op: &OpId, fault: Fault) -> Fault {
        let Some(Vm { name, .. }) = self.left_over(op).await else { return fault };
        let kept = format!(
            "{name} is kept: `banger vm logs {name}` shows its console, `banger vm delete {name}` deletes it."
        );
        let hint = fault.hint.as_ref().map_or(kept.clone(), |hint| format!("{hint} {kept}"));
        fault.hint(hint)
    }
}

/// Deletes a machine that was only for one command.
pub(super) async fn remove(
    context: &Context,
    client: &Client,
    vm: &Vm,
    interrupts: &mut Interrupts,
) -> Result<(), Fault> {
    let doing = format!("delete {}", vm.name);
    let accepted = client.vm_delete(vm.id.as_str()).await.doing(&doing)?;
    let operation = Operation { context, client, doing: &doing, on_signal: OnSignal::Finish };
    let progress = Progress::new(context.screen);
    operation.wait(accepted, &mut progress.quiet_line(), interrupts).await?;
    Ok(())
}
