//! Whether such systems can be had on this machine.

use std::{
    env,
    process::{Command, Stdio},
    sync::OnceLock,
};

use super::{Kind, container};

/// The programs that a container is made with.
const FOR_CONTAINERS: [&str; 6] = ["systemd-nspawn", "mmdebstrap", "ip", "nsenter", "setpriv", "unshare"];

/// The programs that an emulated computer is made with.
const FOR_COMPUTERS: [&str; 7] =
    ["qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs", "setpriv", "ssh", "ssh-keygen"];

/// Says what this machine lacks for them; nothing where they can be had.
pub(crate) fn lacks(kind: Kind) -> Option<&'static str> {
    static FOUND: OnceLock<Option<&str>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        if !rustix::process::geteuid().is_root() {
            return Some("root");
        }
        let programs = match kind {
            Kind::Container => &FOR_CONTAINERS[..],
            Kind::Computer => &FOR_COMPUTERS,
        };
        if let Some(program) = programs.iter().find(|program| !is_there(program)) {
            return Some(program);
        }
        let is_well = kind == Kind::Computer || container::can_be_kept();
        (!is_well).then_some("namespaces, mounts and control groups of its own")
    })
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Runs a program whose words do not matter.
pub(super) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
