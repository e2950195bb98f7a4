//! The host's own package configuration, used without root and without touching the host's state.

mod archive;
mod options;
mod private;
mod sources;

pub use archive::HostArchive;
pub(crate) use options::host_options;
pub(crate) use private::PrivateApt;
pub(crate) use sources::{Sources, host_sources};
