//! The kernel's own file systems.

use std::{fs, io};

use rustix::{
    io::Errno,
    mount::{MountFlags, mount, mount_move},
};

use super::error::{BootError, Doing};

const SAFE: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);

/// One mount: what, where, how.
struct Mount {
    kind: &'static str,
    at: &'static str,
    flags: MountFlags,
    data: &'static std::ffi::CStr,
}

/// What the initramfs needs, and the image's root gets after it.
const EARLY: [Mount; 3] = [
    Mount { kind: "devtmpfs", at: "/dev", flags: MountFlags::NOSUID, data: c"mode=0755" },
    Mount { kind: "proc", at: "/proc", flags: SAFE, data: c"" },
    Mount { kind: "sysfs", at: "/sys", flags: SAFE, data: c"" },
];

/// What an init finds there and leaves alone.
const LATE: [Mount; 3] = [
    Mount {
        kind: "devpts",
        at: "/dev/pts",
        flags: MountFlags::NOSUID.union(MountFlags::NOEXEC),
        data: c"mode=0620,gid=5,ptmxmode=0666",
    },
    Mount {
        kind: "tmpfs",
        at: "/dev/shm",
        flags: MountFlags::NOSUID.union(MountFlags::NODEV),
        data: c"mode=1777",
    },
    Mount {
        kind: "tmpfs",
        at: "/run",
        flags: MountFlags::NOSUID.union(MountFlags::NODEV),
        data: c"mode=0755",
    },
];

const CGROUPS: Mount = Mount { kind: "cgroup2", at: "/sys/fs/cgroup", flags: SAFE, data: c"" };

/// Mounts what the initramfs needs.
pub(super) fn early() -> Result<(), BootError> {
    EARLY.iter().try_for_each(mount_one)
}

/// Takes the early ones along into the new root at `root`.
pub(super) fn move_early(root: &str) -> Result<(), BootError> {
    for Mount { at, .. } in &EARLY {
        let to = format!("{root}{at}");
        // The image may have a link there, or nothing; a directory of its own is what the kernel needs.
        if !fs::symlink_metadata(&to).is_ok_and(|there| there.is_dir()) {
            let _ = fs::remove_file(&to);
            fs::create_dir(&to).doing(format!("make {at} in the image"))?;
        }
        mount_move(*at, to.as_str()).doing(format!("move {at} into the image"))?;
    }
    Ok(())
}

/// Mounts the rest, in the image's root.
pub(super) fn late() -> Result<(), BootError> {
    LATE.iter().try_for_each(mount_one)
}

/// Mounts the control groups, which an init would mount by itself.
pub(super) fn cgroups() -> Result<(), BootError> {
    mount_one(&CGROUPS)
}

fn mount_one(Mount { kind, at, flags, data }: &Mount) -> Result<(), BootError> {
    let mounted = || -> io::Result<()> {
        fs::create_dir_all(at)?;
        match mount(*kind, *at, *kind, *flags, *data) {
            Err(Errno::BUSY) => Ok(()),
            mounted => Ok(mounted?),
        }
    };
    mounted().doing(format!("mount {at}"))
}
