//! What happens before a call.

use std::{io, str::FromStr};

use nix::errno::Errno;

/// What happens instead of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// Its caller is killed.
    KillCaller,
    /// Everyone who is traced is killed.
    KillAll,
    /// It fails.
    Fail(Errno),
}

impl FromStr for Blow {
    type Err = io::Error;

    fn from_str(text: &str) -> Result<Self, io::Error> {
        match text {
            "caller" => Ok(Self::KillCaller),
            "all" => Ok(Self::KillAll),
            "ENOSPC" => Ok(Self::Fail(Errno::ENOSPC)),
            "EIO" => Ok(Self::Fail(Errno::EIO)),
            "EROFS" => Ok(Self::Fail(Errno::EROFS)),
            "EMFILE" => Ok(Self::Fail(Errno::EMFILE)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no blow is called {text:?}"))),
        }
    }
}
