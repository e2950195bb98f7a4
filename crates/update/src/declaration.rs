//! What an update is about to do, and how the host was before it.

use std::collections::BTreeSet;

use model::Version;
use serde::{Deserialize, Serialize};

use crate::census::Census;

/// One of the two releases of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one that was installed.
    Old,
    /// The one that is to be.
    New,
}

/// What an update is about to do, and all that is needed to undo it. Written before anything is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// The release that is installed.
    pub from: Version,
    /// The release that is to be.
    pub to: Version,
    /// Which boot of the host it was declared in.
    pub boot: String,
    /// The machines that ran.
    pub census: Census,
    /// The checks of the new release's `doctor` that failed before the switch: they say nothing against it.
    pub failed_checks: BTreeSet<String>,
    /// How long the new release is watched once it runs, in seconds.
    pub trial_seconds: u32,
    /// Whether there is a copy of the database, as it was before.
    pub has_database_copy: bool,
    /// The operations that were cancelled for it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<String>,
}

impl Declaration {
    /// The release of a side.
    #[must_use]
    pub fn version(&self, side: Side) -> &Version {
        match side {
            Side::Old => &self.from,
            Side::New => &self.to,
        }
    }
}
