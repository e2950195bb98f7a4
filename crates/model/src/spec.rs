//! What a machine is made of.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ParseError, Publish, Size};

/// The most virtual CPUs a machine may have: what Firecracker allows (its `MAX_SUPPORTED_VCPUS`).
pub const VCPUS_MAX: u8 = 32;

/// The least memory with which the distribution kernel and the agent come up.
pub const MEMORY_MIN: Size = Size::from_mib(128);

const MEMORY_MAX: Size = Size::from_gib(1024);
const DISK_MIN: Size = Size::from_mib(64);
const DISK_MAX: Size = Size::from_gib(16 * 1024);
const PUBLISHED_MAX: usize = 64;

/// How many virtual CPUs a machine has: 1 to 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct VcpuCount(u8);

impl VcpuCount {
    /// A single one.
    pub const ONE: Self = Self(1);

    /// Returns the number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for VcpuCount {
    type Error = ParseError;

    fn try_from(count: u8) -> Result<Self, ParseError> {
        if (1..=VCPUS_MAX).contains(&count) {
            Ok(Self(count))
        } else {
            Err(ParseError::new(&count.to_string(), "a number of vcpus", "it must be 1 to 32"))
        }
    }
}

impl From<VcpuCount> for u8 {
    fn from(count: VcpuCount) -> Self {
        count.0
    }
}

impl FromStr for VcpuCount {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let count = text.parse::<u8>().ok().and_then(|count| Self::try_from(count).ok());
        count.ok_or_else(|| ParseError::new(text, "a number of vcpus", "it must be 1 to 32"))
    }
}

impl fmt::Display for VcpuCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a machine is made of. Holds what each part allows by itself; [`VmSpec::check`] says whether
/// they go together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmSpec {
    /// Virtual CPUs.
    pub vcpus: VcpuCount,
    /// Memory.
    pub memory: Size,
    /// The home disk, an ext4 at `/root`.
    pub disk_size: Size,
    /// What the root disk may grow by, over the image's own size.
    pub system_overlay_size: Size,
    /// Whether the machine reaches the networks beyond the host.
    pub nat: bool,
    /// Ports of the host's loopback that lead into the machine.
    pub publish: Vec<Publish>,
}

/// Why a [`VmSpec`] makes no machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// An amount lies outside its limits.
    #[error("{what} of {size} is not between {min} and {max}")]
    OutOfRange {
        /// Which amount: `memory`, `disk size`, `system overlay size`.
        what: &'static str,
        /// What was asked for.
        size: Size,
        /// The least allowed.
        min: Size,
        /// The most allowed.
        max: Size,
    },
    /// Two machines' ports, or two of one machine, would be one port of the host.
    #[error("port {port} of the host is published twice")]
    PublishedTwice {
        /// The port of the host.
        port: crate::Port,
    },
    /// More ports are published than a machine may have.
    #[error("{count} ports are published; a machine may have {max}")]
    TooManyPublished {
        /// How many were asked for.
        count: usize,
        /// How many are allowed.
        max: usize,
    },
}

impl VmSpec {
    /// Checks that the parts go together.
    ///
    /// # Errors
    ///
    /// The first [`SpecError`] found; nothing was changed.
    pub fn check(&self) -> Result<(), SpecError> {
        let ranges = [
            ("memory", self.memory, MEMORY_MIN, MEMORY_MAX),
            ("disk size", self.disk_size, DISK_MIN, DISK_MAX),
            ("system overlay size", self.system_overlay_size, DISK_MIN, DISK_MAX),
        ];
        for (what, size, min, max) in ranges {
            if size < min || size > max {
                return Err(SpecError::OutOfRange { what, size, min, max });
            }
        }
        check_publish(&self.publish)
    }
}

/// Checks that published ports go together: at most 64, and no port of the host twice.
///
/// # Errors
///
/// [`SpecError::TooManyPublished`] or [`SpecError::PublishedTwice`].
pub fn check_publish(publish: &[Publish]) -> Result<(), SpecError> {
    if publish.len() > PUBLISHED_MAX {
        return Err(SpecError::TooManyPublished { count: publish.len(), max: PUBLISHED_MAX });
    }
    let mut seen = std::collections::BTreeSet::new();
    for port in publish.iter().filter_map(|publish| publish.host) {
        if !seen.insert(port) {
            return Err(SpecError::PublishedTwice { port });
        }
    }
    Ok(())
}

impl fmt::Display for VmSpec {
    /// Writes the line that `vm run` shows: `2 vcpu | 1024 MiB | 8G disk`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} vcpu | {} MiB | {} disk", self.vcpus, self.memory.mib(), self.disk_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> VmSpec {
        VmSpec {
            vcpus: VcpuCount(2),
            memory: Size::from_mib(1024),
            disk_size: Size::from_gib(8),
            system_overlay_size: Size::from_gib(8),
            nat: true,
            publish: vec![],
        }
    }

    #[test]
    fn the_line_that_vm_run_shows() {
        assert_eq!(spec().to_string(), "2 vcpu | 1024 MiB | 8G disk");
    }

    #[test]
    fn vcpus_are_1_to_32() {
        for (text, ok) in
            [("1", true), ("32", true), ("0", false), ("33", false), ("256", false), ("x", false)]
        {
            assert_eq!(text.parse::<VcpuCount>().is_ok(), ok, "{text:?}");
        }
    }

    #[test]
    fn amounts_have_limits_and_host_ports_are_used_once() {
        assert_eq!(spec().check(), Ok(()));
        let small = VmSpec { memory: Size::from_mib(1), ..spec() };
        assert_eq!(
            small.check().map_err(|error| error.to_string()),
            Err("memory of 1M is not between 128M and 1T".to_owned())
        );
        let publish = ["8080:80", "8080:81"].map(|text| text.parse().unwrap()).to_vec();
        let twice = VmSpec { publish, ..spec() };
        assert!(matches!(twice.check(), Err(SpecError::PublishedTwice { .. })));
    }
}
