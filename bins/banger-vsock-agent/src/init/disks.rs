//! The machine's disks.

use std::{
    fs, io,
    os::unix::fs::FileTypeExt,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::mount::{MountFlags, mount};

use super::error::{BootError, Doing};

/// How long a disk may take to appear: under emulation, on a busy host, probing takes seconds.
const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits until a device is there.
pub(super) fn wait_for(device: &str) -> Result<(), BootError> {
    let limit = Instant::now() + LIMIT;
    while !fs::metadata(device).is_ok_and(|there| there.file_type().is_block_device()) {
        if Instant::now() > limit {
            let why = format!("it did not appear within {} seconds", LIMIT.as_secs());
            return Err(BootError::new(format!("wait for {device}"), why));
        }
        sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Mounts the ext4 on a device at a directory, which is made where it is missing.
pub(super) fn mount_ext4(device: &str, at: &str, flags: MountFlags) -> Result<(), BootError> {
    wait_for(device)?;
    let mounted = || -> io::Result<()> {
        fs::create_dir_all(at)?;
        Ok(mount(device, at, "ext4", flags, c"")?)
    };
    mounted().doing(format!("mount {device} at {at}"))
}

/// Mounts the modules' disk where `modprobe` looks, read-only. Called in the image's root.
pub(super) fn mount_modules(device: &str) -> Result<(), BootError> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    // `/lib` is often a link to `usr/lib`, and sometimes missing.
    let lib = if Path::new("/lib").exists() { "/lib" } else { "/usr/lib" };
    mount_ext4(
        device,
        &format!("{lib}/modules/{release}"),
        MountFlags::RDONLY | MountFlags::NODEV | MountFlags::NOSUID,
    )
}
