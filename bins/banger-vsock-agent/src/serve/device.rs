//! Finds what leads to the host: the machine's vsock, or the port.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use guest::SERIAL_PORT_NAME;
use rustix::fs::OFlags;
use tokio::{
    net::UnixStream,
    time::{Instant, sleep},
};

use super::{args::Args, vsock};
use crate::mux::port::Port;

/// What leads to the host.
pub(super) enum Way {
    /// One connection a session, taken from here.
    Vsock(vsock::Listener),
    /// All sessions over one port.
    Port(Port),
}

const PORTS_DIR: &str = "/sys/class/virtio-ports";
const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Opens what the arguments name, or else the machine's vsock, or the port with our name. Waits for it, within
/// a limit: the kernel names a port some time after the device is there.
pub(super) async fn open(args: &Args) -> io::Result<Way> {
    let limit = Instant::now() + LIMIT;
    loop {
        match try_open(args).await {
            Err(_) if Instant::now() < limit => sleep(LOOK_EVERY).await,
            opened => return opened,
        }
    }
}

async fn try_open(args: &Args) -> io::Result<Way> {
    if let Some(path) = &args.vsock {
        return vsock::listen_at(path).map(Way::Vsock);
    }
    let path = match &args.port {
        Some(path) => path.clone(),
        None if vsock::is_there() => return vsock::listen().map(Way::Vsock),
        None => find(Path::new(PORTS_DIR))?,
    };
    open_port(&path).await.map(Way::Port)
}

async fn open_port(path: &Path) -> io::Result<Port> {
    if fs::metadata(path)?.file_type().is_socket() {
        return UnixStream::connect(path).await.map(Port::over_socket);
    }
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let device: File = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
    Port::over_device(device)
}

fn find(ports: &Path) -> io::Result<PathBuf> {
    for port in fs::read_dir(ports)? {
        let port = port?;
        let name = fs::read_to_string(port.path().join("name")).unwrap_or_default();
        if name.trim_end() == SERIAL_PORT_NAME {
            return Ok(Path::new("/dev").join(port.file_name()));
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "no virtio-serial port has the agent's name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_by_its_name() {
        let ports = tempfile::tempdir().unwrap();
        assert!(find(ports.path()).is_err());
        for (port, name) in [("vport0p1", "org.other\n"), ("vport1p1", "dev.banger.agent\n")] {
            fs::create_dir(ports.path().join(port)).unwrap();
            fs::write(ports.path().join(port).join("name"), name).unwrap();
        }
        assert_eq!(find(ports.path()).unwrap(), Path::new("/dev/vport1p1"));
    }
}
