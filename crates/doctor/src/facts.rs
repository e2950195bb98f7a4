//! What is known of a host.

use std::path::PathBuf;

use model::Size;

/// What is known of a host and of the daemon on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The processor's architecture, as `uname -m` writes it.
    pub architecture: String,
    /// The database.
    pub store: StoreFact,
    /// The monitor.
    pub monitor: MonitorFact,
    /// Whether guests' instructions run on the processor.
    pub kvm: KvmFact,
    /// Programs that work for us.
    pub tools: Vec<ToolFact>,
    /// The image for machines that name none.
    pub image: NamedFact,
    /// The kernel for machines that name none.
    pub kernel: NamedFact,
    /// The agent that every guest is given.
    pub agent: AgentFact,
    /// The directory in which disks lie.
    pub state_dir: PathBuf,
    /// What is free there.
    pub room: Size,
    /// The daemon's socket.
    pub socket: SocketFact,
    /// Processes and directories that no machine owns, a line each.
    pub strays: Vec<String>,
    /// Boots that hung, were killed and were tried again, ever.
    pub boots_retried: u64,
    /// Whether logging out ends every process of the user (`KillUserProcesses=` of logind).
    pub logout_kills: bool,
}

/// The database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreFact {
    /// This release can use it.
    Usable {
        /// The version of its schema.
        version: u32,
    },
    /// It cannot be used, or only after a migration.
    Unusable {
        /// Why.
        why: String,
        /// What to do.
        hint: String,
    },
}

/// The monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MonitorFact {
    /// It is not installed.
    Missing {
        /// What was looked for.
        program: String,
    },
    /// It is there and does not say its version.
    Broken {
        /// Where it is.
        path: PathBuf,
        /// What happened.
        why: String,
    },
    /// It is there.
    Found {
        /// Where it is.
        path: PathBuf,
        /// Its version: major and minor.
        version: (u32, u32),
    },
}

/// Whether guests' instructions run on the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvmFact {
    /// A boot of the kernel proved it.
    Usable,
    /// It does not work.
    NotUsable {
        /// Why.
        why: String,
    },
    /// Its device opens, and no kernel has been booted with it yet.
    NotTried,
    /// The configuration says to emulate.
    NotWanted,
}

/// A program that works for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolFact {
    /// Its name.
    pub name: &'static str,
    /// Where it is.
    pub path: Option<PathBuf>,
    /// What cannot be done without it.
    pub needed_for: &'static str,
    /// The package that has it, in Debian's words.
    pub package: &'static str,
    /// Whether no machine can be made without it.
    pub is_vital: bool,
}

/// An image or a kernel that is a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFact {
    /// Its name, where it is known.
    pub name: Option<String>,
    /// Whether it is there.
    pub is_there: bool,
    /// Whether the first use makes it.
    pub can_be_made: bool,
}

/// The agent that every guest is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentFact {
    /// It is not where it should be.
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// It is there and cannot be run.
    NotRunnable {
        /// Where it is.
        path: PathBuf,
        /// What happened.
        why: String,
    },
    /// It runs.
    Runs {
        /// Its version.
        version: String,
        /// The daemon's version: both come with one release.
        wanted: String,
    },
}

/// The daemon's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketFact {
    /// Where it is.
    pub path: PathBuf,
    /// Its owner; `None` where it is not there.
    pub owner: Option<u32>,
    /// Its permission bits.
    pub mode: u32,
    /// Who its owner should be.
    pub uid: u32,
}
