//! The host that a driver works on.

use std::{process::Child, time::Duration};

use ::host::{boot::boot_id, process::Process};
use api::client::Client;
use model::InstallRecord;
use tokio::runtime::Handle;
use update::{
    declaration::Declaration,
    journal::Entry,
    port::{Journal, Trouble},
    state::State,
};

use super::{hold::Lease, services::Services, trouble::of_disk};
use crate::{
    error::{Told as _, UpdateError},
    places::Places,
    record::{self, Outcome},
};

/// An install on this host, with all that a driver does to it.
pub(super) struct DrivenHost {
    pub(super) places: Places,
    /// Whose it is, and which release it said it was when the driver began.
    pub(super) record: InstallRecord,
    pub(super) runtime: Handle,
    pub(super) services: Services,
    pub(super) client: Client,
    /// While it is there, changes are held.
    pub(super) lease: Option<Lease>,
    /// What is not as it should be, though the update succeeds.
    pub(super) warning: Option<String>,
    boot: String,
}

impl DrivenHost {
    /// Connects to it.
    ///
    /// # Errors
    ///
    /// There is no install, or no systemd where it is the system's.
    pub(super) fn connect(runtime: Handle, step: &'static str) -> Result<Self, UpdateError> {
        let places = Places::find(step)?;
        let record = places.read_record().map_err(|error| error.at(step))?;
        let record = record
            .ok_or_else(|| UpdateError::failed(step, format!("there is no {}", places.record().display())))?;
        places.ensure().map_err(|error| error.at(step))?;
        let boot = boot_id().map_err(|error| error.at(step))?.to_string();
        let services = Services::of(&places, &runtime, step)?;
        let client = Client::new(places.socket().to_owned());
        Ok(Self { places, record, runtime, services, client, lease: None, warning: None, boot })
    }

    /// Waits until a program has ended, and kills it after `limit`.
    pub(super) fn end_within(&self, child: &mut Child, limit: Duration) {
        let ended = match Process::open(child.id()) {
            Ok(Some(process)) => self.runtime.block_on(process.ended_within(limit)),
            // It has ended already.
            _ => Ok(None),
        };
        if !matches!(ended, Ok(Some(_))) {
            // One that has ended cannot be killed, and nothing else is to be done about one that is not.
            child.kill().ok();
        }
        child.wait().ok();
    }

    /// Holds changes from now on, until the update is over.
    pub(super) fn hold(&mut self) {
        if self.lease.is_none() {
            self.lease = Some(Lease::renew(&self.runtime, self.client.clone()));
        }
    }
}

impl Journal for DrivenHost {
    fn read(&mut self) -> Result<String, Trouble> {
        record::read(&self.places.journal()).map_err(of_disk)
    }

    fn append(&mut self, entry: &Entry) -> Result<(), Trouble> {
        record::append(&self.places.journal(), entry, &self.boot).map_err(of_disk)
    }

    fn close(&mut self, declaration: &Declaration, end: &State) -> Result<(), Trouble> {
        let Declaration { from, to, cancelled, .. } = declaration;
        let cancelled = cancelled.as_ref().map(|which| format!("cancelled: {which}"));
        let warnings: Vec<String> = cancelled.into_iter().chain(self.warning.take()).collect();
        let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
        let outcome = Outcome::of(from, to, end, warning);
        record::close(&self.places, &outcome, end).map_err(of_disk)
    }

    fn boot(&self) -> String {
        self.boot.clone()
    }
}
