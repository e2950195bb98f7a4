//! Whether containers can be had on this machine.

use std::{
    env,
    process::{Command, Stdio},
    sync::OnceLock,
};

use super::container;

/// The programs that one is made with.
const PROGRAMS: [&str; 6] = ["systemd-nspawn", "mmdebstrap", "ip", "nsenter", "setpriv", "unshare"];

/// Says what this machine lacks for them; nothing where they can be had.
pub(crate) fn lacks() -> Option<&'static str> {
    static FOUND: OnceLock<Option<&str>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        if !rustix::process::geteuid().is_root() {
            return Some("root");
        }
        if let Some(program) = PROGRAMS.into_iter().find(|program| !is_there(program)) {
            return Some(program);
        }
        (!container::can_be_kept()).then_some("namespaces, mounts and control groups of its own")
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
