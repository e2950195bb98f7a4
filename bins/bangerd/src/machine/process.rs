//! The processes of a machine: recorded, found again.

use api::Failure;
use host::{
    process::{Process, ProcessId},
    spawn::Identity,
};
use model::BootId;
use store::ProcessMark;

use crate::failure::process_failed;

/// What is recorded of a process.
pub(super) fn mark(process: &Process, host_boot: &BootId) -> ProcessMark {
    let ProcessId { pid, started_ticks } = process.id();
    ProcessMark { pid, started_ticks, host_boot_id: host_boot.clone() }
}

/// Finds a recorded process again; `None` where none was recorded, or where it is gone.
///
/// # Errors
///
/// The system does not tell; assume neither.
pub(super) fn find(mark: Option<&ProcessMark>, host_boot: &BootId) -> Result<Option<Process>, Failure> {
    let Some(mark) = mark else {
        return Ok(None);
    };
    let process = ProcessId { pid: mark.pid, started_ticks: mark.started_ticks };
    let identity = Identity { process, host_boot: mark.host_boot_id.clone() };
    identity.find(host_boot).map_err(|error| process_failed(&error))
}
