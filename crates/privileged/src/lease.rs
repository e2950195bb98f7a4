//! What a machine has of the host's for as long as it exists.

use std::net::Ipv4Addr;

use model::{VmId, VmName};
use serde::{Deserialize, Serialize};

use crate::{Interface, Mac};

/// Asks for a machine's lease. The first makes it; each later one gives the same, with this name and reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseAsk {
    /// The machine.
    pub id: VmId,
    /// Its name; `<name>.vm` leads to it on this host.
    pub name: VmName,
    /// Whether it reaches the networks beyond the host.
    pub nat: bool,
}

/// What a machine has of the host's for as long as it exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// The machine.
    pub id: VmId,
    /// Its name.
    pub name: VmName,
    /// Whether it reaches the networks beyond the host.
    pub nat: bool,
    /// The user that its monitor and its link run as, and the group: a number that is nobody else's.
    pub uid: u32,
    /// The guest's address.
    pub address: Ipv4Addr,
    /// How many bits of it are the network's.
    pub prefix_len: u8,
    /// The host's address on that network.
    pub gateway: Ipv4Addr,
    /// Who resolves names for the guest.
    pub name_servers: Vec<Ipv4Addr>,
    /// The address of the guest's network card.
    pub mac: Mac,
    /// The host's end of that card.
    pub tap: Interface,
    /// The bridge that it is on.
    pub bridge: Interface,
}
