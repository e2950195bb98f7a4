//! Why a session ended without the command's own end.

use std::io;

use guest::client::GuestError;
use model::Class;

use crate::fault::{Explain, Fault, chain, plain_io};

/// Why a session ended without the command's own end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The guest could not be asked, or would not.
    #[error("{}", chain(source))]
    Guest {
        /// What it said.
        source: GuestError,
    },
    /// The connection ended while the command ran.
    #[error("the connection to the machine was lost; it may have stopped")]
    Cut,
    /// The connection broke while the command ran.
    #[error("the connection to the machine broke: {}", plain_io(source))]
    Broken {
        /// What the system said.
        source: io::Error,
    },
    /// What came is more than is taken.
    #[error("the machine sends more than {} MiB", bytes_max >> 20)]
    TooMuch {
        /// What is taken.
        bytes_max: usize,
    },
    /// The terminal here could not be used.
    #[error("the terminal cannot be used: {}", plain_io(source))]
    Terminal {
        /// What the system said.
        source: io::Error,
    },
}

impl Explain for GuestError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {}", chain(&self)));
        Fault { hint: self.hint(), ..fault }
    }
}

impl Explain for SessionError {
    fn explain(self, doing: &str) -> Fault {
        match self {
            Self::Guest { source } => source.explain(doing),
            error => Fault::new(Class::Failed, format!("{doing}: {error}")),
        }
    }
}
