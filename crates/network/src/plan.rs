//! All of the network together: what it shall be like on this host.

use std::collections::BTreeSet;

use crate::{
    foreign::{Foreign, ForwardFacts},
    lease::{Lease, Leases},
    link::IfName,
    ruleset::{Peers, Ruleset},
    subnet::{Route, Subnet},
};

/// What of the host decides what the network shall be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// Its IPv4 routes, of every table.
    pub routes: Vec<Route>,
    /// The names of all its interfaces.
    pub interfaces: BTreeSet<IfName>,
    /// Whether it forwards between all interfaces (`net.ipv4.ip_forward`).
    pub forwards: bool,
    /// Interfaces that forward, and not because of banger.
    pub forwarding: BTreeSet<IfName>,
    /// Who forwards what.
    pub forward: ForwardFacts,
}

/// What the network shall be like. The same arguments give the same plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The rules, with bridge, subnet and leases.
    pub rules: Ruleset,
    /// For which interfaces banger switches forwarding on: the bridge, and the opened ones.
    pub forwarding: BTreeSet<IfName>,
    /// Who else has to let machines pass.
    pub foreign: Vec<Foreign>,
}

impl Plan {
    /// Decides what the network shall be like.
    #[must_use]
    pub fn new(bridge: &IfName, peers: Peers, leases: &Leases, host: &HostFacts) -> Self {
        let closed: BTreeSet<IfName> =
            host.interfaces.iter().filter(|name| is_dockers(name)).cloned().collect();
        // A host that forwards anyway is left as it is. On one that does not, what comes in from outside
        // has to be let through to the bridge, and to nowhere else.
        let needs_replies = !host.forwards && leases.iter().any(|lease| lease.nat);
        let is_shut = |name: &&IfName| {
            *name != bridge
                && name.as_str() != "lo"
                && !closed.contains(*name)
                && !host.forwarding.contains(*name)
        };
        let interfaces = host.routes.iter().filter_map(|route| route.interface.as_ref());
        let opened: BTreeSet<IfName> =
            interfaces.filter(is_shut).filter(|_| needs_replies).cloned().collect();
        Self {
            forwarding: opened.iter().chain([bridge]).cloned().collect(),
            rules: Ruleset {
                bridge: bridge.clone(),
                subnet: leases.subnet(),
                leases: leases.iter().cloned().collect(),
                peers,
                opened,
                closed,
            },
            foreign: host.forward.foreign(),
        }
    }

    /// Our bridge.
    #[must_use]
    pub fn bridge(&self) -> &IfName {
        &self.rules.bridge
    }

    /// Our addresses.
    #[must_use]
    pub fn subnet(&self) -> Subnet {
        self.rules.subnet
    }

    /// Who has which of them.
    #[must_use]
    pub fn leases(&self) -> &[Lease] {
        &self.rules.leases
    }
}

/// Whether docker made the interface: `docker0`, or `br-` and 12 hexadecimal digits for a network that a
/// person made.
fn is_dockers(name: &IfName) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let named = name.as_str();
    named == "docker0"
        || named.strip_prefix("br-").is_some_and(|rest| rest.len() == 12 && rest.bytes().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uids::UidRange;

    fn names(text: &str) -> BTreeSet<IfName> {
        text.split_ascii_whitespace().map(|name| name.parse().unwrap()).collect()
    }

    fn host(interfaces: &str) -> HostFacts {
        let route =
            |interface| Route { destination: "10.0.0.0/8".parse().unwrap(), interface: Some(interface) };
        let interfaces = names(interfaces);
        HostFacts {
            routes: interfaces.iter().cloned().map(route).collect(),
            interfaces,
            ..HostFacts::default()
        }
    }

    fn plan(nat: bool, host: &HostFacts) -> Plan {
        let mut book = Leases::new("172.30.0.0/16".parse().unwrap(), UidRange::new(0x7000_0000).unwrap());
        book.grant(&"00010203fdfe".parse().unwrap(), &"dev".parse().unwrap(), nat).unwrap();
        Plan::new(&"banger0".parse().unwrap(), Peers::Apart, &book, host)
    }

    #[test]
    fn only_what_does_not_forward_yet_is_opened_and_only_for_machines_that_reach_out() {
        let plain = host("lo eth0 wlan0 banger0");
        let open = plan(true, &plain);
        assert_eq!(open.rules.opened, names("eth0 wlan0"));
        assert_eq!(open.forwarding, names("banger0 eth0 wlan0"));
        let shut = plan(false, &plain);
        assert_eq!((shut.rules.opened, shut.forwarding), (names(""), names("banger0")));
        let router = HostFacts { forwards: true, ..plain.clone() };
        assert_eq!(plan(true, &router).forwarding, names("banger0"));
        let half = HostFacts { forwarding: names("eth0"), ..plain };
        assert_eq!(plan(true, &half).rules.opened, names("wlan0"));
    }

    #[test]
    fn what_docker_keeps_apart_stays_apart() {
        let docker = host("eth0 docker0 br-0123456789ab br-lan veth1");
        let plan = plan(true, &docker);
        assert_eq!(plan.rules.closed, names("docker0 br-0123456789ab"));
        assert_eq!(plan.rules.opened, names("eth0 br-lan veth1"));
    }
}
