//! What is recorded of a machine.

use std::path::PathBuf;

use jiff::Timestamp;
use model::{BootId, Copied, Digest, ImageName, KernelName, Publish, VmId, VmName, VmSpec, VmState};

use crate::ProcessMark;

/// What is recorded of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmRecord {
    /// Its identity.
    pub id: VmId,
    /// Its name; no two have the same.
    pub name: VmName,
    /// Where it stands.
    pub state: VmState,
    /// Why it is in `error`.
    pub error: Option<String>,
    /// What it is made of.
    pub spec: VmSpec,
    /// The image that its root disk began as.
    pub image: ImageName,
    /// That image's content; `None` until it is known.
    pub image_digest: Option<Digest>,
    /// The kernel that it boots.
    pub kernel: KernelName,
    /// That kernel's content; `None` until it is known.
    pub kernel_digest: Option<Digest>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its present or last run began.
    pub started_at: Option<Timestamp>,
    /// The guest's boot that runs.
    pub boot_id: Option<BootId>,
    /// The monitor: `qemu`.
    pub monitor: String,
    /// The accelerator of the present or last run.
    pub accel: Option<String>,
    /// How its root disk was made.
    pub disk_method: Option<String>,
    /// The ports of the host that lead into it at the moment.
    pub published: Vec<Publish>,
    /// Whether a failure before it first ran deletes it.
    pub delete_on_failure: bool,
    /// The monitor's process.
    pub monitor_process: Option<ProcessMark>,
    /// The link's process.
    pub link_process: Option<ProcessMark>,
    /// The repository that was put into it.
    pub workspace: Option<WorkspaceRecord>,
}

/// The repository that was put into a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRecord {
    /// Where it came from on the host.
    pub host_path: PathBuf,
    /// Where it lies in the guest.
    pub guest_path: String,
    /// The commit that was checked out.
    pub commit: String,
    /// How it was copied.
    pub copied: Copied,
}
