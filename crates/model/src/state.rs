//! Where a machine stands in its life, as people see it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a machine stands in its life. The arrows between these are the `vm` crate's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VmState {
    /// Its disks exist; it has never run.
    Created,
    /// Its monitor was asked for; its agent has not answered yet.
    Starting,
    /// Its agent answered.
    Running,
    /// It was asked to end.
    Stopping,
    /// It ended as asked.
    Stopped,
    /// It ended unasked, or could not be started.
    Error,
}

impl VmState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 6] =
        [Self::Created, Self::Starting, Self::Running, Self::Stopping, Self::Stopped, Self::Error];

    /// Returns the word for it, as `vm list` shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for VmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
