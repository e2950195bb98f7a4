//! The whole of our nftables tables, as a value and as a script for `nft -f`.
//!
//! Two tables of ours, both named `banger`, and nothing else is touched:
//!
//! * `bridge banger`: on its way in from a tap a frame must have the hardware address and the address
//!   of that tap's lease, as IPv4 or as ARP. Anything else is dropped: forged senders, IPv6, DHCP.
//! * `inet banger`: what a guest may reach. The outside, if its lease says so; of the host itself only a
//!   ping to the gateway, and replies to what the host began. No other guest.
//!
//! A packet that one chain accepts still has to pass everybody else's; one that is dropped is gone.

use std::{collections::BTreeSet, fmt::Write as _};

use serde::{Deserialize, Serialize};

use crate::{
    lease::{Lease, TAP_PREFIX},
    link::IfName,
    subnet::Subnet,
};

/// The name of our tables.
pub const TABLE: &str = "banger";

/// Whether machines reach each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peers {
    /// Each is alone on its wire.
    #[default]
    Apart,
    /// All share one.
    Together,
}

/// What the host lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleset {
    /// Our bridge.
    pub bridge: IfName,
    /// Our addresses.
    pub subnet: Subnet,
    /// Who has which of them.
    pub leases: Vec<Lease>,
    /// Whether machines reach each other.
    pub peers: Peers,
    /// Interfaces for which forwarding is on only because of us: what comes in there may go to machines
    /// and nowhere else, unless somebody asked for it from inside or published it.
    pub opened: BTreeSet<IfName>,
    /// Bridges that docker keeps apart from the host's other networks, and that machines do not reach
    /// either: the rule that lets us pass docker's chain would open them.
    pub closed: BTreeSet<IfName>,
}

/// No router passes these on (RFC 3927 §7). In a cloud the host's own credentials are to be had there, and
/// in some its name server.
const LINK_LOCAL: &str = "169.254.0.0/16";

/// What both tables begin with: the old one goes in the same transaction. Adding first makes that
/// possible where there is no old one.
const REPLACE: &str =
    "add table inet banger\ndelete table inet banger\nadd table bridge banger\ndelete table bridge banger\n";

impl Ruleset {
    /// The script that puts this ruleset in place of whatever was in our tables, in one transaction.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = REPLACE.to_owned();
        // Writing to a String does not fail.
        let _ok = self.inet(&mut text).and_then(|()| self.bridge(&mut text));
        text
    }

    /// The script that takes our tables away, whether they are there or not.
    #[must_use]
    pub fn removal() -> &'static str {
        REPLACE
    }

    fn inet(&self, text: &mut String) -> std::fmt::Result {
        let (bridge, gateway) = (&self.bridge, self.subnet.gateway());
        let among = match self.peers {
            Peers::Apart => "drop",
            Peers::Together => "accept",
        };
        writeln!(text, "table inet {TABLE} {{")?;
        let outside = self.leases.iter().filter(|lease| lease.nat).map(|lease| lease.address.to_string());
        set(text, "outside", "type ipv4_addr", outside)?;
        set(text, "opened", "type ifname", self.opened.iter().map(quoted))?;
        set(text, "closed", "type ifname", self.closed.iter().map(quoted))?;
        // Before docker's nat rules, which would lead a guest from a port of the host to a container.
        writeln!(
            text,
            "\tchain to_host_early {{
\t\ttype filter hook prerouting priority mangle; policy accept;
\t\tiifname \"{bridge}\" fib daddr type local goto to_host
\t}}
\tchain to_host_late {{
\t\ttype filter hook input priority filter - 10; policy accept;
\t\tiifname \"{bridge}\" goto to_host
\t}}
\tchain to_host {{
\t\tct state established,related accept
\t\tip daddr {gateway} icmp type echo-request accept
\t\tdrop
\t}}"
        )?;
        writeln!(
            text,
            "\tchain forward {{
\t\ttype filter hook forward priority filter - 10; policy accept;
\t\tiifname \"{bridge}\" goto from_guests
\t\toifname \"{bridge}\" goto to_guests
\t\tiifname @opened ct state new ct status & dnat == 0 drop
\t}}
\tchain from_guests {{
\t\toifname \"{bridge}\" {among}
\t\toifname @closed drop
\t\tip saddr != @outside drop
\t\tip daddr {LINK_LOCAL} meta l4proto {{ tcp, udp }} th dport 53 accept
\t\tip daddr {LINK_LOCAL} drop
\t\tmeta nfproto ipv4 accept
\t\tdrop
\t}}
\tchain to_guests {{
\t\tip daddr @outside ct state established,related accept
\t\tdrop
\t}}
\tchain leave {{
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\toifname != \"{bridge}\" ip saddr @outside masquerade
\t}}
}}"
        )
    }

    fn bridge(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "table bridge {TABLE} {{")?;
        let guests =
            self.leases.iter().map(|lease| format!("\"{}\" . {} . {}", lease.tap, lease.mac, lease.address));
        set(text, "guests", "type ifname . ether_addr . ipv4_addr", guests)?;
        writeln!(
            text,
            "\tchain from_taps {{
\t\ttype filter hook prerouting priority filter; policy accept;
\t\tiifname != \"{TAP_PREFIX}*\" accept
\t\tether type ip iifname . ether saddr . ip saddr @guests accept
\t\tether type arp iifname . ether saddr . arp saddr ip @guests iifname . arp saddr ether . arp saddr ip @guests accept
\t\tdrop
\t}}
}}"
        )
    }
}

fn quoted(name: &IfName) -> String {
    format!("\"{name}\"")
}

/// An empty list of elements is no valid one.
fn set(
    text: &mut String,
    name: &str,
    kind: &str,
    elements: impl Iterator<Item = String>,
) -> std::fmt::Result {
    writeln!(text, "\tset {name} {{\n\t\t{kind}")?;
    let elements: Vec<String> = elements.collect();
    if !elements.is_empty() {
        writeln!(text, "\t\telements = {{\n\t\t\t{}\n\t\t}}", elements.join(",\n\t\t\t"))?;
    }
    writeln!(text, "\t}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lease::Leases, uids::UidRange};

    fn ruleset() -> Ruleset {
        let mut book = Leases::new("172.30.0.0/16".parse().unwrap(), UidRange::new(0x7000_0000).unwrap());
        for (id, name, nat) in
            [("00010203fdfe", "dev", true), ("aa0102030405", "shut", false), ("bb0102030405", "db", true)]
        {
            book.grant(&id.parse().unwrap(), &name.parse().unwrap(), nat).unwrap();
        }
        Ruleset {
            bridge: "banger0".parse().unwrap(),
            subnet: book.subnet(),
            leases: book.iter().cloned().collect(),
            peers: Peers::Apart,
            opened: BTreeSet::from(["eth0".parse().unwrap()]),
            closed: BTreeSet::from(["docker0".parse().unwrap()]),
        }
    }

    #[test]
    fn three_machines_one_of_them_shut_in() {
        insta::assert_snapshot!(ruleset().render());
    }

    #[test]
    fn no_machine_and_peers_together() {
        let none = Ruleset {
            leases: vec![],
            opened: BTreeSet::new(),
            closed: BTreeSet::new(),
            peers: Peers::Together,
            ..ruleset()
        };
        insta::assert_snapshot!(none.render());
    }

    #[test]
    fn both_scripts_begin_by_taking_the_old_tables_away() {
        assert!(ruleset().render().starts_with(Ruleset::removal()));
        insta::assert_snapshot!(Ruleset::removal());
    }
}
