//! A monitor that can be used, of either kind.

use vm::boot_plan;

use crate::{firecracker::Firecracker, qemu::Qemu};

/// A monitor that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// QEMU.
    Qemu(Qemu),
    /// Firecracker, under its jailer.
    Firecracker(Firecracker),
}

impl Monitor {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> boot_plan::Monitor {
        match self {
            Self::Qemu(_) => boot_plan::Monitor::Qemu,
            Self::Firecracker(_) => boot_plan::Monitor::Firecracker,
        }
    }

    /// Names it, with its version: `QEMU 7.2.22`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Qemu(qemu) => qemu.name(),
            Self::Firecracker(firecracker) => firecracker.name(),
        }
    }
}
