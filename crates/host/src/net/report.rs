//! All of the network, in order: rules before what they are about, and the other way round at the end.

use std::collections::BTreeSet;

use network::{Foreign, IfName, Plan};

use super::{bridge, error::NetError, foreign, hosts, netlink::Netlink, nft, places::Places, sysctl, tap};

/// What did not go as planned, and kept nothing else from being done.
#[derive(Debug, Default)]
pub struct Report {
    /// Each with its class and its hint.
    pub warnings: Vec<NetError>,
}

/// Makes the host as the plan says. Applying twice is applying once; what is right already is left alone.
///
/// Rules are in force before the first tap is there. Names that cannot be written, and others' policies
/// that cannot be passed, are in the report: machines run without them.
///
/// # Errors
///
/// | error                              | so                                                          |
/// |------------------------------------|-------------------------------------------------------------|
/// | [`NetError::Rules`]                | the rules are as they were; nothing else was changed        |
/// | [`NetError::NotOurs`]              | rules are in force; what has the name was left alone        |
/// | others                             | what came before it is done; apply again                    |
pub async fn apply(plan: &Plan, places: &Places) -> Result<Report, NetError> {
    sysctl::close(&plan.forwarding, places)?;
    nft::replace(&plan.rules).await?;
    let net = Netlink::open()?;
    let link = bridge::ensure(&net, plan.bridge(), plan.subnet()).await?;
    for old in tap::stale(&net, Some(&link), plan.leases()).await? {
        net.delete(&old).await?;
    }
    for lease in plan.leases() {
        tap::ensure(&net, lease, &link, plan.rules.peers).await?;
    }
    sysctl::open(&plan.forwarding, places)?;
    let mut report = Report::default();
    for policy in &plan.foreign {
        report.warnings.extend(foreign::allow(policy, plan.bridge()).await.err());
    }
    report.warnings.extend(hosts::write_names(&places.hosts, plan.leases()).err().map(NetError::from));
    Ok(report)
}

/// Takes everything away again: names, rules in others' tables, taps, bridge, our tables; and puts
/// forwarding back where we switched it on. Removing twice is removing once. Does all it can, and returns
/// all that failed.
pub async fn remove(name: &IfName, places: &Places) -> Report {
    let mut warnings = vec![];
    warnings.extend(hosts::remove_names(&places.hosts).err().map(NetError::from));
    for policy in [Foreign::Docker, Foreign::Ufw] {
        warnings.extend(foreign::disallow(&policy, name).await.err());
    }
    warnings.extend(links(name).await.err());
    // Closed before the rules go: they are what keeps an opened interface from letting everything through.
    warnings.extend(sysctl::close(&BTreeSet::new(), places).err());
    warnings.extend(nft::remove().await.err());
    Report { warnings }
}

async fn links(name: &IfName) -> Result<(), NetError> {
    let net = Netlink::open()?;
    let bridge = net.link(name.as_str()).await?.filter(|link| link.is_bridge);
    for old in tap::stale(&net, bridge.as_ref(), &[]).await? {
        net.delete(&old).await?;
    }
    bridge::remove(&net, name).await
}
