//! The archive as others than this crate may use it.

use super::{Sources, host_options, host_sources};
use crate::{Fault, Job};

/// The distribution's archive as this host reaches it: its mirrors, its keys, its proxies.
#[derive(Clone, Debug)]
pub struct HostArchive {
    sources: Sources,
    options: Vec<String>,
}

impl HostArchive {
    /// Finds the archives for `suite` (`bookworm`, `bookworm-backports`) with its updates and security fixes.
    ///
    /// # Errors
    ///
    /// [`Fault::HostLacks`] where the host has no key of the distribution, or no apt.
    pub fn find(suite: &str, job: &Job) -> Result<Self, Fault> {
        Ok(Self { sources: host_sources(suite)?, options: host_options(job)? })
    }

    /// Renders them as a `.sources` file (sources.list(5)).
    #[must_use]
    pub fn sources(&self) -> String {
        self.sources.to_deb822()
    }

    /// How they are reached, as lines of an apt.conf(5).
    #[must_use]
    pub fn options(&self) -> &[String] {
        &self.options
    }
}
