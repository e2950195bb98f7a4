//! What a machine is started with.

use std::path::Path;

use vm::boot_plan::{BootFacts, BootPlan};
use vmm::monitor::Monitor;

/// What a machine is started with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    /// What is known of the host and of what is installed.
    pub(crate) facts: &'a BootFacts,
    /// What follows from it.
    pub(crate) plan: &'a BootPlan,
    /// The monitor.
    pub(crate) monitor: &'a Monitor,
    /// The image that the root disk holds the differences from, where it does.
    pub(crate) backing: Option<&'a Path>,
}
