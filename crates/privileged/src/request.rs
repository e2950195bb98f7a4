//! What may be asked: the whole list.

use model::{Publish, VmId, VmSpec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Accel, Launch, LeaseAsk, Monitor, MonitorSignal, RequestError, Root, StatePath, launch::strict_publish,
    limits::MACHINES_MAX,
};

/// A body, or a reply, with nothing in it: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Names a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The machine.
    pub id: VmId,
}

/// Starts another link beside a monitor that runs, in place of one that is gone or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relink {
    /// The machine.
    pub id: VmId,
    /// What it publishes on the host's loopback.
    #[serde(with = "strict_publish")]
    pub publish: Vec<Publish>,
}

/// Sends a signal to a machine's monitor, and to nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalMonitor {
    /// The machine.
    pub id: VmId,
    /// The signal.
    pub signal: MonitorSignal,
}

/// Releases every machine that is not named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The machines that are kept, at most 4096.
    pub keep: Vec<VmId>,
}

/// Everything that may be asked of root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Says what the helper is.
    Hello,
    /// Gives a machine its lease.
    Lease(LeaseAsk),
    /// Launches a machine.
    Launch(Box<Launch>),
    /// Starts a machine's link again.
    Relink(Relink),
    /// Sends a signal to a machine's monitor.
    Signal(SignalMonitor),
    /// Ends a machine's processes and removes what they were launched with.
    End(Machine),
    /// Ends a machine and takes its lease back.
    Release(Machine),
    /// Lists the machines.
    Machines,
    /// Releases every machine that is not named.
    Sweep(Sweep),
    /// Makes bridge, taps, rules and names anew, as the leases say.
    Apply,
    /// Tells what `doctor` wants to know.
    Facts,
}

impl Request {
    /// Reads a call: the operation's name, as it stands in the path, and the body, which is empty or JSON.
    ///
    /// # Errors
    ///
    /// [`RequestError`]; what was asked cannot be meant.
    pub fn parse(operation: &str, body: &[u8]) -> Result<Self, RequestError> {
        match operation {
            "hello" => read("hello", body).map(|Nothing {}| Self::Hello),
            "lease" => read("lease", body).map(Self::Lease),
            "launch" => {
                let launch: Launch = read("launch", body)?;
                check("launch", &launch.spec)?;
                check_monitor("launch", &launch)?;
                Ok(Self::Launch(Box::new(launch)))
            }
            "relink" => {
                let relink: Relink = read("relink", body)?;
                check_publish("relink", &relink.publish)?;
                Ok(Self::Relink(relink))
            }
            "signal" => read("signal", body).map(Self::Signal),
            "end" => read("end", body).map(Self::End),
            "release" => read("release", body).map(Self::Release),
            "machines" => read("machines", body).map(|Nothing {}| Self::Machines),
            "sweep" => {
                let sweep: Sweep = read("sweep", body)?;
                match sweep.keep.len() {
                    count if count > MACHINES_MAX => {
                        Err(RequestError::TooMany { operation: "sweep", count, max: MACHINES_MAX })
                    }
                    _ => Ok(Self::Sweep(sweep)),
                }
            }
            "apply" => read("apply", body).map(|Nothing {}| Self::Apply),
            "facts" => read("facts", body).map(|Nothing {}| Self::Facts),
            _ => Err(RequestError::NoSuchOperation { name: operation.chars().take(80).collect() }),
        }
    }

    /// The operation's name, as it stands in the path.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Lease(_) => "lease",
            Self::Launch(_) => "launch",
            Self::Relink(_) => "relink",
            Self::Signal(_) => "signal",
            Self::End(_) => "end",
            Self::Release(_) => "release",
            Self::Machines => "machines",
            Self::Sweep(_) => "sweep",
            Self::Apply => "apply",
            Self::Facts => "facts",
        }
    }

    /// The machine that it is about, where it is about one.
    #[must_use]
    pub fn machine(&self) -> Option<&VmId> {
        match self {
            Self::Lease(ask) => Some(&ask.id),
            Self::Launch(launch) => Some(&launch.id),
            Self::Relink(relink) => Some(&relink.id),
            Self::Signal(signal) => Some(&signal.id),
            Self::End(machine) | Self::Release(machine) => Some(&machine.id),
            Self::Hello | Self::Machines | Self::Sweep(_) | Self::Apply | Self::Facts => None,
        }
    }

    /// Whether asking again, where the first answer was lost, is asking once.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        !matches!(self, Self::Launch(_) | Self::Relink(_) | Self::Signal(_))
    }

    /// Writes the body that [`Request::parse`] reads.
    ///
    /// # Errors
    ///
    /// What the library says; there is no such call today.
    pub fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Hello | Self::Machines | Self::Apply | Self::Facts => serde_json::to_vec(&Nothing {}),
            Self::Lease(ask) => serde_json::to_vec(ask),
            Self::Launch(launch) => serde_json::to_vec(launch),
            Self::Relink(relink) => serde_json::to_vec(relink),
            Self::Signal(signal) => serde_json::to_vec(signal),
            Self::End(machine) | Self::Release(machine) => serde_json::to_vec(machine),
            Self::Sweep(sweep) => serde_json::to_vec(sweep),
        }
    }
}

impl Launch {
    /// Every file beneath the state directory that it names, besides the machine's own.
    pub fn paths(&self) -> impl Iterator<Item = &StatePath> {
        let backing = match &self.root {
            crate::Root::Raw {} => None,
            crate::Root::Qcow2 { backing } | crate::Root::Snapshot { backing } => Some(backing),
        };
        [&self.kernel, &self.initramfs].into_iter().chain(&self.modules_disk).chain(backing)
    }
}

fn read<T: DeserializeOwned>(operation: &'static str, body: &[u8]) -> Result<T, RequestError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|source| RequestError::BadBody { operation, source })
}

fn check(operation: &'static str, spec: &VmSpec) -> Result<(), RequestError> {
    spec.check().map_err(|source| RequestError::BadSpec { operation, source })
}

/// Holds a launch to what its monitor can do.
fn check_monitor(operation: &'static str, launch: &Launch) -> Result<(), RequestError> {
    let is_well = match launch.monitor {
        Monitor::Qemu => !matches!(launch.root, Root::Snapshot { .. }),
        Monitor::Firecracker => launch.accel == Accel::Kvm && !matches!(launch.root, Root::Qcow2 { .. }),
    };
    let why = "Firecracker wants KVM, and a root disk that is raw or a snapshot; QEMU takes no snapshot";
    if is_well { Ok(()) } else { Err(RequestError::BadLaunch { operation, why }) }
}

/// Holds ports to what a whole [`VmSpec`] would be held to.
fn check_publish(operation: &'static str, publish: &[Publish]) -> Result<(), RequestError> {
    model::check_publish(publish).map_err(|source| RequestError::BadSpec { operation, source })
}
