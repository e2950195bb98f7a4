//! The boot, in order.

use std::{fs, path::Path};

use rustix::mount::MountFlags;

use super::{
    alone,
    cmdline::Cmdline,
    disks::{mount_ext4, mount_modules},
    error::{BootError, Doing},
    grow::grow,
    handover::{become_init, find_init, start_agent, switch_root},
    home, modules, mounts,
};
use crate::power;

const ROOT: &str = "/sysroot";
const HOME: &str = "/root";

/// Boots the guest. A failure is one line on the console, and the power goes off.
pub(crate) fn run() -> ! {
    let Err(error) = boot();
    eprintln!("{error}");
    power::off()
}

enum Never {}

fn boot() -> Result<Never, BootError> {
    mounts::early()?;
    let cmdline = fs::read_to_string("/proc/cmdline").doing("read the kernel's command line")?;
    let cmdline = Cmdline::parse(&cmdline);
    if cmdline.is_probe {
        eprintln!("banger: probe ok");
        power::off()
    }
    modules::load()?;
    let missing = || BootError::new("find the root", "the command line has no banger.root=");
    let root = cmdline.root.as_deref().ok_or_else(missing)?;
    mount_ext4(root, ROOT, MountFlags::empty())?;
    warn(grow(root, ROOT));
    if let Some(device) = &cmdline.home {
        home::prepare(device, Path::new(&format!("{ROOT}{HOME}")))?;
    }
    mounts::move_early(ROOT)?;
    switch_root(ROOT)?;
    mounts::late()?;
    if let Some(device) = &cmdline.home {
        mount_ext4(device, HOME, MountFlags::NODEV)?;
    }
    if let Some(device) = &cmdline.modules {
        warn(mount_modules(device));
    }
    let init = find_init();
    start_agent(init)?;
    if let Some(init) = init {
        eprintln!("{}", become_init(init));
    }
    alone::stay()
}

/// Tells of what a guest can do without.
fn warn(done: Result<(), BootError>) {
    if let Err(error) = done {
        eprintln!("{error}");
    }
}
