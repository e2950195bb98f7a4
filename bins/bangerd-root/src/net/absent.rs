//! A host whose network is left alone.

use std::net::Ipv4Addr;

use network::{Lease, Leases, Subnet, SubnetChoice};
use privileged::Interface;

use super::{NetError, NetFacts, Network};
use crate::settings::Settings;

/// The network where none is made: what is below `--prefix` is not this host's.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNetwork;

impl Network for NoNetwork {
    async fn choose(&self, settings: &Settings) -> Result<Subnet, NetError> {
        let first = match settings.subnet {
            SubnetChoice::Fixed(subnet) => Some(subnet),
            SubnetChoice::Auto => network::CANDIDATES.first().and_then(|text| text.parse().ok()),
        };
        first.ok_or_else(|| NetError {
            what: "there is no network to choose".to_owned(),
            class: model::Class::Bug,
            hint: None,
        })
    }

    async fn apply(&self, _: &Settings, _: &Leases) -> Result<(), NetError> {
        Ok(())
    }

    fn tap(&self, _: &Lease) -> Option<Interface> {
        None
    }

    async fn name_servers(&self) -> Vec<Ipv4Addr> {
        vec![]
    }

    async fn facts(&self, _: &Settings, _: &Leases) -> Result<NetFacts, NetError> {
        Ok(NetFacts::default())
    }
}
