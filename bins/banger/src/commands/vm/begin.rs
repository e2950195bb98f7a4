//! Making a machine, for `run` and `create`.

use std::time::Duration;

use api::{Vm, client::Client};
use model::{Class, OpId, VmState};
use tokio::time::{Instant, sleep};

use super::{fit::Fit, remove::remove, sync::put_files};
use crate::{
    daemon::{Context, Owners},
    fault::{Doing as _, Fault},
    follow::{Line, OnSignal, Operation, Progress, Stopped},
    interrupt::Interrupts,
};

/// How long a machine may take to come up after the daemon was restarted meanwhile. The daemon itself
/// gives up earlier.
const RESUME_LIMIT: Duration = Duration::from_mins(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

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
        let owners = Owners::read(doing)?;
        let info = owners.over(client.info().await.doing(doing)?);
        context.tell_of_version(client);
        let spec = self.fit.spec(&info, doing)?;
        context.screen.note(&format!("spec: {spec}"));
        let accepted = client.vm_create(&owners.fill(self.fit.request(self.start))).await.doing(doing)?;
        // Asked for now, while the daemon knows the operation.
        let target = self.target(&accepted.op).await;
        let operation = Operation { context, client, doing, on_signal: OnSignal::Cancel };
        let progress = Progress::new(context.screen);
        let mut line = progress.line("");
        let made = match operation.wait_for_vm(accepted, &mut line, interrupts).await {
            Ok(Some(vm)) => Ok(vm),
            Ok(None) => Err(Fault::new(Class::Bug, format!("{doing}: it ended without a machine"))),
            Err(Stopped::Failed(fault)) => Err(self.kept(target.as_deref(), fault).await),
            Err(Stopped::Cancelled(fault)) => Err(self.gone(target.as_deref(), fault, interrupts).await),
            Err(Stopped::Left(fault)) => Err(fault),
            Err(Stopped::Forgotten(fault)) => self.resume(target.as_deref(), fault, &line, interrupts).await,
        };
        let vm = made?;
        drop(line);
        put_files(context.screen, &vm, &owners).await;
        Ok(vm)
    }

    /// The name of the machine that the operation makes.
    async fn target(&self, op: &OpId) -> Option<String> {
        let operations = self.client.operations().await.ok()?;
        operations.into_iter().find(|operation| operation.op == *op).map(|operation| operation.target)
    }

    async fn look(&self, target: Option<&str>) -> Option<Vm> {
        self.client.vm(target?).await.ok()
    }

    /// Adds to a failure where its reason can be read.
    async fn kept(&self, target: Option<&str>, fault: Fault) -> Fault {
        let Some(Vm { name, .. }) = self.look(target).await else { return fault };
        let kept = format!(
            "{name} is kept: `banger vm logs {name}` shows its console, `banger vm delete {name}` deletes it."
        );
        let hint = fault.hint.as_ref().map_or(kept.clone(), |hint| format!("{hint} {kept}"));
        fault.hint(hint)
    }

    /// Deletes what a cancelled creation may have left.
    async fn gone(&self, target: Option<&str>, fault: Fault, interrupts: &mut Interrupts) -> Fault {
        let Some(vm) = self.look(target).await else { return fault };
        match remove(self.context, self.client, &vm, interrupts).await {
            Ok(()) => fault,
            Err(other) => other,
        }
    }

    /// Waits for a machine that a new daemon has taken up in the middle of its start.
    async fn resume(
        &self,
        target: Option<&str>,
        fault: Fault,
        line: &Line,
        interrupts: &mut Interrupts,
    ) -> Result<Vm, Fault> {
        let limit = Instant::now() + RESUME_LIMIT;
        while let Some(vm) = self.look(target).await {
            let is_up = if self.start { vm.state == VmState::Running } else { vm.state == VmState::Created };
            if is_up {
                return Ok(vm);
            }
            if vm.state != VmState::Starting || Instant::now() > limit {
                return Err(self.kept(target, fault).await);
            }
            tokio::select! {
                () = sleep(LOOK_AGAIN) => {}
                signal = interrupts.next() => {
                    line.say("cancelling; once more leaves at once");
                    let fault = Fault::signal(signal, format!("{}: cancelled", self.doing));
                    return Err(self.gone(target, fault, interrupts).await);
                }
            }
        }
        Err(fault)
    }
}
