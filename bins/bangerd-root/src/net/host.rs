//! The network of this host.

use std::{error::Error, net::Ipv4Addr};

use host::net::{self, Finding, Places};
use network::{HostFacts, Lease, Leases, Peers, Plan, Subnet, choose_subnet};
use privileged::{Interface, NetworkFact, NetworkPart};

use super::{NetError, NetFacts, Network};
use crate::{refuse::chain, settings::Settings};

/// The network of this host, in the namespace that the helper runs in.
#[derive(Clone, Debug)]
pub struct HostNetwork {
    places: Places,
}

impl HostNetwork {
    /// The network whose names and settings lie at these places.
    #[must_use]
    pub fn new(places: Places) -> Self {
        Self { places }
    }

    async fn host(&self) -> Result<HostFacts, NetError> {
        net::facts(&self.places).await.map_err(|error| of_host(&error))
    }
}

fn of_host(error: &net::NetError) -> NetError {
    NetError { what: chain(error), class: error.class(), hint: error.hint() }
}

fn of(error: &dyn Error, class: model::Class, hint: Option<String>) -> NetError {
    NetError { what: chain(error), class, hint }
}

fn part(finding: &Finding) -> NetworkPart {
    match finding {
        Finding::Overlap { .. } => NetworkPart::Routes,
        Finding::Dropped { .. } => NetworkPart::Forward,
        Finding::Names { .. } | Finding::NamesClosed { .. } => NetworkPart::Names,
        _ => NetworkPart::Own,
    }
}

impl Network for HostNetwork {
    async fn choose(&self, settings: &Settings) -> Result<Subnet, NetError> {
        let host = self.host().await?;
        let chosen = choose_subnet(settings.subnet, &host.routes, &settings.bridge);
        chosen.map_err(|error| of(&error, error.class(), error.hint()))
    }

    async fn apply(&self, settings: &Settings, leases: &Leases) -> Result<(), NetError> {
        let plan = Plan::new(&settings.bridge, Peers::Apart, leases, &self.host().await?);
        let report = net::apply(&plan, &self.places).await.map_err(|error| of_host(&error))?;
        for warning in report.warnings {
            tracing::warn!("machines run without it: {}", chain(&warning));
        }
        Ok(())
    }

    fn tap(&self, lease: &Lease) -> Option<Interface> {
        lease.tap.as_str().parse().ok()
    }

    async fn name_servers(&self) -> Vec<Ipv4Addr> {
        match net::name_servers(&self.places).await {
            Ok(servers) => servers.usable,
            Err(error) => {
                tracing::warn!("guests are told of no name server: {}", chain(&error));
                vec![]
            }
        }
    }

    async fn facts(&self, settings: &Settings, leases: &Leases) -> Result<NetFacts, NetError> {
        let host = self.host().await?;
        let plan = Plan::new(&settings.bridge, Peers::Apart, leases, &host);
        let mut facts = NetFacts::default();
        for finding in net::examine(&plan, &host, &self.places).await {
            match finding {
                Finding::StaleTap { name } => facts.stale_taps.push(name),
                Finding::StaleRule { tap } => facts.stale_rules.push(tap),
                other => facts.wrong.push(NetworkFact {
                    about: part(&other),
                    what: other.to_string(),
                    hint: other.hint(),
                }),
            }
        }
        Ok(facts)
    }
}
