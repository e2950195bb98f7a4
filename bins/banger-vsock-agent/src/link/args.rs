//! What the link is started with.

use std::{path::PathBuf, str::FromStr};

use model::Port;

/// The file that tells which ports were taken, beside the socket unless it is named.
const PORTS: &str = "ports.json";

/// Where sessions come in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listen {
    /// At this path, where the link makes a socket for its own user.
    At(PathBuf),
    /// On this descriptor: whoever started the link made the socket, for whom it likes.
    On(i32),
}

/// Where the monitor is met.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Monitor {
    /// At the socket of its virtio-serial port, which carries all sessions.
    Serial(PathBuf),
    /// At the socket of its vsock, which takes one connection a session.
    Vsock(PathBuf),
}

/// `(--serial PATH | --vsock PATH) (--listen PATH | --listen-fd N) [--ports PATH] [--publish HOST:GUEST …]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Args {
    /// Where the monitor is met.
    pub(super) monitor: Monitor,
    /// Where sessions come in.
    pub(super) listen: Listen,
    /// Where it is told which ports were taken.
    pub(super) ports: PathBuf,
    pub(super) publish: Vec<Published>,
}

/// `HOST:GUEST`; 0 lets the system choose the host's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) host: u16,
    pub(super) guest: Port,
}

impl FromStr for Published {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no HOST:GUEST");
        let (host, guest) = text.split_once(':').ok_or_else(bad)?;
        Ok(Self { host: host.parse().map_err(|_| bad())?, guest: guest.parse().map_err(|_| bad())? })
    }
}

impl Args {
    pub(super) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut monitor, mut listen, mut ports, mut publish) = (None, None, None, vec![]);
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} wants a value"))?;
            match name.as_str() {
                "--serial" => monitor = Some(Monitor::Serial(value.into())),
                "--vsock" => monitor = Some(Monitor::Vsock(value.into())),
                "--listen" => listen = Some(Listen::At(value.into())),
                "--listen-fd" => listen = Some(Listen::On(descriptor(&value)?)),
                "--ports" => ports = Some(value.into()),
                "--publish" => publish.push(value.parse()?),
                _ => return Err(format!("{name} is no argument of the link")),
            }
        }
        let listen = listen.ok_or("--listen is missing")?;
        let beside = match &listen {
            Listen::At(socket) => socket.with_file_name(PORTS),
            Listen::On(_) => PORTS.into(),
        };
        Ok(Self {
            monitor: monitor.ok_or("--serial or --vsock is missing")?,
            listen,
            ports: ports.unwrap_or(beside),
            publish,
        })
    }
}

/// Reads the number of a descriptor that is nobody's by custom: 0, 1 and 2 are.
fn descriptor(text: &str) -> Result<i32, String> {
    let number = text.parse().ok().filter(|number| *number > 2);
    number.ok_or_else(|| format!("{text:?} is no descriptor of a socket"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_or_refused() {
        for (line, ok) in [
            ("--serial s --listen l", true),
            ("--serial s --listen l --publish 8080:80 --publish 0:22", true),
            ("--serial s --listen-fd 3", true),
            ("--serial s --listen-fd 3 --ports p", true),
            ("--serial s --listen-fd 2", false),
            ("--serial s --listen-fd x", false),
            ("--serial s --listen-fd -1", false),
            ("--vsock v --listen l", true),
            ("--listen l", false),
            ("--serial s", false),
            ("--serial s --listen", false),
            ("--serial s --listen l --publish 80", false),
            ("--serial s --listen l --publish 80:0", false),
            ("--serial s --listen l --what x", false),
            ("", false),
        ] {
            let args = line.split_whitespace().map(str::to_owned);
            assert_eq!(Args::parse(args).is_ok(), ok, "{line:?}");
        }
    }

    #[test]
    fn ports_are_told_beside_the_socket_or_where_it_is_said() {
        for (line, want) in [
            ("--serial s --listen /m/link.sock", "/m/ports.json"),
            ("--serial s --listen-fd 3", "ports.json"),
            ("--serial s --listen /m/link.sock --ports /p", "/p"),
        ] {
            let args = Args::parse(line.split_whitespace().map(str::to_owned)).unwrap();
            assert_eq!(args.ports, PathBuf::from(want), "{line:?}");
        }
    }
}
