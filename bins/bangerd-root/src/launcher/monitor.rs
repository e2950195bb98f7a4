//! `launch <id>`: the monitor of a machine, as the machine's user.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, lchown},
    },
    path::{Path, PathBuf},
};

use model::VmId;
use privileged::Root;
use vm::{
    boot_plan::{self, Accel, BootFacts, BootPlan, Tap, TapEnd, plan},
    layout::{CONSOLE_LOG, FIRECRACKER_CONFIG, METRICS, MONITOR_LOG, SERIAL_SOCKET, VSOCK_SOCKET},
};
use vmm::{
    firecracker::{self, Firecracker, chroot, jailer_arguments},
    monitor::Monitor,
    qemu::{self, Qemu},
};

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
    let record = Record::read(&places.jail(id))?;
    // What it makes is nobody else's to read.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    match record.monitor.clone().into() {
        Monitor::Qemu(qemu) => become_qemu(places, &record, &qemu, log),
        Monitor::Firecracker(firecracker) => become_jailed(places, &record, &firecracker, log),
    }
}

fn become_qemu(places: &Places, record: &Record, qemu: &Qemu, log: File) -> Result<LaunchError, LaunchError> {
    let id = &record.launch.id;
    let card = match &record.tap {
        Some(name) => Some(tap::open(name)?),
        None => None,
    };
    let end = card.as_ref().map(|card| TapEnd::Descriptor(card.as_raw_fd()));
    let socket = places.link(id).join(SERIAL_SOCKET);
    let groups = match record.launch.accel {
        privileged::Accel::Kvm => vec![group_of(KVM)?],
        privileged::Accel::Emulated => vec![],
    };
    let args = qemu::arguments(&planned(record, end, socket), qemu, id.as_str());
    become_machine(record.uid, &groups)?;
    Ok(start::execute(&qemu.program, &args, &places.jail(id), log))
}

/// Becomes the jailer, which becomes Firecracker: in the same process, as the machine's user, in a jail. What it
/// is told lies in there, root's: it may read it, and not write it.
fn become_jailed(
    places: &Places,
    record: &Record,
    firecracker: &Firecracker,
    log: File,
) -> Result<LaunchError, LaunchError> {
    let id = &record.launch.id;
    let (jail, base) = (places.jail(id), places.chroots(id));
    let end = record.tap.as_ref().map(|name| TapEnd::Name(name.to_string()));
    let plan = planned(record, end, VSOCK_SOCKET.into());
    let file = chroot(&base, firecracker, id.as_str()).join(FIRECRACKER_CONFIG);
    tell(&file, &firecracker::config(&plan).to_string(), record.uid)
        .map_err(|source| LaunchError::Unusable { path: file, source })?;
    start::append(&jail, METRICS)?
        .set_len(0)
        .map_err(|source| LaunchError::Unusable { path: jail.join(METRICS), source })?;
    // The guest's serial line is the output; what the monitor says is not to be among it.
    let console = start::append(&jail, CONSOLE_LOG)?;
    let args = jailer_arguments(&base, firecracker, id.as_str(), record.uid);
    Ok(start::execute_with(&firecracker.jailer, &args, &jail, (console, log)))
}

/// Writes a file that is not there yet, for a machine's group to read.
fn tell(file: &Path, text: &str, gid: u32) -> io::Result<()> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?.write_all(text.as_bytes())?;
    lchown(file, Some(0), Some(gid))?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o640))
}

fn group_of(device: &str) -> Result<u32, LaunchError> {
    let meta = fs::metadata(device);
    meta.map(|meta| meta.gid()).map_err(|source| LaunchError::Unusable { path: device.into(), source })
}

/// The plan of a boot from a jail: every file by its name in there.
fn planned(record: &Record, end: Option<TapEnd>, agent_socket: PathBuf) -> BootPlan {
    let launch = &record.launch;
    let facts = BootFacts {
        monitor: match launch.monitor {
            privileged::Monitor::Qemu => boot_plan::Monitor::Qemu,
            privileged::Monitor::Firecracker => boot_plan::Monitor::Firecracker,
        },
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
            Root::Raw {} | Root::Snapshot { .. } => None,
            Root::Qcow2 { .. } => Some(BACKING.into()),
        },
        tap: end.map(|end| Tap { end, mac: record.mac.to_string() }),
        agent_socket,
    };
    plan(&launch.spec, &facts)
}
