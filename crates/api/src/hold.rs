//! What an updater asks: that nothing changes for a while, and who runs.

use model::{BootId, VmId, VmName, VmState};
use serde::{Deserialize, Serialize};

use crate::OperationSummary;

/// The name under which an updater holds changes. A daemon on trial starts with a hold of this name.
pub const HOLDER_UPDATE: &str = "update";

/// The longest name of a holder, in bytes.
pub const HOLDER_BYTES_MAX: usize = 64;

/// The longest hold without a renewal, in seconds.
pub const HOLD_SECS_MAX: u64 = 60;

/// A hold to begin or to renew: changes are told to ask again until it lapses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who holds: 1 to [`HOLDER_BYTES_MAX`] printable characters of ASCII.
    pub holder: String,
    /// How long from now, in seconds: 1 to [`HOLD_SECS_MAX`].
    pub seconds: u64,
}

/// A hold that was begun or renewed, and what still goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Who holds.
    pub holder: String,
    /// How long it lasts without a renewal, in milliseconds.
    pub left_millis: u64,
    /// Operations that were begun before and go on.
    pub in_flight: Vec<OperationSummary>,
    /// Changes that were let in before and are not answered yet. They are short.
    pub changes: usize,
}

impl Held {
    /// Whether nothing that was begun before goes on. Nothing begins while the hold lasts, so that it stays so.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.in_flight.is_empty() && self.changes == 0
    }
}

/// Every machine that runs, as the host and the guests say at this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// The boot of the host.
    pub host_boot_id: BootId,
    /// The machines whose monitor lives, and those that are recorded as running, in the order of the list.
    pub machines: Vec<Counted>,
}

/// A machine of a [`Census`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Its identity.
    pub id: VmId,
    /// Its name.
    pub name: VmName,
    /// Where it stands in the records.
    pub state: VmState,
    /// Its monitor's process; `None` where it is gone.
    pub monitor: Option<MonitorProcess>,
    /// The boot that its agent tells of; `None` where it does not answer.
    pub boot_id: Option<BootId>,
    /// Why its agent did not answer.
    pub why: Option<String>,
}

/// What tells a monitor's process from every other of the same boot of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorProcess {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks after the host's boot (`/proc/<pid>/stat`, field 22).
    pub started_ticks: u64,
}
