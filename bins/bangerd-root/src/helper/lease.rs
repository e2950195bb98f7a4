//! `lease`: a machine gets its user, its address, its tap and its name.

use privileged::{Code, Lease, LeaseAsk, Refusal, limits::MACHINES_MAX};

use super::{
    Helper,
    hello::interface,
    parts::{of_book, of_network},
};
use crate::{book::choose_uids, net::Network, settings::Settings, units::Units};

impl<U: Units, N: Network> Helper<U, N> {
    pub(super) async fn lease(&self, ask: &LeaseAsk) -> Result<Lease, Refusal> {
        let doing = format!("lease for machine {}", ask.id);
        let _alone = self.locks.hold(&ask.id).await;
        let settings = self.settings(&doing)?;
        let mut book = self.keeper.lock().await;
        let begin = match book.leases() {
            Some(leases) if leases.get(&ask.id).is_none() && leases.len() >= MACHINES_MAX => {
                let message = format!("{doing}: {MACHINES_MAX} machines have one, and that is the most");
                return Err(Refusal::new(Code::Exhausted, message));
            }
            Some(leases) if !leases.is_empty() => (leases.subnet(), leases.uids()),
            // The first one, or the first after all were given back: what root's file and the host say by now counts.
            _ => {
                let chosen = self.network.choose(&settings).await;
                let subnet = chosen.map_err(|error| of_network(&doing, &error))?;
                let uids = choose_uids(&self.places, settings.uid_base);
                (subnet, uids.map_err(|error| of_book(&doing, &error))?)
            }
        };
        let granted = book.grant((&ask.id, &ask.name, ask.nat), begin);
        let (lease, before) = granted.map_err(|error| of_book(&doing, &error))?;
        let Some(leases) = book.leases() else {
            return Err(Refusal::new(Code::Internal, format!("{doing}: the book is empty")));
        };
        if let Err(error) = self.network.apply(&settings, leases).await {
            if let Err(error) = book.put_back(before) {
                tracing::error!("a lease that came to nothing stays in the book: {error}");
            }
            return Err(of_network(&doing, &error));
        }
        drop(book);
        self.told(&doing, &settings, &lease).await
    }

    /// A lease in the words of the contract.
    pub(super) async fn told(
        &self,
        doing: &str,
        settings: &Settings,
        lease: &network::Lease,
    ) -> Result<Lease, Refusal> {
        let subnet = self.keeper.lock().await.leases().map(network::Leases::subnet);
        let Some(subnet) = subnet else {
            return Err(Refusal::new(Code::Internal, format!("{doing}: the book is empty")));
        };
        let name = |text: &str| interface(doing, text);
        let bad = |error: privileged::RequestError| Refusal::new(Code::Internal, format!("{doing}: {error}"));
        Ok(Lease {
            id: lease.id.clone(),
            name: lease.name.clone(),
            nat: lease.nat,
            uid: lease.uid,
            address: lease.address,
            prefix_len: subnet.prefix_len(),
            gateway: subnet.gateway(),
            name_servers: self.network.name_servers().await,
            mac: lease.mac.to_string().parse().map_err(bad)?,
            tap: name(lease.tap.as_str())?,
            bridge: name(settings.bridge.as_str())?,
        })
    }
}
