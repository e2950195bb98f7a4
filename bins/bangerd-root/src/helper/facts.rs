//! `facts`: what `doctor` wants to know and only root sees.

use std::{collections::BTreeSet, fs};

use model::VmId;
use privileged::{Facts, Refusal, UidRange};

use super::{
    Helper,
    parts::{of_book, of_network, of_units},
};
use crate::{
    book::choose_uids,
    jail::on_one_file_system,
    net::Network,
    refuse::chain,
    snapshot,
    units::{Units, machine_of},
};

impl<U: Units, N: Network> Helper<U, N> {
    pub(super) async fn facts(&self) -> Result<Facts, Refusal> {
        let doing = "look at the host";
        let settings = self.settings(doing)?;
        let units = self.units.list().await.map_err(|error| of_units(doing, &error))?;
        let book = self.keeper.lock().await;
        let leased: BTreeSet<VmId> =
            book.leases().into_iter().flat_map(network::Leases::iter).map(|lease| lease.id.clone()).collect();
        let base = book.leases().map(|leases| leases.uids().base()).or(settings.uid_base);
        let chosen = choose_uids(&self.places, base);
        let uid_conflicts = chosen.as_ref().err().map(|error| chain(error)).into_iter().collect();
        let first = match (base, chosen) {
            (Some(base), _) => base,
            (None, chosen) => chosen.map_err(|error| of_book(doing, &error))?.base(),
        };
        let net = match book.leases() {
            Some(all) => self.network.facts(&settings, all).await,
            None => Ok(crate::net::NetFacts::default()),
        };
        let net = net.map_err(|error| of_network(doing, &error))?;
        let jails = fs::read_dir(self.places.jails()).into_iter().flatten().filter_map(Result::ok);
        let jails = jails.filter_map(|entry| entry.file_name().into_string().ok());
        let is_leased = |id: Option<VmId>| id.is_some_and(|id| leased.contains(&id));
        Ok(Facts {
            uids: UidRange { first, count: network::UIDS },
            uid_conflicts,
            one_file_system: on_one_file_system(&self.places.state(), &self.places.root_state()),
            stale_units: units.into_iter().filter(|unit| !is_leased(machine_of(unit))).collect(),
            stale_machines: jails.filter(|name| !is_leased(name.parse().ok())).collect(),
            stale_taps: net.stale_taps,
            stale_rules: net.stale_rules,
            stale_maps: snapshot::all()
                .into_iter()
                .filter(|(_, id)| !is_leased(id.clone()))
                .map(|(name, _)| name)
                .collect(),
            leased: leased.iter().cloned().collect(),
            network: net.wrong,
        })
    }
}
