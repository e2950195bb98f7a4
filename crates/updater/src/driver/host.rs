//! The host that a driver works on.

use std::io;

use ::host::{
    boot::boot_id,
    dirs::SystemPaths,
    systemd::{Systemd, SystemdError},
};
use api::client::Client;
use model::InstallRecord;
use tokio::runtime::Handle;
use update::{
    declaration::Declaration,
    journal::Entry,
    port::{Journal, Trouble},
    state::State,
};

use super::hold::Lease;
use crate::{
    error::{Told as _, UpdateError},
    places::Places,
    record::{self, Outcome},
};

/// The system install of this host, with all that a driver does to it.
pub(super) struct SystemHost {
    pub(super) places: Places,
    /// Whose it is, and which release it said it was when the driver began.
    pub(super) record: InstallRecord,
    pub(super) runtime: Handle,
    pub(super) systemd: Systemd,
    pub(super) client: Client,
    /// While it is there, changes are held.
    pub(super) lease: Option<Lease>,
    /// What is not as it should be, though the update succeeds.
    pub(super) warning: Option<String>,
    boot: String,
}

impl SystemHost {
    /// Connects to it.
    ///
    /// # Errors
    ///
    /// There is no install, or no systemd.
    pub(super) fn connect(runtime: Handle, step: &'static str) -> Result<Self, UpdateError> {
        let paths = SystemPaths::of_this_host();
        let record = paths.read_record().map_err(|error| error.at(step))?;
        let record =
            record.ok_or_else(|| UpdateError::failed(step, "banger is not installed as a service"))?;
        let boot = boot_id().map_err(|error| error.at(step))?.to_string();
        let systemd = runtime.block_on(Systemd::connect()).map_err(|error| error.at(step))?;
        let client = Client::new(paths.runtime().join("bangerd.sock"));
        let places = Places::new(paths);
        Ok(Self { places, record, runtime, systemd, client, lease: None, warning: None, boot })
    }

    /// Holds changes from now on, until the update is over.
    pub(super) fn hold(&mut self) {
        if self.lease.is_none() {
            self.lease = Some(Lease::renew(&self.runtime, self.client.clone()));
        }
    }
}

/// A failure of the disk, as a driver is told it.
pub(super) fn of_disk(error: io::Error) -> Trouble {
    Trouble::Failed(error.at("disk").why)
}

/// A failure of systemd's.
pub(super) fn of_systemd(error: SystemdError) -> Trouble {
    Trouble::Failed(error.at("systemd").why)
}

/// A failure of a step.
pub(super) fn of_step(error: UpdateError) -> Trouble {
    Trouble::Failed(error.why)
}

impl Journal for SystemHost {
    fn read(&mut self) -> Result<String, Trouble> {
        record::read(&self.places.journal()).map_err(of_disk)
    }

    fn append(&mut self, entry: &Entry) -> Result<(), Trouble> {
        record::append(&self.places.journal(), entry, &self.boot).map_err(of_disk)
    }

    fn close(&mut self, declaration: &Declaration, end: &State) -> Result<(), Trouble> {
        let Declaration { from, to, .. } = declaration;
        let outcome = Outcome::of(from, to, end, self.warning.take());
        record::close(&self.places, &outcome, end).map_err(of_disk)
    }

    fn boot(&self) -> String {
        self.boot.clone()
    }
}
