//! Which files a machine is launched with, and what they are called in its jail.

use privileged::{Launch, Monitor, Root};
use vm::{
    boot_plan::DiskFormat,
    layout::{CONSOLE_LOG, HOME_DISK, LINK_LOG, METRICS, MONITOR_LOG},
};

use super::{JailError, Opened, Sharing, State};

/// The kernel's name in a jail.
pub const KERNEL: &str = "kernel";
/// The initramfs's name in a jail.
pub const INITRAMFS: &str = "initramfs";
/// The modules disk's name in a jail.
pub const MODULES: &str = "modules";
/// The name in a jail of the image under a root disk of differences.
pub const BACKING: &str = "backing";

/// Every file of a launch, opened and looked at, with its name in the jail.
#[derive(Debug)]
pub struct Files(pub(super) Vec<(Opened, &'static str, Sharing)>);

/// What a root disk holds.
pub(crate) fn root_format(root: &Root) -> DiskFormat {
    match root {
        Root::Raw {} => DiskFormat::Raw,
        Root::Qcow2 { .. } => DiskFormat::Qcow2,
        Root::Snapshot { .. } => DiskFormat::Snapshot,
    }
}

impl Files {
    /// Opens every file that a launch names, and the machine's own, which it does not name. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`JailError`] for the first that is not what it should be.
    pub fn open(state: &State, launch: &Launch) -> Result<Self, JailError> {
        let mut files = vec![];
        let mut shared = |path: &str, name| {
            state.file(path, Sharing::Shared).map(|file| files.push((file, name, Sharing::Shared)))
        };
        shared(launch.kernel.as_str(), KERNEL)?;
        shared(launch.initramfs.as_str(), INITRAMFS)?;
        if let Some(modules) = &launch.modules_disk {
            shared(modules.as_str(), MODULES)?;
        }
        if let Root::Qcow2 { backing } | Root::Snapshot { backing } = &launch.root {
            shared(backing.as_str(), BACKING)?;
        }
        let metrics = match launch.monitor {
            Monitor::Qemu => None,
            Monitor::Firecracker => Some(METRICS),
        };
        let own = [root_format(&launch.root).root_file(), HOME_DISK, CONSOLE_LOG, MONITOR_LOG, LINK_LOG];
        for name in own.into_iter().chain(metrics) {
            let file = state.file(&format!("vms/{}/{name}", launch.id), Sharing::Own)?;
            files.push((file, name, Sharing::Own));
        }
        Ok(Self(files))
    }

    /// The file that has this name in the jail.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Opened> {
        self.0.iter().find(|(_, given, _)| *given == name).map(|(file, ..)| file)
    }
}
