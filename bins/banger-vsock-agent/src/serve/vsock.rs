//! The machine's vsock (vsock(7)): the host opens one connection a session.

use std::{fs, io, os::fd::OwnedFd, os::unix::net::UnixListener, path::Path};

use guest::AGENT_PORT;
use rustix::{
    io::Errno,
    net::{
        AddressFamily, SocketFlags, SocketType,
        addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque},
        bind, listen as listen_on, socket_with,
    },
};
use tokio::io::unix::AsyncFd;

use crate::mux::port::FdStream;

/// The devices on the virtio bus.
const DEVICES: &str = "/sys/bus/virtio/devices";

/// What a socket device is, as the bus tells (virtio 1.2, 5: device ID 19).
const SOCKET_DEVICE: &str = "0x0013";

/// Connections that wait to be taken.
const BACKLOG: i32 = 128;

/// Any address of this machine (`VMADDR_CID_ANY`).
const ANY_CID: u32 = u32::MAX;

/// `struct sockaddr_vm`.
#[repr(C)]
struct VsockAddr {
    family: u16,
    reserved: u16,
    port: u32,
    cid: u32,
    flags_and_zeroes: [u8; 4],
}

#[expect(unsafe_code, reason = "the library knows no addresses of this family")]
// SAFETY: the pointer is to a whole sockaddr_vm, and the length is its own.
unsafe impl SocketAddrArg for VsockAddr {
    unsafe fn with_sockaddr<R>(&self, f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R) -> R {
        f(std::ptr::from_ref(self).cast(), size_of::<Self>().try_into().unwrap_or(0))
    }
}

/// Takes connections of the host's.
pub(super) struct Listener(AsyncFd<OwnedFd>);

/// Whether the machine has one.
pub(super) fn is_there() -> bool {
    is_among(Path::new(DEVICES))
}

fn is_among(devices: &Path) -> bool {
    let is_it = |device: fs::DirEntry| {
        fs::read_to_string(device.path().join("device")).is_ok_and(|id| id.trim_end() == SOCKET_DEVICE)
    };
    fs::read_dir(devices).is_ok_and(|devices| devices.flatten().any(is_it))
}

/// Listens on the agent's port of the machine's vsock.
pub(super) fn listen() -> io::Result<Listener> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::VSOCK, SocketType::STREAM, flags, None)?;
    let address = VsockAddr {
        family: AddressFamily::VSOCK.as_raw(),
        reserved: 0,
        port: AGENT_PORT,
        cid: ANY_CID,
        flags_and_zeroes: [0; 4],
    };
    bind(&socket, &address)?;
    listen_on(&socket, BACKLOG)?;
    Listener::new(socket)
}

/// Listens on a unix socket in its place.
pub(super) fn listen_at(path: &Path) -> io::Result<Listener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    Listener::new(listener.into())
}

impl Listener {
    fn new(socket: OwnedFd) -> io::Result<Self> {
        #[expect(unsafe_code, reason = "the descriptor is owned by the registration")]
        let socket = unsafe { AsyncFd::register(socket) }?;
        Ok(Self(socket))
    }

    /// Takes the next connection. One that went away before it was taken is passed over.
    pub(super) async fn accept(&self) -> io::Result<FdStream> {
        loop {
            let mut guard = self.0.readable().await?;
            let accepted = guard.try_io(|socket| {
                Ok(rustix::net::accept_with(socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?)
            });
            match accepted {
                Ok(Ok(socket)) => return FdStream::new(socket),
                Ok(Err(error)) if Errno::from_io_error(&error) != Some(Errno::CONNABORTED) => {
                    return Err(error);
                }
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_device_is_found_on_the_bus() {
        let bus = tempfile::tempdir().unwrap();
        assert!(!is_among(&bus.path().join("none")));
        for (device, id, found) in [("virtio0", "0x0002\n", false), ("virtio1", "0x0013\n", true)] {
            fs::create_dir(bus.path().join(device)).unwrap();
            fs::write(bus.path().join(device).join("device"), id).unwrap();
            assert_eq!(is_among(bus.path()), found);
        }
    }
}
