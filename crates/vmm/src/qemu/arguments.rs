//! What QEMU is started with.

use std::{ffi::OsString, path::Path};

use guest::SERIAL_PORT_NAME;
use serde_json::json;
use vm::{
    boot_plan::{Accel, Access, BootPlan, DiskFormat, GUEST_MAC, Network, PlannedDisk, Reach, TapEnd},
    layout,
};

use crate::qemu::Qemu;

/// Gives up what QEMU does not need after its start: old calls, other users' rights, other programs,
/// its own priorities (QEMU, `-sandbox`).
const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// A write for which the host has no room fails in the guest, which tells whoever wrote. Left alone QEMU would stop the
/// whole guest for it, and wait for a word that nobody here has.
const WRITES: &str = "werror=report";

/// Returns QEMU's arguments for a plan, for a process whose directory is the machine's. `name` shows in
/// the list of the host's processes; nothing ever looks for it there.
#[must_use]
pub fn arguments(plan: &BootPlan, qemu: &Qemu, name: &str) -> Vec<OsString> {
    let mut args = Args::default();
    // Nothing that is not named here: no default devices, no configuration of the user's, no window.
    args.pair("-name", &format!("banger-{name}"));
    args.flags(&["-nodefaults", "-no-user-config", "-no-reboot"]);
    args.pair("-display", "none");
    if qemu.has_sandbox {
        args.pair("-sandbox", SANDBOX);
    }
    processor(&mut args, plan);
    args.pair("-m", &format!("{}M", plan.memory_mib));
    args.pair("-kernel", &plan.kernel);
    args.pair("-initrd", &plan.initramfs);
    args.pair("-append", &plan.cmdline);
    console(&mut args);
    args.pair("-object", "rng-builtin,id=rng");
    args.pair("-device", "virtio-rng-device,rng=rng");
    if plan.network.is_some() || !plan.disks.is_empty() {
        agent_port(&mut args, &plan.agent_socket);
    }
    for disk in &plan.disks {
        args.pair("-blockdev", &block_device(disk));
        args.pair("-device", &format!("virtio-blk-device,drive={0},serial={0},{WRITES}", disk.serial));
    }
    if let Some(plugged) = &plan.network {
        network(&mut args, plugged);
    }
    args.0
}

#[derive(Debug, Default)]
struct Args(Vec<OsString>);

impl Args {
    fn flags(&mut self, names: &[&str]) {
        self.0.extend(names.iter().map(OsString::from));
    }

    fn pair<T: Into<OsString> + Clone>(&mut self, name: &str, value: T) {
        self.0.extend([name.into(), value.into()]);
    }
}

/// The board keeps its timers and interrupt controllers of old: without them a kernel under emulation
/// never comes up.
fn processor(args: &mut Args, plan: &BootPlan) {
    args.pair("-machine", "microvm,rtc=on");
    match plan.accel {
        Accel::Kvm => {
            args.pair("-accel", "kvm");
            args.pair("-cpu", "host");
        }
        Accel::Emulated => {
            args.pair("-accel", &format!("tcg,thread=multi,tb-size={}", plan.translation_cache_mib));
            args.pair("-cpu", "max");
        }
    }
    args.pair("-smp", &plan.vcpus.to_string());
}

/// Appended to: another boot's lines stay, and the file may be cut while QEMU writes.
fn console(args: &mut Args) {
    args.pair("-chardev", &format!("file,id=console,path={},append=on", layout::CONSOLE_LOG));
    args.pair("-serial", "chardev:console");
}

fn agent_port(args: &mut Args, socket: &Path) {
    args.pair("-chardev", &format!("socket,id=agent,path={},server=on,wait=off", socket.display()));
    args.pair("-device", "virtio-serial-device,max_ports=2");
    args.pair("-device", &format!("virtserialport,chardev=agent,name={SERIAL_PORT_NAME}"));
}

/// A disk, in JSON: so its path may hold any character.
///
/// The host's page cache holds what the guest writes, and a flush by the guest reaches the file system
/// (`cache` left as it is: neither `direct` nor `no-flush`). So what the guest synced outlives the end of
/// QEMU, however it ends, and of the host too; and what it only wrote outlives the end of QEMU except for
/// qcow2's own tables, which QEMU holds until the guest's next flush.
fn block_device(disk: &PlannedDisk) -> String {
    let is_shared = disk.access == Access::ReadOnlyShared;
    let driver = match disk.format {
        DiskFormat::Raw | DiskFormat::Snapshot => "raw",
        DiskFormat::Qcow2 => "qcow2",
    };
    let mut device = json!({
        "driver": driver,
        "node-name": disk.serial,
        "read-only": is_shared,
        "file": { "driver": "file", "filename": disk.file },
    });
    if let Some(image) = &disk.backing {
        // Named here, the disk's own word for it is not read.
        device["backing"] = json!({
            "driver": "raw",
            "read-only": true,
            "file": { "driver": "file", "filename": image, "read-only": true },
        });
    }
    if !is_shared {
        // What the guest frees is freed on the host.
        device["discard"] = "unmap".into();
    }
    device.to_string()
}

/// The guest's network card, and what it is plugged into.
///
/// QEMU's own network is 10.0.2.0/24, guest 10.0.2.15, gateway 10.0.2.2, names 10.0.2.3. Ports into the guest
/// are the link's affair.
fn network(args: &mut Args, network: &Network) {
    let mac = match network {
        Network::Own(reach) => {
            let restrict = match reach {
                Reach::Outside => "off",
                Reach::Nothing => "on",
            };
            args.pair("-netdev", &format!("user,id=net,ipv6=off,restrict={restrict}"));
            GUEST_MAC
        }
        Network::Host(tap) => {
            let end = match &tap.end {
                TapEnd::Descriptor(number) => format!("fd={number}"),
                TapEnd::Name(name) => format!("ifname={name},script=no,downscript=no"),
            };
            args.pair("-netdev", &format!("tap,id=net,{end}"));
            &tap.mac
        }
    };
    args.pair("-device", &format!("virtio-net-device,netdev=net,mac={mac}"));
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use model::{Size, VmSpec};
    use vm::boot_plan::{BootFacts, Tap, TapEnd, plan, plan_probe};

    use super::*;
    use crate::qemu::QemuVersion;

    fn qemu() -> Qemu {
        Qemu { program: "/usr/bin/qemu-system-x86_64".into(), version: QemuVersion::MIN, has_sandbox: true }
    }

    fn facts(accel: Accel) -> BootFacts {
        BootFacts {
            monitor: vm::boot_plan::Monitor::Qemu,
            accel,
            tsc_khz: Some(2_450_000),
            kernel: "/state/kernels/k/vmlinux".into(),
            initramfs: "/state/kernels/k/initramfs".into(),
            modules_disk: Some(PathBuf::from("/state/a,b\"c/modules.ext4")),
            root_format: DiskFormat::Qcow2,
            root_backing: None,
            tap: None,
            agent_socket: layout::SERIAL_SOCKET.into(),
        }
    }

    fn spec(nat: bool) -> VmSpec {
        VmSpec {
            vcpus: 2.try_into().unwrap(),
            memory: Size::from_mib(1024),
            disk_size: Size::from_gib(8),
            system_overlay_size: Size::from_gib(8),
            nat,
            publish: vec![],
        }
    }

    fn lines(plan: &BootPlan, qemu: &Qemu) -> String {
        let args = arguments(plan, qemu, "000102fdfeff");
        let words: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
        words.join("\n").replace("\n-", "\u{0}-").replace('\n', " ").replace('\u{0}', "\n")
    }

    #[test]
    fn an_emulated_machine() {
        insta::assert_snapshot!(lines(&plan(&spec(true), &facts(Accel::Emulated)), &qemu()));
    }

    #[test]
    fn a_machine_with_kvm_and_without_a_network_outside() {
        let raw = BootFacts { root_format: DiskFormat::Raw, modules_disk: None, ..facts(Accel::Kvm) };
        let plain = Qemu { has_sandbox: false, ..qemu() };
        insta::assert_snapshot!(lines(&plan(&spec(false), &raw), &plain));
    }

    #[test]
    fn a_machine_on_the_hosts_network_over_an_image_that_root_names() {
        let facts = BootFacts {
            kernel: "kernel".into(),
            initramfs: "initramfs".into(),
            modules_disk: Some("modules".into()),
            root_backing: Some("backing".into()),
            tap: Some(Tap { end: TapEnd::Descriptor(3), mac: "52:54:00:00:00:01".to_owned() }),
            agent_socket: "/run/banger-vm/000102fdfeff/serial.sock".into(),
            ..facts(Accel::Kvm)
        };
        insta::assert_snapshot!(lines(&plan(&spec(true), &facts), &qemu()));
    }

    #[test]
    fn a_probe() {
        insta::assert_snapshot!(lines(&plan_probe(&facts(Accel::Kvm)), &qemu()));
    }
}
