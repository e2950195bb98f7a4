//! The link: what it is started with, and which ports of the host it took.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read},
    path::Path,
};

use model::{Port, Publish};
use rustix::fs::{Mode, OFlags};
use serde::Deserialize;
use vm::layout;

/// How much is read of what the link says, in bytes: 64 ports are some 2 KiB.
const BYTES_MAX: u64 = 64 * 1024;

/// Returns the agent binary's arguments for the link of a machine, for a process whose directory is the
/// machine's. A port of the host that is left open is 0, and the system chooses it.
#[must_use]
pub fn arguments(publish: &[Publish]) -> Vec<OsString> {
    let fixed = ["link", "--serial", layout::SERIAL_SOCKET, "--listen", layout::LINK_SOCKET];
    let ports = publish.iter().flat_map(|publish| {
        let host = publish.host.map_or(0, Port::number);
        ["--publish".into(), format!("{host}:{}", publish.guest).into()]
    });
    fixed.into_iter().map(OsString::from).chain(ports).collect()
}

#[derive(Debug, Deserialize)]
struct Taken {
    host: Port,
    guest: Port,
}

/// Says which ports of the host the link of a machine took. Empty before it listens.
///
/// # Errors
///
/// The system's, or `InvalidData`, where its file is there and cannot be read.
pub fn published(dir: &Path) -> io::Result<Vec<Publish>> {
    // In a system install the directory is the machine's user's: what is there may be anything.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(dir.join(layout::PORTS), OFlags::RDONLY | flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => return Ok(vec![]),
        opened => File::from(opened?),
    };
    let mut bytes = vec![];
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    let taken: Vec<Taken> = serde_json::from_slice(&bytes)?;
    Ok(taken.into_iter().map(|taken| Publish { host: Some(taken.host), guest: taken.guest }).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn ports_are_host_and_guest_and_0_where_the_host_chooses() {
        let publish = ["8080:80", "22"].map(|text| text.parse().unwrap());
        let args = arguments(&publish).join(std::ffi::OsStr::new(" "));
        assert_eq!(
            args.to_str().unwrap(),
            "link --serial serial.sock --listen link.sock --publish 8080:80 --publish 0:22"
        );
    }

    #[test]
    fn what_the_link_took_is_read_and_garbage_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(published(dir.path()).unwrap(), []);
        let file = dir.path().join("ports.json");
        fs::write(&file, r#"[{"host":49153,"guest":80}]"#).unwrap();
        assert_eq!(published(dir.path()).unwrap(), ["49153:80".parse().unwrap()]);
        for garbage in ["", "{", r#"[{"host":0,"guest":80}]"#] {
            fs::write(&file, garbage).unwrap();
            assert!(published(dir.path()).is_err(), "{garbage:?}");
        }
    }
}
