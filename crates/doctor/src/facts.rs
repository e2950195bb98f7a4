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
    /// The monitor that is taken before it where KVM works with it.
    pub firecracker: FirecrackerFact,
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
    /// Directories of machines that were recorded, and are not any more.
    pub lost: Vec<PathBuf>,
    /// Machines whose record says something else than what runs, a line each.
    pub unsettled: Vec<String>,
    /// Loop devices over files of ours: device and file. Nothing of ours leaves one behind.
    pub loops: Vec<(String, PathBuf)>,
    /// What only root sees.
    pub helper: HelperFact,
    /// Boots that hung, or whose guest was reset at once, and that were tried again, ever.
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

/// Firecracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirecrackerFact {
    /// It is not used here: embedded mode, or the configuration says so.
    NotUsed,
    /// None can be used.
    Missing {
        /// Why.
        why: String,
        /// What to do.
        hint: String,
        /// Whether the configuration wants no other.
        is_wanted: bool,
    },
    /// It and its jailer are there.
    Found {
        /// Its name and its version.
        name: String,
        /// Where it is.
        path: PathBuf,
        /// Whether this release was tried with it.
        is_tried: bool,
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

/// What the root helper tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelperFact {
    /// There is none in this mode.
    NotWanted,
    /// It does not answer.
    Unreachable {
        /// Why.
        why: String,
    },
    /// It answers.
    Told(HelperFacts),
}

/// What only root sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelperFacts {
    /// What is not as banger would make it: bridge, taps, rules, forwarding.
    pub network: Vec<Finding>,
    /// Routes of the host into the machines' subnet.
    pub routes: Vec<Finding>,
    /// Others' rules that drop what machines send.
    pub forward: Vec<Finding>,
    /// What is wrong with machines' names in the hosts file.
    pub names: Vec<Finding>,
    /// Units, jails, taps, rules and leases of machines that are no more, a line each.
    pub strays: Vec<String>,
    /// Who else has user numbers of the machines' range, a line each.
    pub uid_conflicts: Vec<String>,
    /// Whether the daemon's state and root's copy of it lie on one file system.
    pub one_file_system: bool,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What, in a line.
    pub what: String,
    /// What to do, where that is known.
    pub hint: Option<String>,
}

/// What the program that a person runs sees of a system install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallFacts {
    /// The release of the program that asks.
    pub asking: String,
    /// The release that the record of the install names.
    pub recorded: String,
    /// The owner's name, for hints.
    pub owner: String,
    /// The programs on the disk.
    pub files: FilesFact,
    /// Units and links to them that are not as this release would write them.
    pub units: Vec<Drift>,
    /// Directories, links and files of the install that are not as this release would write them.
    pub layout: Vec<Drift>,
    /// What systemd says of the services.
    pub services: ServicesFact,
    /// The root helper's socket.
    pub helper_socket: SocketFact,
}

/// The programs of the release that is in use, by its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesFact {
    /// No release is in use, or its files cannot be read.
    Unreadable {
        /// Why.
        why: String,
    },
    /// The release has no record.
    NoRecord {
        /// Its directory.
        release: PathBuf,
    },
    /// Each is what the record says.
    Same {
        /// Its directory.
        release: PathBuf,
    },
    /// Some are not what the record says.
    Differ {
        /// Its directory.
        release: PathBuf,
        /// Which.
        programs: Vec<String>,
    },
}

/// Something on the disk that is not as it would be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Where.
    pub path: PathBuf,
    /// Whether it is not there at all.
    pub is_missing: bool,
}

/// What systemd says of the services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServicesFact {
    /// It does not say.
    Unknown {
        /// Why.
        why: String,
    },
    /// It does.
    Told {
        /// Those that are not up and should be, a line each.
        down: Vec<String>,
        /// Those whose file was changed since systemd read it.
        unread: Vec<String>,
    },
}
