//! A repository that was copied into a machine.

use serde::{Deserialize, Serialize};

/// How a repository was copied into a machine, so that it can be copied again in the same way, and what it looked like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Copied {
    /// Whether files went along that git does not track.
    pub include_untracked: bool,
    /// Whether the whole history went along.
    pub full_copy: bool,
    /// Whether the guest may only read.
    pub readonly: bool,
    /// The branch that was made for the guest.
    pub branch: Option<String>,
    /// Where that branch began; its files were copied, and not the work tree's.
    pub from: Option<String>,
    /// The file by which the repository says which tools it wants.
    pub tool_file: Option<String>,
    /// What the work tree looked like.
    pub mark: Option<String>,
}
