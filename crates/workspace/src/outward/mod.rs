//! A guest's work, on this host.

mod patch;

pub use patch::Patch;
