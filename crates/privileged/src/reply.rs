//! What the helper answers.

use std::net::Ipv4Addr;

use model::{Version, VmId};
use serde::{Deserialize, Serialize};

use crate::{Interface, Lease, Nothing, Request};

/// What the helper is, and how it was told to work (`/etc/banger/config.toml`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The helper's release.
    pub version: Version,
    /// Whom it serves, besides root.
    pub owner_uid: u32,
    /// The bridge that machines are on.
    pub bridge: Interface,
    /// Their network: the host's address on it, and how many bits are the network's; `None` until it is chosen.
    pub network: Option<(Ipv4Addr, u8)>,
    /// The monitor: its program and its version; `None` where there is none that works.
    pub monitor: Option<String>,
    /// Whether a root disk can be a snapshot here: one was made, and removed.
    pub snapshots: bool,
}

/// Which process, within one boot of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessId {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks after the host's boot (`proc_pid_stat(5)`, field 22).
    pub started_ticks: u64,
}

/// A machine that was launched. Its monitor and its link run, and both listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launched {
    /// The monitor; its end is the machine's.
    pub monitor: ProcessId,
    /// The link.
    pub link: ProcessId,
}

/// A link that was started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relinked {
    /// The link.
    pub link: ProcessId,
}

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signalled {
    /// Whether there was a monitor to send it to.
    pub delivered: bool,
}

/// How a unit stands (systemd(1), `ActiveState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    /// There is none, or it rests.
    Inactive,
    /// It is being started.
    Activating,
    /// It runs.
    Active,
    /// It is being stopped.
    Deactivating,
    /// It ended badly.
    Failed,
}

/// One of a machine's two units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// How it stands.
    pub state: UnitState,
    /// Its main process, where it has one.
    pub process: Option<ProcessId>,
}

/// A machine, as root knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineState {
    /// Its lease.
    pub lease: Lease,
    /// Its monitor's unit.
    pub monitor: Unit,
    /// Its link's unit.
    pub link: Unit,
}

/// Every machine that has a lease, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machines {
    /// They.
    pub machines: Vec<MachineState>,
}

/// What a sweep took away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swept {
    /// The machines whose leases were released.
    pub released: Vec<VmId>,
}

/// Numbers of users that are for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UidRange {
    /// The first.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// What `doctor` wants to know and only root sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The numbers of users that machines get.
    pub uids: UidRange,
    /// Who else has numbers of that range, in words; nobody should.
    pub uid_conflicts: Vec<String>,
    /// Whether the daemon's state and root's copy of it lie on one file system, as launching wants it.
    pub one_file_system: bool,
    /// Units of ours without a lease.
    pub stale_units: Vec<String>,
    /// Directories of machines without a lease.
    pub stale_machines: Vec<String>,
    /// Taps of ours without a lease.
    pub stale_taps: Vec<String>,
    /// Taps of ours that belong to no machine and that the rules let through.
    pub stale_rules: Vec<String>,
    /// Maps of the device mapper that are ours and belong to no machine with a lease.
    pub stale_maps: Vec<String>,
    /// Every machine that has a lease.
    pub leased: Vec<VmId>,
    /// What else is not as it would be made; empty where all is.
    pub network: Vec<NetworkFact>,
}

/// Something of the machines' network that is not as it would be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkFact {
    /// What it is about.
    pub about: NetworkPart,
    /// What was found, in words.
    pub what: String,
    /// What to do, where it is not making it anew.
    pub hint: Option<String>,
}

/// A part of the machines' network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkPart {
    /// Bridge, taps and our own rules.
    Own,
    /// The host's routes.
    Routes,
    /// Others' rules for what is forwarded.
    Forward,
    /// The hosts file.
    Names,
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant answers the request of its name")]
pub enum Reply {
    Hello(Hello),
    Lease(Lease),
    Launch(Launched),
    Relink(Relinked),
    Signal(Signalled),
    /// Done; to [`Request::End`], [`Request::Release`] and [`Request::Apply`].
    Done(Nothing),
    Machines(Machines),
    Sweep(Swept),
    Facts(Facts),
}

impl Reply {
    /// Whether this is the kind of reply that `request` gets.
    #[must_use]
    pub fn answers(&self, request: &Request) -> bool {
        matches!(
            (self, request),
            (Self::Hello(_), Request::Hello)
                | (Self::Lease(_), Request::Lease(_))
                | (Self::Launch(_), Request::Launch(_))
                | (Self::Relink(_), Request::Relink(_))
                | (Self::Signal(_), Request::Signal(_))
                | (Self::Done(_), Request::End(_) | Request::Release(_) | Request::Apply)
                | (Self::Machines(_), Request::Machines)
                | (Self::Sweep(_), Request::Sweep(_))
                | (Self::Facts(_), Request::Facts)
        )
    }
}
