//! The guest's address and route.

use std::{fs, io, path::Path};

use guest::Network;

use super::netlink::Netlink;

const LOOPBACK_INDEX: u32 = 1;

/// Brings up the loopback. Doing it twice is doing it once.
pub(crate) fn bring_up_loopback() -> io::Result<()> {
    Netlink::open()?.bring_up(LOOPBACK_INDEX)
}

/// Brings up the machine's interface with its address and route. Doing it twice is doing it once.
pub(super) fn bring_up(network: &Network) -> io::Result<()> {
    if network.prefix_len > 32 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a network has at most 32 bits"));
    }
    let index = interface(Path::new("/sys/class/net"))?;
    let mut netlink = Netlink::open()?;
    netlink.bring_up(index)?;
    netlink.set_address(index, network.address, network.prefix_len)?;
    network.gateway.map_or(Ok(()), |gateway| netlink.set_default_route(index, gateway))
}

/// Finds the interface that is a device: `eth0`, whatever the image renamed it to.
fn interface(interfaces: &Path) -> io::Result<u32> {
    let mut found: Vec<_> = fs::read_dir(interfaces)?
        .flatten()
        .filter(|interface| interface.path().join("device").exists())
        .map(|interface| interface.path())
        .collect();
    found.sort();
    let none = || io::Error::new(io::ErrorKind::NotFound, "the machine has no network device");
    let index = fs::read_to_string(found.first().ok_or_else(none)?.join("ifindex"))?;
    index.trim_end().parse().map_err(io::Error::other)
}
