//! The settings as the daemon uses them.

use std::path::PathBuf;

use api::Setting;
use model::{ImageName, KernelName, Size, VcpuCount};

/// Which monitor runs machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VmmChoice {
    /// The best that works here.
    Auto,
    /// QEMU.
    Qemu,
    /// Firecracker, or nothing.
    Firecracker,
}

/// What runs the guests' instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccelChoice {
    /// KVM where it is proven to work, emulation elsewhere.
    Auto,
    /// KVM, or nothing.
    Kvm,
    /// Emulation.
    Emulated,
}

/// A file of the host that every machine gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileSync {
    /// Where it lies on the host.
    pub(crate) host: PathBuf,
    /// Where it goes in the guest.
    pub(crate) guest: String,
    /// Its permission bits there.
    pub(crate) mode: u32,
}

/// What the host has, for the defaults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostSize {
    /// Its processors.
    pub(crate) cores: usize,
    /// Its memory.
    pub(crate) memory: Size,
}

/// A value and where it came from: `default`, or a file.
#[derive(Clone, Debug)]
pub(super) struct Sourced<T> {
    pub(super) value: T,
    pub(super) source: String,
}

impl<T> Sourced<T> {
    pub(super) fn default(value: T) -> Self {
        Self { value, source: "default".to_owned() }
    }
}

/// Every setting, resolved. Those of the system mode are checked and shown, and have no effect here.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(super) log_level: Sourced<String>,
    pub(super) vmm: Sourced<VmmChoice>,
    pub(super) accel: Sourced<AccelChoice>,
    pub(super) firecracker_bin: Sourced<Option<PathBuf>>,
    pub(super) jailer_bin: Sourced<Option<PathBuf>>,
    pub(super) jailer_enabled: Sourced<bool>,
    pub(super) qemu_bin: Sourced<Option<PathBuf>>,
    pub(super) default_image: Sourced<ImageName>,
    pub(super) default_kernel: Sourced<Option<KernelName>>,
    pub(super) bridge_name: Sourced<String>,
    pub(super) subnet: Sourced<String>,
    pub(super) vcpu: Sourced<Option<VcpuCount>>,
    pub(super) memory: Sourced<Size>,
    pub(super) disk_size: Sourced<Size>,
    pub(super) system_overlay_size: Sourced<Size>,
    pub(super) file_sync: Sourced<Vec<FileSync>>,
    host: HostSize,
}

const DEFAULT_IMAGE: &str = "debian-bookworm";
const VCPUS_DEFAULT_MAX: u8 = 4;
/// Emulated processors beyond these cost more than they give (measured: a boot with 2 takes 17 s, with 1
/// 28 s, and each is a busy thread of the host).
const VCPUS_EMULATED: u8 = 2;
const MEMORY_DEFAULT_MIN: Size = Size::from_mib(512);
const MEMORY_DEFAULT_MAX: Size = Size::from_gib(8);

impl Config {
    /// The settings where no file says anything.
    ///
    /// # Errors
    ///
    /// The built-in names are wrong: a fault of this program.
    pub(crate) fn defaults(host: HostSize) -> Result<Self, model::ParseError> {
        let eighth = Size::from_mib(host.memory.mib() / 8);
        Ok(Self {
            log_level: Sourced::default("info".to_owned()),
            vmm: Sourced::default(VmmChoice::Auto),
            accel: Sourced::default(AccelChoice::Auto),
            firecracker_bin: Sourced::default(None),
            jailer_bin: Sourced::default(None),
            jailer_enabled: Sourced::default(true),
            qemu_bin: Sourced::default(None),
            default_image: Sourced::default(DEFAULT_IMAGE.parse()?),
            default_kernel: Sourced::default(None),
            bridge_name: Sourced::default("banger0".to_owned()),
            subnet: Sourced::default("auto".to_owned()),
            vcpu: Sourced::default(None),
            memory: Sourced::default(eighth.clamp(MEMORY_DEFAULT_MIN, MEMORY_DEFAULT_MAX)),
            disk_size: Sourced::default(Size::from_gib(8)),
            system_overlay_size: Sourced::default(Size::from_gib(8)),
            file_sync: Sourced::default(vec![]),
            host,
        })
    }

    /// How much the log says: a filter such as `info` or `bangerd=debug`.
    pub(crate) fn log_level(&self) -> &str {
        &self.log_level.value
    }

    /// What is to run the guests' instructions.
    pub(crate) fn accel(&self) -> AccelChoice {
        self.accel.value
    }

    /// Which monitor is to run machines.
    pub(crate) fn vmm(&self) -> VmmChoice {
        self.vmm.value
    }

    /// The Firecracker and the jailer to use, where they are named.
    pub(crate) fn firecracker_bins(&self) -> (Option<&PathBuf>, Option<&PathBuf>) {
        (self.firecracker_bin.value.as_ref(), self.jailer_bin.value.as_ref())
    }

    /// Whether Firecracker may be used: it is, under its jailer, or not at all.
    pub(crate) fn has_jailer(&self) -> bool {
        self.jailer_enabled.value
    }

    /// The QEMU to use, where one is named.
    pub(crate) fn qemu_bin(&self) -> Option<&PathBuf> {
        self.qemu_bin.value.as_ref()
    }

    /// The image for machines that name none.
    pub(crate) fn default_image(&self) -> &ImageName {
        &self.default_image.value
    }

    /// The kernel for machines that name none, where one is set.
    pub(crate) fn default_kernel(&self) -> Option<&KernelName> {
        self.default_kernel.value.as_ref()
    }

    /// The virtual CPUs of a machine where nothing is said.
    pub(crate) fn vcpus(&self, is_emulated: bool) -> VcpuCount {
        let cores = u8::try_from(self.host.cores).unwrap_or(u8::MAX);
        let count = if is_emulated { VCPUS_EMULATED } else { (cores / 4).clamp(1, VCPUS_DEFAULT_MAX) };
        let one = || VcpuCount::try_from(1).ok();
        match self.vcpu.value.or_else(|| VcpuCount::try_from(count).ok()).or_else(one) {
            Some(vcpus) => vcpus,
            None => unreachable!("1 is a number of vcpus"),
        }
    }

    /// The memory of a machine where nothing is said.
    pub(crate) fn memory(&self) -> Size {
        self.memory.value
    }

    /// The home disk of a machine where nothing is said.
    pub(crate) fn disk_size(&self) -> Size {
        self.disk_size.value
    }

    /// The growth of a machine's root disk where nothing is said.
    pub(crate) fn system_overlay_size(&self) -> Size {
        self.system_overlay_size.value
    }

    /// The files that every machine gets.
    pub(crate) fn file_sync(&self) -> &[FileSync] {
        &self.file_sync.value
    }

    /// Returns every setting as text, with where it came from, in the order of the documentation.
    pub(crate) fn settings(&self, is_emulated: bool) -> Vec<Setting> {
        fn path(value: Option<&PathBuf>) -> String {
            value.map_or_else(|| "auto".to_owned(), |path| path.display().to_string())
        }
        fn show<T>(key: &str, it: &Sourced<T>, text: impl FnOnce(&T) -> String) -> Setting {
            Setting { key: key.to_owned(), value: text(&it.value), source: it.source.clone() }
        }
        let vcpus = self.vcpus(is_emulated);
        vec![
            show("log_level", &self.log_level, Clone::clone),
            show("vmm", &self.vmm, |vmm| vmm.as_str().to_owned()),
            show("accel", &self.accel, |accel| accel.as_str().to_owned()),
            show("firecracker_bin", &self.firecracker_bin, |bin| path(bin.as_ref())),
            show("jailer_bin", &self.jailer_bin, |bin| path(bin.as_ref())),
            show("jailer_enabled", &self.jailer_enabled, ToString::to_string),
            show("qemu_bin", &self.qemu_bin, |bin| path(bin.as_ref())),
            show("default_image", &self.default_image, ToString::to_string),
            show("default_kernel", &self.default_kernel, |name| {
                name.as_ref().map_or_else(|| "auto".to_owned(), ToString::to_string)
            }),
            show("bridge_name", &self.bridge_name, Clone::clone),
            show("subnet", &self.subnet, Clone::clone),
            show("vm_defaults.vcpu", &self.vcpu, |_| vcpus.to_string()),
            show("vm_defaults.memory", &self.memory, ToString::to_string),
            show("vm_defaults.disk_size", &self.disk_size, ToString::to_string),
            show("vm_defaults.system_overlay_size", &self.system_overlay_size, ToString::to_string),
            show("file_sync", &self.file_sync, |files| format!("{} files", files.len())),
        ]
    }
}

impl VmmChoice {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Qemu => "qemu",
            Self::Firecracker => "firecracker",
        }
    }
}

impl AccelChoice {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Kvm => "kvm",
            Self::Emulated => "emulated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_follow_the_host() {
        for (cores, memory_gib, emulated, vcpus, memory_mib) in [
            (1, 1, false, 1, 512),
            (2, 23, true, 2, 2944),
            (2, 23, false, 1, 2944),
            (16, 64, false, 4, 8192),
            (64, 256, false, 4, 8192),
            (64, 256, true, 2, 8192),
        ] {
            let config = Config::defaults(HostSize { cores, memory: Size::from_gib(memory_gib) }).unwrap();
            let got = (config.vcpus(emulated).get(), config.memory().mib());
            assert_eq!(got, (vcpus, memory_mib), "{cores} cores, {memory_gib} GiB");
        }
    }
}
