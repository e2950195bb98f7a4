//! What a file sets.

use std::{fmt, path::PathBuf, time::Duration};

use model::{ImageName, KernelName, Size, TimeLimit, VcpuCount};
use network::{IfName, SubnetChoice};

use crate::FileSync;

/// The shortest time after which a machine may be stopped: a guest has to be looked at a few times until then.
pub(crate) const STALE_AFTER_MIN: Duration = Duration::from_secs(10);

/// Which monitor runs machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmmChoice {
    /// The best that works here.
    Auto,
    /// QEMU.
    Qemu,
    /// Firecracker, or nothing.
    Firecracker,
}

/// What runs the guests' instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccelChoice {
    /// KVM where it is proven to work, emulation elsewhere.
    Auto,
    /// KVM, or nothing.
    Kvm,
    /// Emulation.
    Emulated,
}

/// Whether machines that nobody uses are stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoStop {
    /// They run on.
    Off,
    /// They are stopped after this time: 10 seconds at least.
    After(TimeLimit),
}

/// A value that may be left to banger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrAuto<T> {
    /// Banger finds it.
    Auto,
    /// This one.
    Is(T),
}

impl<T> OrAuto<T> {
    /// Returns the value, where there is one.
    #[must_use]
    pub fn chosen(&self) -> Option<&T> {
        match self {
            Self::Auto => None,
            Self::Is(value) => Some(value),
        }
    }
}

/// What a file sets; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How much the daemon's log says.
    pub log_level: Option<&'static str>,
    /// Which monitor runs machines.
    pub vmm: Option<VmmChoice>,
    /// What runs the guests' instructions.
    pub accel: Option<AccelChoice>,
    /// Firecracker.
    pub firecracker_bin: Option<OrAuto<PathBuf>>,
    /// Its jailer.
    pub jailer_bin: Option<OrAuto<PathBuf>>,
    /// Whether Firecracker may be used: under its jailer, or not at all.
    pub jailer_enabled: Option<bool>,
    /// QEMU.
    pub qemu_bin: Option<OrAuto<PathBuf>>,
    /// The bridge of the machines.
    pub bridge_name: Option<IfName>,
    /// The machines' network.
    pub subnet: Option<SubnetChoice>,
    /// The first of the machines' user numbers.
    pub uid_base: Option<u32>,
    /// The image for machines that name none.
    pub default_image: Option<ImageName>,
    /// The kernel for machines that name none.
    pub default_kernel: Option<KernelName>,
    /// The virtual CPUs of a machine.
    pub vcpu: Option<VcpuCount>,
    /// The memory of a machine.
    pub memory: Option<Size>,
    /// The home disk of a machine.
    pub disk_size: Option<Size>,
    /// What a machine's root disk may grow by.
    pub system_overlay_size: Option<Size>,
    /// The files that every machine gets.
    pub file_sync: Option<Vec<FileSync>>,
    /// When machines that nobody uses are stopped.
    pub auto_stop_stale_after: Option<AutoStop>,
}

impl Settings {
    /// Shows the value of the key of this name, where it is set.
    #[must_use]
    pub fn shown(&self, key: &str) -> Option<String> {
        fn of<T: fmt::Display>(value: Option<&T>) -> Option<String> {
            value.map(ToString::to_string)
        }
        let program = |value: &Option<OrAuto<PathBuf>>| {
            let chosen = value.as_ref()?.chosen();
            Some(chosen.map_or_else(|| "auto".to_owned(), |path| path.display().to_string()))
        };
        match key {
            "log_level" => of(self.log_level.as_ref()),
            "vmm" => of(self.vmm.map(VmmChoice::as_str).as_ref()),
            "accel" => of(self.accel.map(AccelChoice::as_str).as_ref()),
            "firecracker_bin" => program(&self.firecracker_bin),
            "jailer_bin" => program(&self.jailer_bin),
            "jailer_enabled" => of(self.jailer_enabled.as_ref()),
            "qemu_bin" => program(&self.qemu_bin),
            "bridge_name" => of(self.bridge_name.as_ref()),
            "subnet" => self.subnet.map(String::from),
            "uid_base" => of(self.uid_base.as_ref()),
            "default_image" => of(self.default_image.as_ref()),
            "default_kernel" => of(self.default_kernel.as_ref()),
            "vm_defaults.vcpu" => of(self.vcpu.as_ref()),
            "vm_defaults.memory" => of(self.memory.as_ref()),
            "vm_defaults.disk_size" => of(self.disk_size.as_ref()),
            "vm_defaults.system_overlay_size" => of(self.system_overlay_size.as_ref()),
            "file_sync" => self.file_sync.as_deref().map(shown_files),
            "auto_stop_stale_after" => of(self.auto_stop_stale_after.as_ref()),
            _ => None,
        }
    }
}

fn shown_files(files: &[FileSync]) -> String {
    let guests: Vec<&str> = files.iter().map(|file| file.guest.as_str()).collect();
    if guests.is_empty() { "none".to_owned() } else { guests.join(", ") }
}

impl fmt::Display for AutoStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.pad("off"),
            Self::After(limit) => limit.fmt(f),
        }
    }
}

impl VmmChoice {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Qemu, Self::Firecracker];

    /// The word for it in a file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Qemu => "qemu",
            Self::Firecracker => "firecracker",
        }
    }
}

impl AccelChoice {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Kvm, Self::Emulated];

    /// The word for it in a file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Kvm => "kvm",
            Self::Emulated => "emulated",
        }
    }
}
