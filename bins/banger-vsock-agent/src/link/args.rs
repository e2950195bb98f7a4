//! What the link is started with.

use std::{path::PathBuf, str::FromStr};

use model::Port;

/// `--serial PATH --listen PATH [--publish HOST:GUEST …]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Args {
    /// The monitor's socket.
    pub(super) serial: PathBuf,
    /// Where sessions come in.
    pub(super) listen: PathBuf,
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
        let (mut serial, mut listen, mut publish) = (None, None, vec![]);
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} wants a value"))?;
            match name.as_str() {
                "--serial" => serial = Some(value.into()),
                "--listen" => listen = Some(value.into()),
                "--publish" => publish.push(value.parse()?),
                _ => return Err(format!("{name} is no argument of the link")),
            }
        }
        Ok(Self {
            serial: serial.ok_or("--serial is missing")?,
            listen: listen.ok_or("--listen is missing")?,
            publish,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_or_refused() {
        for (line, ok) in [
            ("--serial s --listen l", true),
            ("--serial s --listen l --publish 8080:80 --publish 0:22", true),
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
}
