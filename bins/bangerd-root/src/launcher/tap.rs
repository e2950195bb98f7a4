//! The host's end of a guest's network card, opened for the monitor.

use std::{io, os::fd::OwnedFd};

use host::net::open_tap;
use network::TapName;
use privileged::Interface;
use rustix::{
    io::{Errno, FdFlags, fcntl_setfd},
    net::{AddressFamily, SocketType, netdevice::name_to_index, socket},
};

use super::LaunchError;

/// Opens a tap that is there, and leaves it open for the program that is executed next.
pub(super) fn open(name: &Interface) -> Result<OwnedFd, LaunchError> {
    let failed = |source| LaunchError::NoTap { tap: name.to_string(), source };
    // One that is not there would be made, and be nobody's. Asked of this namespace, which /sys need not show.
    is_there(name).map_err(|errno| failed(errno.into()))?;
    let tap = TapName::try_from(name.to_string());
    let tap = tap.map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    let opened = open_tap(&tap).map_err(|error| failed(io::Error::other(error)))?;
    fcntl_setfd(&opened, FdFlags::empty()).map_err(|errno| failed(errno.into()))?;
    Ok(opened)
}

fn is_there(name: &Interface) -> Result<(), Errno> {
    let any = socket(AddressFamily::UNIX, SocketType::DGRAM, None)?;
    match name_to_index(&any, name.as_str()) {
        // What the system says of a name that nothing has.
        Err(Errno::NODEV) => Err(Errno::NOENT),
        found => found.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_that_is_not_there_is_not_made() {
        let error = open(&"bgr-ffffffff".parse().unwrap()).unwrap_err();
        let LaunchError::NoTap { source, .. } = error else { unreachable!("{error}") };
        assert_eq!(source.kind(), io::ErrorKind::NotFound);
    }
}
