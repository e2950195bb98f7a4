//! What a machine is launched with, as the helper leaves it for the launcher: in the machine's jail, root's.

use std::path::{Path, PathBuf};

use model::Publish;
use privileged::{Interface, Launch, Mac};
use serde::{Deserialize, Serialize};
use vmm::{
    firecracker::{Firecracker, FirecrackerVersion},
    qemu::{Qemu, QemuVersion},
};

use super::LaunchError;

/// The name of its file in a machine's jail.
pub const RECORD: &str = "launch.json";

/// The lowest number that a machine's user has: lower ones are the system's and people's.
const UID_MIN: u32 = 65_536;

/// What a machine is launched with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What was asked for.
    pub launch: Launch,
    /// What its link publishes now.
    pub publish: Vec<Publish>,
    /// The machine's user, and its group's number.
    pub uid: u32,
    /// Whose its link's socket is.
    pub owner_uid: u32,
    /// The address of its network card.
    pub mac: Mac,
    /// The host's end of that card; `None` where the monitor makes a network of its own.
    pub tap: Option<Interface>,
    /// The monitor.
    pub monitor: Monitor,
}

/// The monitor, as it was found when the machine was launched. Versions are major, minor, patch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Monitor {
    /// QEMU.
    Qemu {
        /// Its program.
        program: PathBuf,
        /// Its version.
        version: [u32; 3],
        /// Whether it can give up calls that it does not need.
        has_sandbox: bool,
    },
    /// Firecracker.
    Firecracker {
        /// Its program.
        program: PathBuf,
        /// Its jailer.
        jailer: PathBuf,
        /// Their version.
        version: [u32; 3],
    },
}

impl From<vmm::monitor::Monitor> for Monitor {
    fn from(monitor: vmm::monitor::Monitor) -> Self {
        match monitor {
            vmm::monitor::Monitor::Qemu(qemu) => {
                let QemuVersion { major, minor, patch } = qemu.version;
                let version = [major, minor, patch];
                Self::Qemu { program: qemu.program, version, has_sandbox: qemu.has_sandbox }
            }
            vmm::monitor::Monitor::Firecracker(Firecracker { program, jailer, version }) => {
                let FirecrackerVersion { major, minor, patch } = version;
                Self::Firecracker { program, jailer, version: [major, minor, patch] }
            }
        }
    }
}

impl From<Monitor> for vmm::monitor::Monitor {
    fn from(monitor: Monitor) -> Self {
        match monitor {
            Monitor::Qemu { program, version: [major, minor, patch], has_sandbox } => {
                Self::Qemu(Qemu { program, version: QemuVersion { major, minor, patch }, has_sandbox })
            }
            Monitor::Firecracker { program, jailer, version: [major, minor, patch] } => {
                let version = FirecrackerVersion { major, minor, patch };
                Self::Firecracker(Firecracker { program, jailer, version })
            }
        }
    }
}

impl Record {
    /// Reads the record in a jail.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Unreadable`], [`LaunchError::NotARecord`], [`LaunchError::NoMachines`].
    pub fn read(jail: &Path) -> Result<Self, LaunchError> {
        let path = jail.join(RECORD);
        let bytes = std::fs::read(&path);
        let bytes = bytes.map_err(|source| LaunchError::Unreadable { path: path.clone(), source })?;
        let record: Self =
            serde_json::from_slice(&bytes).map_err(|source| LaunchError::NotARecord { path, source })?;
        // Whatever went wrong before: nothing is ever launched as root, or as a person.
        if record.uid < UID_MIN || record.uid == u32::MAX {
            return Err(LaunchError::NoMachines { uid: record.uid });
        }
        Ok(record)
    }
}
