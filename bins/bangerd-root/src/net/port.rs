//! What is asked of the host's network.

use std::{future::Future, net::Ipv4Addr};

use model::Class;
use network::{Lease, Leases, Subnet};
use privileged::{Interface, NetworkFact};

use crate::settings::Settings;

/// Why the host's network is not as the leases want it.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct NetError {
    /// What could not be done.
    pub what: String,
    /// Whose turn it is.
    pub class: Class,
    /// What the user can do.
    pub hint: Option<String>,
}

/// What only root sees of the host's network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetFacts {
    /// Taps of ours that no lease names.
    pub stale_taps: Vec<String>,
    /// Taps that no lease names and that our rules let through.
    pub stale_rules: Vec<String>,
    /// What else is not as it would be made.
    pub wrong: Vec<NetworkFact>,
}

/// The host's network.
pub trait Network: Send + Sync + 'static {
    /// Chooses the machines' network: the configured one, or one that no route of the host overlaps.
    ///
    /// # Errors
    ///
    /// [`NetError`]; none is free.
    fn choose(&self, settings: &Settings) -> impl Future<Output = Result<Subnet, NetError>> + Send;

    /// Makes bridge, taps, rules and names what the leases say, and takes away what none says. Idempotent.
    ///
    /// # Errors
    ///
    /// [`NetError`]; some of it may have been made. Applying again carries on.
    fn apply(
        &self,
        settings: &Settings,
        leases: &Leases,
    ) -> impl Future<Output = Result<(), NetError>> + Send;

    /// The host's end of a machine's network card, for its monitor; `None` where the host plugs in none.
    fn tap(&self, lease: &Lease) -> Option<Interface>;

    /// Who resolves names for guests.
    fn name_servers(&self) -> impl Future<Output = Vec<Ipv4Addr>> + Send;

    /// Looks at what is there.
    ///
    /// # Errors
    ///
    /// [`NetError`]; assume nothing.
    fn facts(
        &self,
        settings: &Settings,
        leases: &Leases,
    ) -> impl Future<Output = Result<NetFacts, NetError>> + Send;
}
