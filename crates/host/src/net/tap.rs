//! Taps: one a lease. They stay when nobody has them open, so that a machine that starts finds its own.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use network::{Lease, Peers, TAP_PREFIX, TapName};
use rtnetlink::{LinkBridgePort, LinkUnspec};

use super::{
    error::NetError,
    netlink::{Link, Netlink, TapOwner, kernel},
    sysctl,
};

const DEVICE: &str = "/dev/net/tun";

/// Opens a machine's tap for its monitor: frames with the header that virtio uses, no other queue.
/// Only one process can have it open.
///
/// # Errors
///
/// [`NetError::Tap`]; `EBUSY` where another process has it open.
pub fn open_tap(tap: &TapName) -> Result<OwnedFd, NetError> {
    let failed = |source| NetError::Tap { what: "open", tap: tap.to_string(), source };
    File::options()
        .read(true)
        .write(true)
        .open(DEVICE)
        .and_then(|file| attach(file, tap.as_str()))
        .map_err(failed)
}

/// Makes the tap of a lease if it is not there as it should be, and attaches it to the bridge.
pub(super) async fn ensure(
    net: &Netlink,
    lease: &Lease,
    bridge: &Link,
    peers: Peers,
) -> Result<(), NetError> {
    let name = lease.tap.as_str();
    let is_right = |link: &Link| link.tap == Some(TapOwner(Some(lease.uid)));
    match net.link(name).await? {
        Some(link) if is_right(&link) => {}
        Some(link) if link.tap.is_some() => {
            // The number before was another machine's: nothing of ours runs as that any more.
            net.delete(&link).await?;
            make(lease)?;
        }
        Some(link) => return Err(NetError::NotOurs { name: link.name, kind: "tap" }),
        None => make(lease)?,
    }
    let Some(link) = net.link(name).await? else {
        return Err(NetError::Tap {
            what: "find",
            tap: name.to_owned(),
            source: io::ErrorKind::NotFound.into(),
        });
    };
    let failed = || kernel(format!("attach tap {name} to {}", bridge.name));
    if !link.is_up || link.controller != Some(bridge.index) {
        sysctl::without_ipv6(name)?;
        let up = LinkUnspec::new_with_index(link.index).controller(bridge.index).up().build();
        net.handle().link().set(up).execute().await.map_err(failed())?;
    }
    let isolated = peers == Peers::Apart;
    if link.is_isolated != isolated || link.controller != Some(bridge.index) {
        let port = LinkBridgePort::new(link.index).isolated(isolated).build();
        net.handle().link().set_port(port).execute().await.map_err(failed())?;
    }
    Ok(())
}

/// Lists the taps of ours that no lease has: on our bridge, or on none.
pub(super) async fn stale(
    net: &Netlink,
    bridge: Option<&Link>,
    leases: &[Lease],
) -> Result<Vec<Link>, NetError> {
    let is_leased = |link: &Link| leases.iter().any(|lease| lease.tap.as_str() == link.name);
    let is_ours = |link: &Link| {
        link.tap.is_some()
            && link.name.starts_with(TAP_PREFIX)
            && link.controller.is_none_or(|index| bridge.is_some_and(|bridge| bridge.index == index))
    };
    Ok(net.links().await?.into_iter().filter(|link| is_ours(link) && !is_leased(link)).collect())
}

fn make(lease: &Lease) -> Result<(), NetError> {
    let failed = |source| NetError::Tap { what: "make", tap: lease.tap.to_string(), source };
    File::options()
        .read(true)
        .write(true)
        .open(DEVICE)
        .and_then(|file| attach(file, lease.tap.as_str()))
        .and_then(|tap| {
            set(&tap, libc::TUNSETOWNER, lease.uid.into())?;
            set(&tap, libc::TUNSETPERSIST, 1)
        })
        .map_err(failed)
}

/// Makes the descriptor that of the tap, which is made if it is not there.
#[expect(unsafe_code, reason = "no library offers this call")]
fn attach(file: File, name: &str) -> io::Result<OwnedFd> {
    let flags = libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR;
    // SAFETY: zeroes are a valid value of every field.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes().take(libc::IFNAMSIZ - 1)) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the call reads and writes one ifreq, which lives until it returns; the descriptor is open.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    if result == 0 { Ok(file.into()) } else { Err(io::Error::last_os_error()) }
}

#[expect(unsafe_code, reason = "no library offers this call")]
fn set(tap: &OwnedFd, what: libc::Ioctl, value: libc::c_ulong) -> io::Result<()> {
    // SAFETY: the call takes a number and touches no memory; the descriptor is open.
    let result = unsafe { libc::ioctl(tap.as_raw_fd(), what, value) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
