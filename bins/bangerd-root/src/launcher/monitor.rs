//! `launch <id>`: the monitor of a machine, as the machine's user.

use std::{
    fs::{self, File},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::MetadataExt,
    },
};

use model::VmId;
use privileged::Root;
use vm::{
    boot_plan::{Accel, BootFacts, BootPlan, Tap, plan},
    layout::{MONITOR_LOG, SERIAL_SOCKET},
};
use vmm::qemu::{self, Qemu};

use super::{LaunchError, Record, credentials::become_machine, start, tap};
use crate::{
    jail::{BACKING, INITRAMFS, KERNEL, MODULES, root_format},
    places::Places,
};

/// What has the host's processors run a guest.
const KVM: &str = "/dev/kvm";

/// Becomes the monitor of a machine. Returns only what went wrong.
#[must_use]
pub fn monitor(places: &Places, id: &VmId) -> LaunchError {
    start::logged(&places.jail(id), MONITOR_LOG, |log| become_monitor(places, id, log))
}

fn become_monitor(places: &Places, id: &VmId, log: File) -> Result<LaunchError, LaunchError> {
    let jail = places.jail(id);
    let record = Record::read(&jail)?;
    let card = match &record.tap {
        Some(name) => Some(tap::open(name)?),
        None => None,
    };
    let plan = planned(places, &record, card.as_ref());
    let groups = match record.launch.accel {
        privileged::Accel::Kvm => vec![group_of(KVM)?],
        privileged::Accel::Emulated => vec![],
    };
    let qemu = Qemu::from(record.monitor.clone());
    let args = qemu::arguments(&plan, &qemu, id.as_str());
    // What it makes is nobody else's to read.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    become_machine(record.uid, &groups)?;
    Ok(start::execute(&qemu.program, &args, &jail, log))
}

fn group_of(device: &str) -> Result<u32, LaunchError> {
    let meta = fs::metadata(device);
    meta.map(|meta| meta.gid()).map_err(|source| LaunchError::Unusable { path: device.into(), source })
}

/// The plan of a boot from a jail: every file by its name in there.
fn planned(places: &Places, record: &Record, card: Option<&OwnedFd>) -> BootPlan {
    let launch = &record.launch;
    let facts = BootFacts {
        accel: match launch.accel {
            privileged::Accel::Kvm => Accel::Kvm,
            privileged::Accel::Emulated => Accel::Emulated,
        },
        tsc_khz: launch.tsc_khz,
        kernel: KERNEL.into(),
        initramfs: INITRAMFS.into(),
        modules_disk: launch.modules_disk.as_ref().map(|_| MODULES.into()),
        root_format: root_format(&launch.root),
        root_backing: match launch.root {
            Root::Raw {} => None,
            Root::Qcow2 { .. } => Some(BACKING.into()),
        },
        tap: card.map(|card| Tap { descriptor: card.as_raw_fd(), mac: record.mac.to_string() }),
        serial_socket: places.link(&launch.id).join(SERIAL_SOCKET),
    };
    plan(&launch.spec, &facts)
}
