//! Which piece of the private address space is ours.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use ipnet::Ipv4Net;
use model::{Class, ParseError};
use serde::{Deserialize, Serialize};

use crate::link::IfName;

/// A piece of the address space for machines and their gateway: `172.30.0.0/16`, with a prefix of 16 to
/// 28 bits, private or shared (RFC 1918, RFC 6598).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet(Ipv4Net);

const PREFIX_MIN: u8 = 16;
const PREFIX_MAX: u8 = 28;

/// Where addresses may be ours: RFC 1918 and RFC 6598.
const ALLOWED: [(Ipv4Addr, u8); 4] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
];

impl Subnet {
    /// Where it begins.
    #[must_use]
    pub fn network(self) -> Ipv4Addr {
        self.0.network()
    }

    /// How many bits of an address are the network's.
    #[must_use]
    pub fn prefix_len(self) -> u8 {
        self.0.prefix_len()
    }

    /// The host's own address in it: the first.
    #[must_use]
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network().to_bits() + 1)
    }

    /// The address that means everybody: the last.
    #[must_use]
    pub fn broadcast(self) -> Ipv4Addr {
        self.0.broadcast()
    }

    /// Every address that a machine can have, from the lowest.
    pub fn guests(self) -> impl Iterator<Item = Ipv4Addr> {
        (self.network().to_bits() + 2..self.broadcast().to_bits()).map(Ipv4Addr::from_bits)
    }

    /// Whether a machine can have `address`.
    #[must_use]
    pub fn is_guest(self, address: Ipv4Addr) -> bool {
        self.0.contains(&address)
            && address.to_bits() > self.network().to_bits() + 1
            && address != self.broadcast()
    }

    /// Whether an address is in both.
    #[must_use]
    pub fn overlaps(self, other: Ipv4Net) -> bool {
        self.0.contains(&other.network()) || other.contains(&self.network())
    }
}

impl FromStr for Subnet {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = |why| ParseError::new(text, "a subnet", why);
        let net: Ipv4Net = text.parse().map_err(|_| bad("it must be like 172.30.0.0/16"))?;
        let is_inside = |&(first, prefix): &(Ipv4Addr, u8)| {
            Ipv4Net::new(first, prefix).is_ok_and(|allowed| allowed.contains(&net))
        };
        if !(PREFIX_MIN..=PREFIX_MAX).contains(&net.prefix_len()) {
            Err(bad("its prefix must be 16 to 28"))
        } else if net.addr() != net.network() {
            Err(bad("bits behind its prefix are set"))
        } else if !ALLOWED.iter().any(is_inside) {
            Err(bad("it must lie in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10"))
        } else {
            Ok(Self(net))
        }
    }
}

impl TryFrom<String> for Subnet {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the configuration says about the subnet: `auto`, or one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SubnetChoice {
    /// The first of [`CANDIDATES`] that is free.
    #[default]
    Auto,
    /// This one or none.
    Fixed(Subnet),
}

impl FromStr for SubnetChoice {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::Fixed) }
    }
}

impl TryFrom<String> for SubnetChoice {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<SubnetChoice> for String {
    fn from(choice: SubnetChoice) -> Self {
        match choice {
            SubnetChoice::Auto => "auto".to_owned(),
            SubnetChoice::Fixed(subnet) => subnet.to_string(),
        }
    }
}

/// One route of the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// Where it leads; `0.0.0.0/0` is everywhere.
    pub destination: Ipv4Net,
    /// The interface that it leads through; `None` where it leads through none, as one that refuses.
    pub interface: Option<IfName>,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.interface {
            Some(interface) => write!(f, "{} through {interface}", self.destination),
            None => self.destination.fmt(f),
        }
    }
}

/// What is tried, in this order. Docker takes 172.17 to 172.31 from below and then 192.168 in pieces of
/// 20 bits, home routers 192.168.0 to 192.168.2, companies' VPNs the low end of 10; carriers' shared
/// space (RFC 6598) comes last, since some VPNs live in it.
pub const CANDIDATES: [&str; 12] = [
    "172.30.0.0/16",
    "172.29.0.0/16",
    "172.28.0.0/16",
    "172.27.0.0/16",
    "172.26.0.0/16",
    "10.213.0.0/16",
    "10.187.0.0/16",
    "192.168.208.0/20",
    "192.168.240.0/20",
    "100.96.0.0/16",
    "100.78.0.0/16",
    "100.126.0.0/16",
];

/// The subnet would take addresses from a network that the host reaches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} would overlap a route of this host: {}", list(tried), list(with))]
pub struct Overlap {
    /// What was tried.
    pub tried: Vec<Subnet>,
    /// The routes that are in the way.
    pub with: Vec<Route>,
}

fn list<T: fmt::Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Overlap {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Refused
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(
            "Set subnet in /etc/banger/config.toml to a private network that this host does not use."
                .to_owned(),
        )
    }
}

/// Chooses the subnet: the configured one, or the first of [`CANDIDATES`], if no route of the host
/// overlaps it. Default routes do not count, nor do routes through `bridge`, which are our own.
///
/// # Errors
///
/// [`Overlap`], with every route that is in the way.
pub fn choose_subnet(choice: SubnetChoice, routes: &[Route], bridge: &IfName) -> Result<Subnet, Overlap> {
    let counts =
        |route: &&Route| route.destination.prefix_len() > 0 && route.interface.as_ref() != Some(bridge);
    let in_the_way =
        |subnet: Subnet| routes.iter().filter(counts).filter(move |route| subnet.overlaps(route.destination));
    let tried: Vec<Subnet> = match choice {
        SubnetChoice::Fixed(subnet) => vec![subnet],
        SubnetChoice::Auto => CANDIDATES.iter().filter_map(|text| text.parse().ok()).collect(),
    };
    if let Some(free) = tried.iter().find(|subnet| in_the_way(**subnet).next().is_none()) {
        return Ok(*free);
    }
    let mut with: Vec<Route> = tried.iter().flat_map(|subnet| in_the_way(*subnet)).cloned().collect();
    with.sort();
    with.dedup();
    Err(Overlap { tried, with })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_are_private_and_neither_too_small_nor_too_big() {
        let table: &[(&str, Option<&str>)] = &[
            ("172.30.0.0/16", None),
            ("10.1.2.0/24", None),
            ("192.168.1.16/28", None),
            ("100.64.0.0/16", None),
            ("172.30.0.0/15", Some("its prefix must be 16 to 28")),
            ("172.30.0.0/29", Some("its prefix must be 16 to 28")),
            ("172.30.0.1/16", Some("bits behind its prefix are set")),
            ("172.30.0.0", Some("it must be like 172.30.0.0/16")),
            ("", Some("it must be like 172.30.0.0/16")),
            (
                "172.32.0.0/16",
                Some("it must lie in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10"),
            ),
            ("8.8.0.0/16", Some("it must lie in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10")),
        ];
        for (text, why) in table {
            let read = text.parse::<Subnet>();
            assert_eq!(read.as_ref().err().map(ParseError::why), *why, "{text:?}");
            if let Ok(subnet) = read {
                assert_eq!(subnet.to_string(), *text);
            }
        }
        assert_eq!(CANDIDATES.iter().filter(|text| text.parse::<Subnet>().is_err()).count(), 0);
        assert_eq!("auto".parse(), Ok(SubnetChoice::Auto));
    }

    #[test]
    fn gateway_and_broadcast_are_nobodys() {
        let subnet: Subnet = "192.168.1.16/28".parse().unwrap();
        let guests: Vec<String> = subnet.guests().map(|guest| guest.to_string()).collect();
        assert_eq!(
            (guests.len(), guests[0].as_str(), guests[12].as_str()),
            (13, "192.168.1.18", "192.168.1.30")
        );
        for last in 0..=255 {
            let address = Ipv4Addr::new(192, 168, 1, last);
            assert_eq!(subnet.is_guest(address), guests.contains(&address.to_string()), "{address}");
        }
    }

    fn routes(text: &str) -> Vec<Route> {
        let read = |line: &str| {
            let (destination, interface) = line.split_once(' ').unwrap();
            Route { destination: destination.parse().unwrap(), interface: interface.parse().ok() }
        };
        text.split(", ").filter(|line| !line.is_empty()).map(read).collect()
    }

    #[test]
    fn the_first_that_overlaps_no_route_is_taken() {
        let bridge = "banger0".parse().unwrap();
        let table = [
            ("", "172.30.0.0/16"),
            ("0.0.0.0/0 eth0, 192.168.1.0/24 eth0", "172.30.0.0/16"),
            ("172.30.0.0/16 banger0", "172.30.0.0/16"),
            ("172.30.5.0/24 tun0", "172.29.0.0/16"),
            ("172.30.0.1/32 tun0", "172.29.0.0/16"),
            ("172.16.0.0/12 wg0", "10.213.0.0/16"),
            ("172.16.0.0/12 wg0, 10.0.0.0/8 tun0", "192.168.208.0/20"),
            ("172.16.0.0/12 wg0, 10.0.0.0/8 tun0, 192.168.0.0/16 tun0", "100.96.0.0/16"),
            // Half of everything, as some VPNs do, is no default route and is in the way of that half.
            ("128.0.0.0/1 tun0", "10.213.0.0/16"),
        ];
        for (host, want) in table {
            let chosen = choose_subnet(SubnetChoice::Auto, &routes(host), &bridge);
            assert_eq!(chosen.map(|subnet| subnet.to_string()), Ok(want.to_owned()), "{host}");
        }
    }

    #[test]
    fn a_refusal_names_what_overlaps() {
        let bridge = "banger0".parse().unwrap();
        let fixed = SubnetChoice::Fixed("172.30.0.0/16".parse().unwrap());
        let host = routes("0.0.0.0/0 eth0, 172.16.0.0/12 wg0, 10.0.0.0/8 wg0");
        let overlap = choose_subnet(fixed, &host, &bridge).unwrap_err();
        assert_eq!(
            overlap.to_string(),
            "172.30.0.0/16 would overlap a route of this host: 172.16.0.0/12 through wg0"
        );
        let all = routes("0.0.0.0/1 tun0, 128.0.0.0/1 tun0");
        let overlap = choose_subnet(SubnetChoice::Auto, &all, &bridge).unwrap_err();
        assert_eq!((overlap.tried.len(), overlap.with), (CANDIDATES.len(), all));
    }
}
