//! What the host is like.

use std::{collections::BTreeSet, fmt, fs, io::ErrorKind, net::Ipv4Addr, path::PathBuf};

use model::Class;
use network::{Chains, ForwardFacts, HostFacts, IfName, Plan, Route};

use super::{
    error::NetError, foreign, hosts, hosts::HostsError, netlink::Netlink, nft, places::Places, sysctl, tap,
    tool::Tool,
};

/// Looks at what of the host decides what the network shall be like. Changes nothing.
///
/// # Errors
///
/// [`NetError`], where something cannot be looked at.
pub async fn facts(places: &Places) -> Result<HostFacts, NetError> {
    let net = Netlink::open()?;
    let links = net.links().await?;
    let interfaces: BTreeSet<IfName> = links.iter().filter_map(|link| link.name.parse().ok()).collect();
    let record = sysctl::Record::read(places)?;
    let mut forwarding = BTreeSet::new();
    for name in &interfaces {
        if !record.opened.contains(name) && sysctl::is_forwarding(name)? {
            forwarding.insert(name.clone());
        }
    }
    let chains = nft::chains().await?;
    Ok(HostFacts {
        routes: net.routes().await?,
        interfaces,
        forwards: sysctl::forwards()?,
        forwarding,
        forward: ForwardFacts { legacy: legacy(&chains).await?, chains },
    })
}

/// The tables of iptables that are not kept in nftables; there are none until somebody asks for them, so
/// it is not asked where there are none.
const LEGACY: &str = "/proc/net/ip_tables_names";

async fn legacy(chains: &Chains) -> Result<Option<String>, NetError> {
    let names = match fs::read_to_string(LEGACY) {
        Ok(names) => names,
        // Root of a user namespace may not read it, nor have such tables.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            return Ok(None);
        }
        Err(source) => return Err(NetError::File { what: "read", path: LEGACY.into(), source }),
    };
    if !names.lines().any(|name| name == "filter") || chains.has("ip", "filter", "FORWARD") {
        return Ok(None);
    }
    // Before there were two of them, it was called iptables. Without either, nobody can be asked.
    let Ok(tool) = Tool::find("iptables-legacy").or_else(|_| Tool::find("iptables")) else {
        return Ok(None);
    };
    let said = tool.run(&["-w", "-S"], "").await;
    said.map(Some).map_err(|source| NetError::List { source })
}

/// Something that is not as the plan says.
#[derive(Debug)]
pub enum Finding {
    /// The bridge is not there, or not up.
    Bridge {
        /// Its name.
        name: IfName,
    },
    /// A machine's tap is not there.
    NoTap {
        /// Its name.
        name: String,
    },
    /// The bridge has not the address that machines have for their gateway.
    NoGateway {
        /// The bridge.
        name: IfName,
        /// The address.
        address: Ipv4Addr,
    },
    /// An interface does not forward that has to.
    Closed {
        /// Its name.
        name: IfName,
    },
    /// A tap belongs to no machine.
    StaleTap {
        /// Its name.
        name: String,
    },
    /// Our rules are not there.
    NoRules,
    /// Our rules let nothing through from the tap of a lease.
    NoRule {
        /// The tap.
        tap: String,
    },
    /// Our rules let something through from a tap that belongs to no machine.
    StaleRule {
        /// The tap.
        tap: String,
    },
    /// A route of the host leads into our subnet, and not through our bridge.
    Overlap {
        /// The route.
        route: Route,
    },
    /// Others drop what machines send, and the rule that lets them pass is not there.
    Dropped {
        /// Why.
        error: NetError,
    },
    /// The hosts file does not have the names of the machines.
    Names {
        /// The file.
        path: PathBuf,
    },
    /// The hosts file cannot be written.
    NamesClosed {
        /// Why.
        error: HostsError,
    },
    /// Something could not be looked at.
    Unknown {
        /// Why.
        error: NetError,
    },
}

impl Finding {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Dropped { error } | Self::Unknown { error } => error.class(),
            Self::NamesClosed { error } => error.class(),
            Self::Overlap { .. } => Class::Refused,
            _ => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, where it is not making the network anew.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Dropped { error } | Self::Unknown { error } => error.hint(),
            Self::NamesClosed { error } => error.hint(),
            _ => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bridge { name } => write!(f, "the bridge {name} is not there, or not up"),
            Self::NoGateway { name, address } => {
                write!(
                    f,
                    "the bridge {name} has not the address {address}, where machines send what goes out"
                )
            }
            Self::Closed { name } => write!(f, "the interface {name} forwards nothing"),
            Self::NoTap { name } => write!(f, "the tap {name} is not there, or not on the bridge"),
            Self::StaleTap { name } => write!(f, "the tap {name} belongs to no machine"),
            Self::NoRules => f.write_str("the rules in the tables named banger are not there"),
            Self::NoRule { tap } => write!(f, "the rules do not know the tap {tap}"),
            Self::StaleRule { tap } => {
                write!(f, "the rules let the tap {tap} through, which belongs to no machine")
            }
            Self::Overlap { route } => write!(f, "the route to {route} leads into the machines' subnet"),
            Self::Names { path } => write!(f, "{} lacks the names of machines", path.display()),
            Self::NamesClosed { error } => error.fmt(f),
            Self::Dropped { error } | Self::Unknown { error } => error.fmt(f),
        }
    }
}

/// Looks at whether the host is as the plan says, and returns what is not. Changes nothing.
pub async fn examine(plan: &Plan, host: &HostFacts, places: &Places) -> Vec<Finding> {
    let mut found = match links(plan).await {
        Ok(found) => found,
        Err(error) => vec![Finding::Unknown { error }],
    };
    found.extend(rules(plan, host).await);
    let in_the_way = |route: &&Route| {
        route.destination.prefix_len() > 0
            && route.interface.as_ref() != Some(plan.bridge())
            && plan.subnet().overlaps(route.destination)
    };
    found
        .extend(host.routes.iter().filter(in_the_way).map(|route| Finding::Overlap { route: route.clone() }));
    for policy in &plan.foreign {
        let bridge = plan.bridge().clone();
        let lacks = foreign::lacks(policy, &bridge).await;
        let dropped = NetError::Dropped { foreign: policy.clone(), bridge: bridge.clone() };
        match lacks {
            Ok(false) if !policy.rules(&bridge).is_empty() => {}
            Ok(_) => found.push(Finding::Dropped { error: dropped }),
            // Where nobody can be asked for the rule, nobody added it either.
            Err(error) => found.extend([error, dropped].map(|error| Finding::Dropped { error })),
        }
    }
    match hosts::is_right(&places.hosts, plan.leases()) {
        Ok(true) => {}
        Ok(false) => found.push(Finding::Names { path: places.hosts.clone() }),
        Err(error) => found.push(Finding::NamesClosed { error }),
    }
    found
}

async fn rules(plan: &Plan, host: &HostFacts) -> Vec<Finding> {
    if !host.forward.chains.has_ours() {
        return vec![Finding::NoRules];
    }
    let known = match nft::taps().await {
        Ok(known) => known,
        Err(error) => return vec![Finding::Unknown { error }],
    };
    let leased: BTreeSet<String> = plan.leases().iter().map(|lease| lease.tap.to_string()).collect();
    let missing = leased.difference(&known).map(|tap| Finding::NoRule { tap: tap.clone() });
    let stale = known.difference(&leased).map(|tap| Finding::StaleRule { tap: tap.clone() });
    missing.chain(stale).collect()
}

async fn links(plan: &Plan) -> Result<Vec<Finding>, NetError> {
    let net = Netlink::open()?;
    let links = net.links().await?;
    let bridge = links.iter().find(|link| link.name == plan.bridge().as_str() && link.is_bridge);
    let mut found = vec![];
    if bridge.is_none_or(|bridge| !bridge.is_up) {
        found.push(Finding::Bridge { name: plan.bridge().clone() });
    }
    if let Some(bridge) = bridge.filter(|bridge| bridge.is_up) {
        let (name, address) = (plan.bridge().clone(), plan.subnet().gateway());
        if !net.addresses(Some(bridge.index)).await?.iter().any(|(there, _)| *there == address) {
            found.push(Finding::NoGateway { name, address });
        }
        for name in &plan.forwarding {
            if !sysctl::is_forwarding(name)? {
                found.push(Finding::Closed { name: name.clone() });
            }
        }
    }
    for lease in plan.leases() {
        let tap = links.iter().find(|link| link.name == lease.tap.as_str());
        if tap
            .is_none_or(|tap| tap.controller.is_none() || tap.controller != bridge.map(|bridge| bridge.index))
        {
            found.push(Finding::NoTap { name: lease.tap.to_string() });
        }
    }
    let stale = tap::stale(&net, bridge, plan.leases()).await?;
    found.extend(stale.into_iter().map(|link| Finding::StaleTap { name: link.name }));
    Ok(found)
}
