//! What takes room on the disk.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What takes room on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Everything that takes room, in a fixed order of kinds.
    pub items: Vec<UsageItem>,
    /// The room of all together, in bytes: what several share counts once.
    pub total_bytes: u64,
    /// The directory that most of it lies in.
    pub dir: PathBuf,
    /// What is free there, in bytes.
    pub free_bytes: u64,
    /// What has to be free before a machine is created or an image built, in bytes.
    pub reserve_bytes: u64,
}

/// What kind of thing takes room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageKind {
    /// A machine: its disks and logs.
    Machine,
    /// An image.
    Image,
    /// A kernel with its modules and its initramfs.
    Kernel,
    /// What can be made or fetched again.
    Cache,
    /// Releases that are installed, and what updates keep.
    Update,
    /// Records, logs, and what belongs to all machines.
    Other,
}

/// Something that takes room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageItem {
    /// What kind it is.
    pub kind: UsageKind,
    /// Its name, or all its names.
    pub name: String,
    /// The room that the disk gave for it, in bytes: holes take none.
    pub used_bytes: u64,
    /// What of that others have as well, in bytes: taking it away does not give that back.
    pub shared_bytes: u64,
    /// Why it is there, in a few words: `running`, `used by box`, `used by nobody`.
    pub why: String,
    /// The command that takes it away, where something may.
    pub remove: Option<String>,
}
