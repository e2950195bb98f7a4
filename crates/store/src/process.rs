//! How a process is known again.

use model::BootId;
use serde::{Deserialize, Serialize};

/// What tells one process from every other, also after its number was used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMark {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks after the host's boot (`/proc/<pid>/stat`, field 22).
    pub started_ticks: u64,
    /// The boot of the host that it belongs to.
    pub host_boot_id: BootId,
}
