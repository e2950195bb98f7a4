//! `machines`: every lease, with how its units stand.

use std::{collections::BTreeSet, fs};

use model::VmId;
use network::Lease;
use privileged::{MachineState, Machines, Refusal, Unit};

use super::{Helper, parts::of_units, ready::process_id};
use crate::{
    net::Network,
    units::{Part, Units, machine_of, unit_name},
};

impl<U: Units, N: Network> Helper<U, N> {
    pub(super) async fn machines(&self) -> Result<Machines, Refusal> {
        let doing = "list the machines";
        let settings = self.settings(doing)?;
        let leases: Vec<Lease> = {
            let book = self.keeper.lock().await;
            book.leases().into_iter().flat_map(network::Leases::iter).cloned().collect()
        };
        let mut machines = vec![];
        for lease in &leases {
            machines.push(MachineState {
                monitor: self.unit(doing, Part::Monitor, &lease.id).await?,
                link: self.unit(doing, Part::Link, &lease.id).await?,
                lease: self.told(doing, &settings, lease).await?,
            });
        }
        Ok(Machines { machines })
    }

    async fn unit(&self, doing: &str, part: Part, id: &VmId) -> Result<Unit, Refusal> {
        let standing = self.units.look(&unit_name(part, id)).await;
        let standing = standing.map_err(|error| of_units(doing, &error))?;
        Ok(Unit { state: standing.state, process: standing.pid.and_then(process_id) })
    }

    /// Machines of which there is a unit, a jail or a directory of sockets, whether they have a lease or not.
    pub(super) async fn strays(&self) -> Result<BTreeSet<VmId>, Refusal> {
        let units = self.units.list().await.map_err(|error| of_units("list the machines", &error))?;
        let mut found: BTreeSet<VmId> = units.iter().filter_map(|unit| machine_of(unit)).collect();
        for dir in [self.places.jails(), self.places.links()] {
            let names = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
            found.extend(names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()));
        }
        Ok(found)
    }
}
