//! The daemon, its settings, and the health of the host.

use jiff::Timestamp;
use model::{Check, ImageName, KernelName, VmSpec};
use serde::{Deserialize, Serialize};

/// What a daemon is and how it works on this host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// The daemon's release.
    pub version: String,
    /// The commit that it was built from.
    pub commit: String,
    /// `embedded` or `system`.
    pub mode: String,
    /// Its process.
    pub pid: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// When its machines were taken up; `None` while it settles.
    pub ready_at: Option<Timestamp>,
    /// The monitor and its version.
    pub monitor: String,
    /// `kvm`, `emulated`, or `unknown` before the first probe.
    pub accel: String,
    /// Why it is that accelerator.
    pub accel_why: String,
    /// How root disks are made: `reflink`, `qcow2`, `copy`.
    pub disk_method: String,
    /// How machines reach the network: `user`, or a bridge with its addresses, in words.
    pub network: String,
    /// The image for machines that name none.
    pub default_image: String,
    /// The kernel for machines that name none; `None` before the first was pulled.
    pub default_kernel: Option<String>,
    /// What a machine is made of where nothing is said.
    pub vm_defaults: VmSpec,
    /// Where the daemon keeps its things: state, cache, runtime, socket.
    pub paths: Vec<Setting>,
    /// Every setting with where it came from.
    pub settings: Vec<Setting>,
    /// Machines that run.
    pub vms_running: usize,
    /// Machines in all.
    pub vms: usize,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its key, as in the configuration: `vm_defaults.memory`.
    pub key: String,
    /// Its value, as text.
    pub value: String,
    /// Where it came from: `default`, or the file.
    pub source: String,
}

/// What `doctor` is to look for in the place of the daemon's own defaults: what else the asker takes where it
/// names none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorDefaults {
    /// The image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageName>,
    /// The kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<KernelName>,
}

/// What `doctor` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorReport {
    /// Every check, in a fixed order.
    pub checks: Vec<Check>,
    /// What was put right, a line each, where that was asked for.
    #[serde(default)]
    pub fixed: Vec<String>,
    /// What could not be put right, and why, a line each, where that was asked for.
    #[serde(default)]
    pub unfixed: Vec<String>,
}
