//! `relink`: another link beside a monitor that runs.

use std::{fs, io};

use privileged::{Code, Refusal, Relink, Relinked};
use vm::layout::PORTS;

use super::{
    Helper,
    parts::{of_jail, of_units},
};
use crate::{
    jail::write,
    launcher::{RECORD, Record},
    net::Network,
    refuse::refusal,
    units::{Part, Units, unit_name},
};

impl<U: Units, N: Network> Helper<U, N> {
    pub(super) async fn relink(&self, relink: Relink) -> Result<Relinked, Refusal> {
        let Relink { id, publish } = relink;
        let doing = format!("start the link of machine {id}");
        let _alone = self.locks.hold(&id).await;
        self.leased(&doing, &id).await?;
        let monitor = self.units.look(&unit_name(Part::Monitor, &id)).await;
        if monitor.map_err(|error| of_units(&doing, &error))?.is_down() {
            return Err(Refusal::new(Code::WrongState, format!("{doing}: its monitor does not run")));
        }
        let record = Record { publish, ..self.recorded(&doing, &id)? };
        let bytes = serde_json::to_vec(&record);
        let bytes = bytes.map_err(|error| refusal(&doing, &error, Code::Internal, None))?;
        let link = unit_name(Part::Link, &id);
        self.units.end(&link).await.map_err(|error| of_units(&doing, &error))?;
        write(&self.places.jail(&id).join(RECORD), &bytes).map_err(|error| of_jail(&doing, &error))?;
        // What is there is the last link's word; its going is what the new one's coming is told by.
        match fs::remove_file(self.places.link(&id).join(PORTS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(refusal(&doing, &error, Code::Failed, None));
            }
            _ => {}
        }
        let started = self.start_link(&doing, &id).await;
        if started.is_err()
            && let Err(error) = self.units.end(&link).await
        {
            tracing::error!(machine = %id, "something of a link runs on: {error}");
        }
        Ok(Relinked { link: started? })
    }
}
