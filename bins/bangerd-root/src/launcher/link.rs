//! `link <id>`: the link of a machine, as the machine's user, on a socket that is the owner's.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io,
    os::{
        fd::AsRawFd,
        unix::{fs::PermissionsExt, net::UnixListener},
    },
    path::{Path, PathBuf},
};

use model::{Port, Publish, VmId};
use rustix::{
    fs::{AtFlags, CWD, Gid, Mode, Uid, chownat},
    io::{FdFlags, fcntl_setfd},
};
use vm::layout::{LINK_LOG, LINK_SOCKET, PORTS, SERIAL_SOCKET, VSOCK_SOCKET};

use super::{LaunchError, Monitor, Record, credentials::become_machine, start};
use crate::places::Places;

/// The agent's program, which is the link too, beside this one.
const AGENT: &str = "banger-vsock-agent";

/// Becomes the link of a machine. Returns only what went wrong.
#[must_use]
pub fn link(places: &Places, id: &VmId) -> LaunchError {
    start::logged(&places.jail(id), LINK_LOG, |log| become_link(places, id, log))
}

fn become_link(places: &Places, id: &VmId, log: File) -> Result<LaunchError, LaunchError> {
    let record = Record::read(&places.jail(id))?;
    let agent = beside_this()?;
    let listener = listen(&places.links(), id, record.owner_uid)
        .map_err(|source| LaunchError::Unusable { path: places.link(id).join(LINK_SOCKET), source })?;
    let args = arguments(&record.monitor, listener.as_raw_fd(), &record.publish);
    // The owner reads which ports were taken.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    become_machine(record.uid, &[])?;
    Ok(start::execute(&agent, &args, &places.link(id), log))
}

fn beside_this() -> Result<PathBuf, LaunchError> {
    let own = env::current_exe();
    let own = own.map_err(|source| LaunchError::Unusable { path: "/proc/self/exe".into(), source })?;
    Ok(own.with_file_name(AGENT))
}

fn arguments(monitor: &Monitor, listener: i32, publish: &[Publish]) -> Vec<OsString> {
    let listener = listener.to_string();
    let (way, socket) = match monitor {
        Monitor::Qemu { .. } => ("--serial", SERIAL_SOCKET),
        Monitor::Firecracker { .. } => ("--vsock", VSOCK_SOCKET),
    };
    let fixed = ["link", way, socket, "--listen-fd", &listener, "--ports", PORTS];
    let ports = publish.iter().flat_map(|publish| {
        let host = publish.host.map_or(0, Port::number);
        ["--publish".into(), format!("{host}:{}", publish.guest).into()]
    });
    fixed.into_iter().map(OsString::from).chain(ports).collect()
}

/// Listens for the owner alone, and leaves the socket open for the program that is executed next.
///
/// It is made where only root makes anything, and moved into the machine's directory when it is the owner's:
/// what the machine's user plants there is replaced, and never followed.
fn listen(links: &Path, id: &VmId, owner_uid: u32) -> io::Result<UnixListener> {
    env::set_current_dir(links)?;
    let new = format!(".{id}.sock");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
    let (owner, group) = (Uid::from_raw(owner_uid), Gid::ROOT);
    chownat(CWD, &new, Some(owner), Some(group), AtFlags::SYMLINK_NOFOLLOW)?;
    fs::rename(&new, Path::new(id.as_str()).join(LINK_SOCKET))?;
    fcntl_setfd(&listener, FdFlags::empty())?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_told_of_its_socket_by_number_and_of_ports_in_order() {
        let publish = ["8080:80", "22"].map(|text| text.parse().unwrap());
        let qemu = Monitor::Qemu { program: "/q".into(), version: [7, 2, 0], has_sandbox: true };
        let version = [1, 17, 0];
        let jailed = Monitor::Firecracker { program: "/f".into(), jailer: "/j".into(), version };
        let args = arguments(&jailed, 5, &[]);
        assert_eq!(args[1..3], ["--vsock", "vsock.sock"]);
        assert_eq!(
            arguments(&qemu, 5, &publish).join(std::ffi::OsStr::new(" ")).to_str().unwrap(),
            "link --serial serial.sock --listen-fd 5 --ports ports.json --publish 8080:80 --publish 0:22"
        );
    }
}
