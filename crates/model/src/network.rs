//! Ports, and which of the host lead into a machine.

use std::{fmt, num::NonZeroU16, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ParseError;

/// A TCP port: 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Port(NonZeroU16);

impl Port {
    /// Takes a number; `None` for 0, which names no port.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        NonZeroU16::new(number).map(Self)
    }

    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Port {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let number = text.parse().ok().filter(|_| !text.starts_with('+'));
        number.map(Self).ok_or_else(|| ParseError::new(text, "a port", "it must be a number from 1 to 65535"))
    }
}

/// One port of the host's loopback that leads to a port of a machine: `[HOST:]GUEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Publish {
    /// The port on 127.0.0.1; `None` lets the host choose a free one at each start.
    pub host: Option<Port>,
    /// The port in the machine.
    pub guest: Port,
}

impl FromStr for Publish {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = |_| {
            ParseError::new(text, "a published port", "it must be GUEST or HOST:GUEST, each from 1 to 65535")
        };
        match text.split_once(':') {
            None => Ok(Self { host: None, guest: text.parse().map_err(bad)? }),
            Some((host, guest)) => {
                Ok(Self { host: Some(host.parse().map_err(bad)?), guest: guest.parse().map_err(bad)? })
            }
        }
    }
}

impl fmt::Display for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Some(host) => write!(f, "{host}:{}", self.guest),
            None => write!(f, "{}", self.guest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_ports_are_guest_or_host_and_guest() {
        for (text, ok) in [
            ("80", true),
            ("8080:80", true),
            ("0", false),
            ("0:80", false),
            ("65536", false),
            ("80:", false),
            (":80", false),
            ("1:2:3", false),
            ("+80", false),
            ("127.0.0.1:80:80", false),
            ("", false),
        ] {
            let read = text.parse::<Publish>();
            assert_eq!(read.is_ok(), ok, "{text:?}");
            if let Ok(publish) = read {
                assert_eq!(publish.to_string(), text);
            }
        }
    }
}
