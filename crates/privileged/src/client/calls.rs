//! The operations of the contract, a method each. The first argument is the operation of the caller's, under
//! which both logs have the call.

use model::{OpId, VmId};

use super::{Client, ClientError};
use crate::{
    Facts, Hello, Launch, Launched, Lease, LeaseAsk, Machine, Machines, Nothing, Relink, Relinked, Request,
    SignalMonitor, Signalled, Sweep, Swept,
};

type Result<T> = std::result::Result<T, ClientError>;

impl Client {
    /// What the helper is, and how it was told to work.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn hello(&self, op: &OpId) -> Result<Hello> {
        self.call(op, &Request::Hello).await
    }

    /// Gives a machine its lease, or the one that it has, with this name and reach.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; what is refused changed nothing.
    pub async fn lease(&self, op: &OpId, ask: LeaseAsk) -> Result<Lease> {
        self.call(op, &Request::Lease(ask)).await
    }

    /// Launches a machine. Its monitor and its link run and listen when this returns.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; nothing of the machine runs where it was refused. After [`ClientError::Lost`] and
    /// [`ClientError::TimedOut`] it may run: [`Client::end`] it, or look with [`Client::machines`].
    pub async fn launch(&self, op: &OpId, launch: Launch) -> Result<Launched> {
        self.call(op, &Request::Launch(Box::new(launch))).await
    }

    /// Starts another link beside a monitor that runs.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; no link runs where it was refused.
    pub async fn relink(&self, op: &OpId, relink: Relink) -> Result<Relinked> {
        self.call(op, &Request::Relink(relink)).await
    }

    /// Sends a signal to a machine's monitor.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn signal(&self, op: &OpId, signal: SignalMonitor) -> Result<Signalled> {
        self.call(op, &Request::Signal(signal)).await
    }

    /// Ends a machine's processes. Ending what has ended is a success.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; something of it may run still.
    pub async fn end(&self, op: &OpId, id: VmId) -> Result<()> {
        self.call(op, &Request::End(Machine { id })).await.map(|Nothing {}| ())
    }

    /// Ends a machine and takes its lease back. Releasing what has none is a success.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; the machine has its lease still.
    pub async fn release(&self, op: &OpId, id: VmId) -> Result<()> {
        self.call(op, &Request::Release(Machine { id })).await.map(|Nothing {}| ())
    }

    /// Every machine that has a lease.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn machines(&self, op: &OpId) -> Result<Machines> {
        self.call(op, &Request::Machines).await
    }

    /// Releases every machine that is not among `keep`.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; some may have been released.
    pub async fn sweep(&self, op: &OpId, keep: Vec<VmId>) -> Result<Swept> {
        self.call(op, &Request::Sweep(Sweep { keep })).await
    }

    /// Makes bridge, taps, rules and names anew, as the leases say.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; some of it may have been made.
    pub async fn apply(&self, op: &OpId) -> Result<()> {
        self.call(op, &Request::Apply).await.map(|Nothing {}| ())
    }

    /// What `doctor` wants to know and only root sees.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn facts(&self, op: &OpId) -> Result<Facts> {
        self.call(op, &Request::Facts).await
    }
}
