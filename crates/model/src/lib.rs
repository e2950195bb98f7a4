//! The nouns of banger, parsed once.
//!
//! Whoever holds one of these types need not check it again: a [`VmName`] is a name, a [`Size`] has a
//! unit, a [`Digest`] is 32 bytes. Nothing here reads a file, a clock or the environment.

mod amount;
mod check;
mod digest;
mod error;
mod id;
mod install;
mod name;
mod network;
mod spec;
mod state;
mod version;
mod workspace;

pub use amount::{Size, TimeLimit};
pub use check::{Check, Verdict};
pub use digest::Digest;
pub use error::{Class, ParseError};
pub use id::{BootId, OpId, VmId};
pub use install::{INSTALL_RECORD_BYTES_MAX, InstallRecord, InstallRecordError};
pub use name::{ImageName, KernelName, NAME_BYTES_MAX, VmName};
pub use network::{Port, Publish};
pub use spec::{MEMORY_MIN, SpecError, VCPUS_MAX, VcpuCount, VmSpec, check_publish};
pub use state::VmState;
pub use version::{RELEASE, Version};
pub use workspace::Copied;
