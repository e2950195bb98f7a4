//! A machine's two processes: its monitor and its link.

use std::{path::Path, sync::Arc};

use host::{process::Process, spawn::read_identity};
use model::BootId;
use vm::{
    layout::{LINK_ID, MONITOR_ID},
    settle::ProcessFound,
};

use crate::machine::MachineError;

/// A machine's two processes. They run on when this is dropped.
#[derive(Debug)]
pub struct Launched {
    /// The monitor; its end is the machine's.
    pub monitor: Arc<Process>,
    /// The link.
    pub link: Arc<Process>,
}

/// One of a machine's two processes, as it was found.
#[derive(Debug)]
pub enum Part {
    /// None was ever started here.
    NotRecorded,
    /// It has ended.
    Gone,
    /// It runs.
    Lives(Arc<Process>),
}

impl Part {
    /// What `vm::settle` is told.
    #[must_use]
    pub fn found(&self) -> ProcessFound {
        match self {
            Self::NotRecorded => ProcessFound::NotRecorded,
            Self::Gone => ProcessFound::Gone,
            Self::Lives(_) => ProcessFound::Lives,
        }
    }

    /// The process, if it runs.
    #[must_use]
    pub fn process(&self) -> Option<&Arc<Process>> {
        match self {
            Self::Lives(process) => Some(process),
            Self::NotRecorded | Self::Gone => None,
        }
    }

    /// Takes the process out, if it runs.
    #[must_use]
    pub fn into_process(self) -> Option<Arc<Process>> {
        match self {
            Self::Lives(process) => Some(process),
            Self::NotRecorded | Self::Gone => None,
        }
    }
}

/// A machine's two processes, as they were found.
#[derive(Debug)]
pub struct Found {
    /// The monitor.
    pub monitor: Part,
    /// The link.
    pub link: Part,
}

/// Finds a machine's processes again: those that were started in its directory, in this boot of the host.
/// Where one is just being started, waits until it is the program.
///
/// # Errors
///
/// [`MachineError::NotFound`] and [`MachineError::Process`]: it cannot be told whether they run. Assume
/// neither.
pub fn find(dir: &Path, host_boot: &BootId) -> Result<Found, MachineError> {
    Ok(Found {
        monitor: find_part("monitor", dir, MONITOR_ID, host_boot)?,
        link: find_part("link", dir, LINK_ID, host_boot)?,
    })
}

fn find_part(
    part: &'static str,
    dir: &Path,
    identity: &str,
    host_boot: &BootId,
) -> Result<Part, MachineError> {
    let identity = read_identity(dir, identity).map_err(|source| MachineError::NotFound { part, source })?;
    let Some(identity) = identity else {
        return Ok(Part::NotRecorded);
    };
    let found = identity.find(host_boot).map_err(|source| MachineError::Process { part, source })?;
    Ok(found.map_or(Part::Gone, |process| Part::Lives(Arc::new(process))))
}
