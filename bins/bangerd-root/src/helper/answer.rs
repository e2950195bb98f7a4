//! Which operation answers which request.

use privileged::{Nothing, Refusal, Reply, Request, server::Call};

use super::Helper;
use crate::{net::Network, units::Units};

impl<U: Units, N: Network> Helper<U, N> {
    /// Does what was asked.
    ///
    /// # Errors
    ///
    /// The refusal that the caller is told.
    pub async fn answer(&self, call: Call) -> Result<Reply, Refusal> {
        match call.request {
            Request::Hello => self.hello().await.map(Reply::Hello),
            Request::Lease(ask) => self.lease(&ask).await.map(Reply::Lease),
            Request::Launch(launch) => self.launch(*launch).await.map(Reply::Launch),
            Request::Relink(relink) => self.relink(relink).await.map(Reply::Relink),
            Request::Signal(signal) => self.signal(&signal).await.map(Reply::Signal),
            Request::End(machine) => self.end(&machine.id).await.map(|()| Reply::Done(Nothing {})),
            Request::Release(machine) => self.release(&machine.id).await.map(|()| Reply::Done(Nothing {})),
            Request::Machines => self.machines().await.map(Reply::Machines),
            Request::Sweep(sweep) => self.sweep(&sweep.keep).await.map(Reply::Sweep),
            Request::Apply => self.apply().await.map(|()| Reply::Done(Nothing {})),
            Request::Facts => self.facts().await.map(Reply::Facts),
        }
    }
}
