//! Waiting for one operation to end.

use api::{
    Accepted, Code, Event, Outcome, Vm,
    client::{Client, ClientError},
};
use model::{Class, OpId};

use super::Line;
use crate::{
    daemon::Context,
    fault::{Explain as _, Fault},
    interrupt::Interrupts,
};

/// How often a daemon that dies in the middle is started again for one operation.
const RESTARTS_MAX: u32 = 3;

/// One operation that is waited for.
#[derive(Debug)]
pub(crate) struct Operation<'a> {
    /// Where the daemon is found again when it goes away.
    pub(crate) context: &'a Context,
    /// The daemon.
    pub(crate) client: &'a Client,
    /// What is being done, for people.
    pub(crate) doing: &'a str,
    /// What Ctrl-C means for it.
    pub(crate) on_signal: OnSignal,
}

/// What the first Ctrl-C means; the second leaves at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnSignal {
    /// Cancel the operation, and wait for its clean-up.
    Cancel,
    /// Nothing: it is a clean-up itself.
    Finish,
}

/// Why an operation did not end well.
#[derive(Clone, Debug)]
pub(crate) enum Stopped {
    /// It failed.
    Failed(Fault),
    /// The user cancelled it, and it has cleaned up.
    Cancelled(Fault),
    /// The user left without waiting for its end.
    Left(Fault),
    /// The daemon ended or was restarted, and its successor knows nothing of the operation, though perhaps of
    /// what it was about.
    Forgotten(Fault),
}

impl From<Stopped> for Fault {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Failed(fault)
            | Stopped::Cancelled(fault)
            | Stopped::Left(fault)
            | Stopped::Forgotten(fault) => fault,
        }
    }
}

impl Operation<'_> {
    /// Waits until it has ended, and returns what came of it.
    pub(crate) async fn wait(
        &self,
        accepted: Accepted,
        line: &mut Line,
        interrupts: &mut Interrupts,
    ) -> Result<Outcome, Stopped> {
        let Self { context, client, doing, .. } = *self;
        let mut events = client.events(accepted.op.clone());
        let (mut asked, mut restarts) = (None, 0);
        loop {
            let next = tokio::select! {
                next = events.next() => next,
                signal = interrupts.next() => {
                    self.interrupted(asked.replace(signal), signal, &accepted.op, line).await?;
                    continue;
                }
            };
            match next {
                Ok(Some(record)) => {
                    line.show(&accepted.op, &record);
                    match record.event {
                        Event::Done { outcome } => return Ok(outcome),
                        Event::Failed { failure } => return Err(self.failed(failure, asked)),
                        _ => {}
                    }
                }
                Ok(None) => {
                    let why = format!("{doing}: the operation ended without saying how");
                    return Err(Stopped::Failed(Fault::new(Class::Bug, why)));
                }
                Err(ClientError::Unreachable { .. } | ClientError::Lost { .. })
                    if restarts < RESTARTS_MAX =>
                {
                    restarts += 1;
                    line.say("the daemon went away; starting it again");
                    context.daemon_again(client, doing).await.map_err(Stopped::Failed)?;
                }
                Err(error @ ClientError::Restarted { .. }) => {
                    return Err(Stopped::Forgotten(error.explain(doing)));
                }
                Err(error) => return Err(Stopped::Failed(error.explain(doing))),
            }
        }
    }

    /// Waits for an operation that ends with a machine, or with its end.
    pub(crate) async fn wait_for_vm(
        &self,
        accepted: Accepted,
        line: &mut Line,
        interrupts: &mut Interrupts,
    ) -> Result<Option<Vm>, Stopped> {
        match self.wait(accepted, line, interrupts).await? {
            Outcome::Vm(vm) => Ok(Some(*vm)),
            _ => Ok(None),
        }
    }

    async fn interrupted(
        &self,
        before: Option<i32>,
        signal: i32,
        op: &OpId,
        line: &Line,
    ) -> Result<(), Stopped> {
        if before.is_some() {
            let why = format!("{}: left before its end; the daemon goes on with it", self.doing);
            let fault = Fault { op: Some(op.clone()), ..Fault::signal(signal, why) };
            return Err(Stopped::Left(fault));
        }
        match self.on_signal {
            OnSignal::Cancel => {
                line.say("cancelling; once more leaves at once");
                // Where it cannot be asked, the events say more.
                self.client.cancel(op).await.ok();
            }
            OnSignal::Finish => line.say("cleaning up; once more leaves at once"),
        }
        Ok(())
    }

    fn failed(&self, failure: api::Failure, asked: Option<i32>) -> Stopped {
        match asked {
            Some(signal) if failure.code == Code::Cancelled => {
                let fault = Fault::signal(signal, format!("{}: cancelled", self.doing));
                Stopped::Cancelled(Fault { op: failure.op, ..fault })
            }
            // The daemon ends, and its successor goes on with what it can.
            _ if failure.code == Code::Unavailable => Stopped::Forgotten(failure.into()),
            _ => Stopped::Failed(failure.into()),
        }
    }
}
