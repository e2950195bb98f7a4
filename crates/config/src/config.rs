//! What the settings come to on a host.

use std::path::{Path, PathBuf};

use model::{ImageName, KernelName, Size, VcpuCount};
use network::{IfName, SubnetChoice};

use crate::{AccelChoice, AutoStop, FileSync, KEYS, OrAuto, Settings, VmmChoice};

/// What the host has, for the defaults.
#[derive(Clone, Copy, Debug)]
pub struct HostSize {
    /// Its processors.
    pub cores: usize,
    /// Its memory.
    pub memory: Size,
}

/// A setting as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its key.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// Where that came from: [`DEFAULT`], or a file.
    pub source: String,
}

/// Where a value came from that no file sets.
pub const DEFAULT: &str = "default";

/// Every setting, resolved for a host.
#[derive(Clone, Debug)]
pub struct Config {
    set: Settings,
    source: PathBuf,
    host: HostSize,
    image: ImageName,
    bridge: IfName,
}

const DEFAULT_IMAGE: &str = "debian-bookworm";
const DEFAULT_BRIDGE: &str = "banger0";
const VCPUS_DEFAULT_MAX: u8 = 4;
/// Emulated processors beyond these cost more than they give (measured: a boot with 2 takes 17 s, with 1
/// 28 s, and each is a busy thread of the host).
const VCPUS_EMULATED: u8 = 2;
const MEMORY_DEFAULT_MIN: Size = Size::from_mib(512);
const MEMORY_DEFAULT_MAX: Size = Size::from_gib(8);
const DISK_DEFAULT: Size = Size::from_gib(8);

impl Config {
    /// Resolves what the file at `source` sets.
    ///
    /// # Errors
    ///
    /// The built-in names are wrong: a fault of this program.
    pub fn new(host: HostSize, set: Settings, source: &Path) -> Result<Self, model::ParseError> {
        let image = set.default_image.clone().map_or_else(|| DEFAULT_IMAGE.parse(), Ok)?;
        let bridge = set.bridge_name.clone().map_or_else(|| DEFAULT_BRIDGE.parse(), Ok)?;
        Ok(Self { set, source: source.to_owned(), host, image, bridge })
    }

    /// How much the log says: a filter such as `info`.
    #[must_use]
    pub fn log_level(&self) -> &'static str {
        self.set.log_level.unwrap_or("info")
    }

    /// What is to run the guests' instructions.
    #[must_use]
    pub fn accel(&self) -> AccelChoice {
        self.set.accel.unwrap_or(AccelChoice::Auto)
    }

    /// Which monitor is to run machines.
    #[must_use]
    pub fn vmm(&self) -> VmmChoice {
        self.set.vmm.unwrap_or(VmmChoice::Auto)
    }

    /// The Firecracker and the jailer to use, where they are named.
    #[must_use]
    pub fn firecracker_bins(&self) -> (Option<&PathBuf>, Option<&PathBuf>) {
        (chosen(self.set.firecracker_bin.as_ref()), chosen(self.set.jailer_bin.as_ref()))
    }

    /// Whether Firecracker may be used: it is, under its jailer, or not at all.
    #[must_use]
    pub fn has_jailer(&self) -> bool {
        self.set.jailer_enabled.unwrap_or(true)
    }

    /// The QEMU to use, where one is named.
    #[must_use]
    pub fn qemu_bin(&self) -> Option<&PathBuf> {
        chosen(self.set.qemu_bin.as_ref())
    }

    /// The image for machines that name none.
    #[must_use]
    pub fn default_image(&self) -> &ImageName {
        &self.image
    }

    /// The kernel for machines that name none, where one is set.
    #[must_use]
    pub fn default_kernel(&self) -> Option<&KernelName> {
        self.set.default_kernel.as_ref()
    }

    /// The virtual CPUs of a machine where nothing is said.
    #[must_use]
    pub fn vcpus(&self, is_emulated: bool) -> VcpuCount {
        let cores = u8::try_from(self.host.cores).unwrap_or(u8::MAX);
        let count = if is_emulated { VCPUS_EMULATED } else { (cores / 4).clamp(1, VCPUS_DEFAULT_MAX) };
        self.set.vcpu.unwrap_or_else(|| VcpuCount::try_from(count).unwrap_or(VcpuCount::ONE))
    }

    /// The memory of a machine where nothing is said.
    #[must_use]
    pub fn memory(&self) -> Size {
        let eighth = Size::from_mib(self.host.memory.mib() / 8);
        self.set.memory.unwrap_or_else(|| eighth.clamp(MEMORY_DEFAULT_MIN, MEMORY_DEFAULT_MAX))
    }

    /// The home disk of a machine where nothing is said.
    #[must_use]
    pub fn disk_size(&self) -> Size {
        self.set.disk_size.unwrap_or(DISK_DEFAULT)
    }

    /// The growth of a machine's root disk where nothing is said.
    #[must_use]
    pub fn system_overlay_size(&self) -> Size {
        self.set.system_overlay_size.unwrap_or(DISK_DEFAULT)
    }

    /// The files that every machine gets.
    #[must_use]
    pub fn file_sync(&self) -> &[FileSync] {
        self.set.file_sync.as_deref().unwrap_or_default()
    }

    /// When machines that nobody uses are stopped.
    #[must_use]
    pub fn auto_stop(&self) -> AutoStop {
        self.set.auto_stop_stale_after.unwrap_or(AutoStop::Off)
    }

    /// Shows every setting with where it came from, in the order of [`KEYS`].
    #[must_use]
    pub fn shown(&self, is_emulated: bool) -> Vec<Shown> {
        let resolved = self.resolved(is_emulated);
        let one = |key: &'static str| {
            let is_set = self.set.shown(key).is_some();
            let source = if is_set { self.source.display().to_string() } else { DEFAULT.to_owned() };
            // What nobody sets and nobody needs is found where it is used.
            let value = resolved.shown(key).unwrap_or_else(|| "auto".to_owned());
            Shown { key, value, source }
        };
        KEYS.iter().map(|key| one(key.name)).collect()
    }

    /// The settings with their defaults filled in.
    fn resolved(&self, is_emulated: bool) -> Settings {
        Settings {
            log_level: Some(self.log_level()),
            vmm: Some(self.vmm()),
            accel: Some(self.accel()),
            jailer_enabled: Some(self.has_jailer()),
            bridge_name: Some(self.bridge.clone()),
            subnet: Some(self.set.subnet.unwrap_or(SubnetChoice::Auto)),
            default_image: Some(self.image.clone()),
            vcpu: Some(self.vcpus(is_emulated)),
            memory: Some(self.memory()),
            disk_size: Some(self.disk_size()),
            system_overlay_size: Some(self.system_overlay_size()),
            file_sync: Some(self.file_sync().to_vec()),
            auto_stop_stale_after: Some(self.auto_stop()),
            ..self.set.clone()
        }
    }
}

fn chosen(value: Option<&OrAuto<PathBuf>>) -> Option<&PathBuf> {
    value.and_then(OrAuto::chosen)
}
