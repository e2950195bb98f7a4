//! Machines.

use std::path::PathBuf;

use jiff::Timestamp;
use model::{BootId, Copied, ImageName, KernelName, Publish, Size, VcpuCount, VmId, VmName, VmSpec, VmState};
use serde::{Deserialize, Serialize};

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vm {
    /// Its identity, for its whole life.
    pub id: VmId,
    /// Its name.
    pub name: VmName,
    /// Where it stands.
    pub state: VmState,
    /// Why it is in `error`.
    pub error: Option<String>,
    /// The image that its root disk began as.
    pub image: ImageName,
    /// The kernel that it boots.
    pub kernel: KernelName,
    /// What it is made of.
    pub spec: VmSpec,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its present or last run began.
    pub started_at: Option<Timestamp>,
    /// The boot that runs.
    pub boot_id: Option<BootId>,
    /// The monitor's process, while there is one.
    pub monitor_pid: Option<u32>,
    /// The monitor: `qemu`.
    pub monitor: String,
    /// The accelerator of the present or last run: `kvm` or `emulated`.
    pub accel: Option<String>,
    /// The address by which the host reaches it, where there is one.
    pub address: Option<String>,
    /// The ports of the host that lead into it at the moment, each with its host port filled in.
    pub published: Vec<Publish>,
    /// The machine's directory, which holds its disks, `known_hosts` and `console.log`.
    pub dir: PathBuf,
    /// The directory that holds `link.sock` (contract ③).
    pub link_dir: PathBuf,
    /// The private key that logs in.
    pub ssh_key: PathBuf,
    /// The repository that was put into it.
    pub workspace: Option<Workspace>,
}

/// A repository that was put into a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Where it came from on the host.
    pub host_path: PathBuf,
    /// Where it lies in the guest.
    pub guest_path: String,
    /// The commit that was checked out.
    pub commit: String,
    /// How it was copied.
    #[serde(default)]
    pub copied: Copied,
}

impl Workspace {
    /// Whether a command that starts in `dir`, or nowhere in particular, is a command in the repository.
    #[must_use]
    pub fn holds(&self, dir: Option<&str>) -> bool {
        let below = |dir: &str| Some(dir.strip_prefix(&*self.guest_path)?.split('/').next()?.is_empty());
        dir.is_none_or(|dir| below(dir).unwrap_or(false))
    }
}

/// A machine to make. What is `None` is the daemon's default, which `info` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmCreate {
    /// Its name; one is made up where there is none.
    pub name: Option<VmName>,
    /// The image, by name.
    pub image: Option<ImageName>,
    /// The kernel, by name.
    pub kernel: Option<KernelName>,
    /// Virtual CPUs.
    pub vcpus: Option<VcpuCount>,
    /// Memory.
    pub memory: Option<Size>,
    /// Home disk.
    pub disk_size: Option<Size>,
    /// Growth of the root disk.
    pub system_overlay_size: Option<Size>,
    /// Whether it reaches the networks beyond the host.
    pub nat: Option<bool>,
    /// Ports of the host that lead into it.
    #[serde(default)]
    pub publish: Vec<Publish>,
    /// Whether to start it as well; the operation then ends when its agent answers.
    pub start: bool,
    /// Whether a failure or a cancellation after its creation deletes it. Where not, it is kept.
    pub delete_on_failure: bool,
}

/// What to change of a stopped machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmChange {
    /// Virtual CPUs.
    pub vcpus: Option<VcpuCount>,
    /// Memory.
    pub memory: Option<Size>,
    /// Home disk; it can only grow.
    pub disk_size: Option<Size>,
}

/// How to end a machine without asking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmKill {
    /// The signal for its monitor, by number; 9 unless told otherwise.
    pub signal: i32,
}

/// What a machine uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmStats {
    /// Which machine.
    pub id: VmId,
    /// Its name.
    pub name: VmName,
    /// Where it stands.
    pub state: VmState,
    /// Processor time of the monitor, in milliseconds.
    pub cpu_millis: Option<u64>,
    /// Memory that the monitor holds, in bytes.
    pub memory_resident_bytes: Option<u64>,
    /// Room that its disks take on the host, in bytes.
    pub disk_used_bytes: u64,
    /// What the guest says of itself, where it answers.
    pub guest: Option<serde_json::Value>,
}

/// Whether a machine answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmHealth {
    /// Which machine.
    pub id: VmId,
    /// Its name.
    pub name: VmName,
    /// Whether its agent answered.
    pub healthy: bool,
    /// How long the answer took, in microseconds.
    pub round_trip_micros: Option<u64>,
    /// The boot that answered.
    pub boot_id: Option<BootId>,
    /// Why it did not answer.
    pub why: Option<String>,
}
