//! Why the network is not as it should be.

use std::{io, path::PathBuf};

use model::Class;
use network::{ChainsError, Foreign, IfName};

use super::hosts::HostsError;
use crate::program::ProgramError;

/// Why the network is not as it should be. What was done before stays done, and doing it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A program that it takes is not there.
    #[error("{program} is not on PATH")]
    NoProgram {
        /// Which.
        program: &'static str,
    },
    /// nft did not take the rules. Those that were there before are in force.
    #[error("replace the rules of the tables named banger")]
    Rules {
        /// What it said.
        source: ProgramError,
    },
    /// It cannot be asked what rules there are. Nothing was changed.
    #[error("list the rules of this host")]
    List {
        /// What was said.
        source: ProgramError,
    },
    /// What nft lists cannot be read. Nothing was changed.
    #[error(transparent)]
    Chains(#[from] ChainsError),
    /// A rule in the tables of others cannot be added or taken out. Machines may not reach outside.
    #[error("change the rule that lets machines pass {foreign}")]
    Foreign {
        /// Whose tables.
        foreign: Foreign,
        /// What was said.
        source: ProgramError,
    },
    /// Others drop what machines send, and only a person can change that.
    #[error("{foreign} drops what machines send")]
    Dropped {
        /// Who.
        foreign: Foreign,
        /// Our bridge.
        bridge: IfName,
    },
    /// The kernel's socket for such things cannot be used.
    #[error("ask the kernel about its network")]
    Socket {
        /// What the system said.
        source: io::Error,
    },
    /// The kernel refuses something. What it is about is as it was.
    #[error("{what}")]
    Kernel {
        /// What was being done, and to what.
        what: String,
        /// What the kernel said.
        source: rtnetlink::Error,
    },
    /// Something else has the name of our bridge or of a tap. It was left alone.
    #[error("{name} is there and is no {kind}")]
    NotOurs {
        /// The name.
        name: String,
        /// What it should be.
        kind: &'static str,
    },
    /// A tap cannot be made or opened.
    #[error("{what} tap {tap}")]
    Tap {
        /// What was being done.
        what: &'static str,
        /// Which.
        tap: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file, or a setting of the kernel's, cannot be read or written.
    #[error("{what} {}", path.display())]
    File {
        /// What was being done.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The hosts file is as it was. `ssh <name>.vm` works nevertheless.
    #[error(transparent)]
    Hosts(#[from] HostsError),
}

impl NetError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NoProgram { .. } => Class::HostLacks,
            Self::Chains(error) => error.class(),
            Self::Hosts(error) => error.class(),
            Self::Rules { source } | Self::List { source } | Self::Foreign { source, .. } => source.class(),
            Self::Dropped { .. } | Self::NotOurs { .. } => Class::Refused,
            Self::Socket { .. } | Self::Kernel { .. } | Self::Tap { .. } | Self::File { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoProgram { program } => Some(format!("Install the package that has {program}.")),
            Self::Dropped { foreign, bridge } => foreign.hint(bridge),
            Self::NotOurs { name, .. } => {
                Some(format!("Rename {name}, or set bridge_name in /etc/banger/config.toml to another name."))
            }
            Self::Hosts(error) => error.hint(),
            Self::Rules { source } | Self::List { source } | Self::Foreign { source, .. } => source.hint(),
            Self::Chains(_)
            | Self::Socket { .. }
            | Self::Kernel { .. }
            | Self::Tap { .. }
            | Self::File { .. } => None,
        }
    }
}
