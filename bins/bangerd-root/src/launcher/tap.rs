//! The host's end of a guest's network card, opened for the monitor.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use privileged::Interface;
use rustix::{
    io::{FdFlags, fcntl_setfd},
    ioctl::{Opcode, Setter, ioctl, opcode},
};

/// Where taps are asked for.
const TUN: &str = "/dev/net/tun";

/// `struct ifreq` (netdevice(7)) as `TUNSETIFF` reads it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Ask {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// A tap, without four bytes before each frame, with a header for what the guest leaves to the host
/// (`IFF_TAP`, `IFF_NO_PI`, `IFF_VNET_HDR` of `linux/if_tun.h`).
const FLAGS: u16 = 0x0002 | 0x1000 | 0x4000;

/// `TUNSETIFF` of `linux/if_tun.h`: it says `int` and takes a `struct ifreq`.
const TUNSETIFF: Opcode = opcode::write::<i32>(b'T', 202);

/// Opens a tap that is there, and leaves it open for the program that is executed next.
pub(super) fn open(tap: &Interface) -> io::Result<File> {
    // One that is not there would be made, and be nobody's.
    if !Path::new("/sys/class/net").join(tap.as_str()).join("tun_flags").exists() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such tap"));
    }
    let mut ask = Ask { name: [0; 16], flags: FLAGS, rest: [0; 22] };
    for (to, from) in ask.name.iter_mut().zip(tap.as_str().bytes().take(15)) {
        *to = from;
    }
    let file = OpenOptions::new().read(true).write(true).open(TUN)?;
    plug(&file, ask)?;
    fcntl_setfd(&file, FdFlags::empty())?;
    Ok(file)
}

#[expect(unsafe_code, reason = "the kernel is told what a structure is by a number")]
fn plug(file: &File, ask: Ask) -> io::Result<()> {
    // SAFETY: TUNSETIFF reads one `struct ifreq` of 40 bytes, which `Ask` is laid out as, and keeps no pointer.
    unsafe { ioctl(file, Setter::<TUNSETIFF, Ask>::new(ask)) }.map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_as_long_as_the_kernel_reads() {
        assert_eq!(size_of::<Ask>(), 40);
    }

    #[test]
    fn a_tap_that_is_not_there_is_not_made() {
        let error = open(&"bgr-ffffffff".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
