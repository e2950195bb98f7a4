//! `end`: nothing of a machine runs afterwards.

use std::{fs, io};

use model::VmId;
use privileged::{Code, Refusal};

use super::{
    Helper,
    parts::{of_jail, of_snapshot, of_units},
};
use crate::{
    jail,
    net::Network,
    refuse::refusal,
    snapshot,
    units::{Part, Units, unit_name},
};

impl<U: Units, N: Network> Helper<U, N> {
    pub(super) async fn end(&self, id: &VmId) -> Result<(), Refusal> {
        let _alone = self.locks.hold(id).await;
        self.end_units(&format!("end machine {id}"), id).await
    }

    /// Ends both units, and removes what they were launched with. The monitor first: its link ends with it.
    pub(super) async fn end_units(&self, doing: &str, id: &VmId) -> Result<(), Refusal> {
        let monitor = self.units.end(&unit_name(Part::Monitor, id)).await;
        let link = self.units.end(&unit_name(Part::Link, id)).await;
        monitor.and(link).map_err(|error| of_units(doing, &error))?;
        snapshot::remove(id).map_err(|error| of_snapshot(doing, &error))?;
        jail::remove(&self.places.jails(), id).map_err(|error| of_jail(doing, &error))?;
        match fs::remove_dir_all(self.places.link(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(refusal(doing, &error, Code::Failed, None))
            }
            _ => Ok(()),
        }
    }
}
