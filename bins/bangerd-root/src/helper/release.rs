//! `release` and `sweep`: a machine's lease is taken back, and all that went with it.

use std::collections::BTreeSet;

use model::VmId;
use privileged::{Refusal, Swept};

use super::{Helper, parts::of_book};
use crate::{net::Network, units::Units};

impl<U: Units, N: Network> Helper<U, N> {
    pub(super) async fn release(&self, id: &VmId) -> Result<(), Refusal> {
        let doing = format!("release machine {id}");
        let _alone = self.locks.hold(id).await;
        self.end_units(&doing, id).await?;
        let released = self.keeper.lock().await.release(std::slice::from_ref(id));
        released.map_err(|error| of_book(&doing, &error))?;
        // What has no lease is taken away whenever the network is applied, so also after a cut in between.
        self.apply().await
    }

    pub(super) async fn sweep(&self, keep: &[VmId]) -> Result<Swept, Refusal> {
        let keep: BTreeSet<&VmId> = keep.iter().collect();
        let mut stray: BTreeSet<VmId> = self.strays().await?;
        {
            let book = self.keeper.lock().await;
            let leases = book.leases().into_iter().flat_map(network::Leases::iter);
            stray.extend(leases.map(|lease| lease.id.clone()));
        }
        let mut released = vec![];
        for id in stray.into_iter().filter(|id| !keep.contains(id)) {
            self.release(&id).await?;
            released.push(id);
        }
        Ok(Swept { released })
    }
}
