//! What a machine is launched with.

use model::{Publish, Size, VcpuCount, VmId, VmSpec};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::StatePath;

/// How the guest's processors are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accel {
    /// By the host's own, through `/dev/kvm`.
    Kvm,
    /// By translation, in the monitor.
    Emulated,
}

/// Which monitor runs a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// QEMU.
    Qemu,
    /// Firecracker, under its jailer. It wants KVM, and a root disk that is raw.
    Firecracker,
}

/// What a machine's root disk is. Its file lies in the machine's directory, under the name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case", deny_unknown_fields)]
pub enum Root {
    /// The disk's bytes, in `root.raw`.
    Raw {},
    /// The differences from an image, in `root.qcow2`.
    Qcow2 {
        /// The image's file, which holds a disk's bytes. What `root.qcow2` itself names is never looked at.
        backing: StatePath,
    },
    /// The differences from an image, in `root.cow`: the device mapper lays them over it.
    Snapshot {
        /// The image's file, which holds a disk's bytes.
        backing: StatePath,
    },
}

/// Launches a machine that has a lease and does not run. Its disks lie where the daemon made them, in
/// `vms/<id>/` beneath the state directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launch {
    /// The machine.
    pub id: VmId,
    /// What it is made of.
    #[serde(with = "StrictSpec")]
    pub spec: VmSpec,
    /// Which monitor runs it. Which program that is, is root's to say.
    pub monitor: Monitor,
    /// How its processors are run.
    pub accel: Accel,
    /// The rate of the host's time-stamp counter, in kHz, where it was measured.
    pub tsc_khz: Option<u32>,
    /// The kernel, as the monitor takes it.
    pub kernel: StatePath,
    /// The initramfs with the agent.
    pub initramfs: StatePath,
    /// The shared read-only disk with the kernel's other modules, where it has one.
    pub modules_disk: Option<StatePath>,
    /// The root disk.
    pub root: Root,
}

/// A [`VmSpec`] that has no other fields than these.
#[derive(Serialize, Deserialize)]
#[serde(remote = "VmSpec", deny_unknown_fields)]
struct StrictSpec {
    vcpus: VcpuCount,
    memory: Size,
    disk_size: Size,
    system_overlay_size: Size,
    nat: bool,
    #[serde(with = "strict_publish")]
    publish: Vec<Publish>,
}

/// A list of [`Publish`] that have no other fields than these.
pub(crate) mod strict_publish {
    use model::Port;

    use super::{Deserialize, Deserializer, Publish, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        host: Option<Port>,
        guest: Port,
    }

    pub(crate) fn serialize<S: Serializer>(ports: &[Publish], serializer: S) -> Result<S::Ok, S::Error> {
        ports.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Publish>, D::Error> {
        let ports = Vec::<Strict>::deserialize(deserializer)?;
        Ok(ports.into_iter().map(|Strict { host, guest }| Publish { host, guest }).collect())
    }
}
