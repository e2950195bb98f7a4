//! Everything that a monitor and a link are started with, as one value.
//!
//! The plan is computed from what the machine is made of and from what is known of the host; carrying
//! it out decides nothing more.

use std::path::PathBuf;

use model::{Publish, VmSpec};
use serde::{Deserialize, Serialize};

use crate::layout;

/// How the guest's processors are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accel {
    /// By the host's own, through `/dev/kvm`.
    Kvm,
    /// By translation, in the monitor.
    Emulated,
}

impl Accel {
    /// Returns the word for it, as `info` shows it and the configuration names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Emulated => "emulated",
        }
    }
}

/// Which monitor runs a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// QEMU.
    Qemu,
    /// Firecracker.
    Firecracker,
}

impl Monitor {
    /// Returns the word for it, as `info` shows it and the configuration names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Firecracker => "firecracker",
        }
    }
}

/// What a disk's file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskFormat {
    /// The disk's bytes.
    Raw,
    /// The differences from an image (QEMU, docs/interop/qcow2.txt).
    Qcow2,
    /// The differences from an image, in the store of a `snapshot` of the device mapper (Linux,
    /// Documentation/admin-guide/device-mapper/snapshot.rst). Its monitor sees a device with the disk's bytes.
    Snapshot,
}

impl DiskFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Raw, Self::Qcow2, Self::Snapshot];

    /// The name of a root disk's file in the machine's directory.
    #[must_use]
    pub fn root_file(self) -> &'static str {
        match self {
            Self::Raw => layout::ROOT_RAW,
            Self::Qcow2 => layout::ROOT_QCOW2,
            Self::Snapshot => layout::ROOT_SNAPSHOT,
        }
    }
}

/// What is known of the host and of what is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootFacts {
    /// Which monitor runs it.
    pub monitor: Monitor,
    /// How processors are run here: `Kvm` only where a probe boot proved it.
    pub accel: Accel,
    /// The rate of the host's time-stamp counter, in kHz; `None` where it could not be measured.
    pub tsc_khz: Option<u32>,
    /// The kernel, as the monitor takes it.
    pub kernel: PathBuf,
    /// The initramfs with the agent.
    pub initramfs: PathBuf,
    /// The shared read-only disk with the kernel's other modules; `None` where it has none.
    pub modules_disk: Option<PathBuf>,
    /// What the machine's root disk is.
    pub root_format: DiskFormat,
    /// The image under a root disk of differences, where the disk is not to say itself which it is: a disk is
    /// its guest's to write, and whoever holds more rights than the guest's owner believes nothing in it.
    pub root_backing: Option<PathBuf>,
    /// The host's end of the guest's network card; `None` gives the guest a network of the monitor's making.
    pub tap: Option<Tap>,
    /// Where the monitor listens for the link: the socket of its serial port, or of its vsock. A relative one lies
    /// in the machine's directory.
    pub agent_socket: PathBuf,
}

/// The host's end of a guest's network card: a tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The tap.
    pub end: TapEnd,
    /// The address of the guest's card.
    pub mac: String,
}

/// How a monitor comes by a tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TapEnd {
    /// Whoever starts it has opened it, under this descriptor.
    Descriptor(i32),
    /// It opens it, by this name; its user is the tap's owner.
    Name(String),
}

/// A disk of the guest: `vda`, `vdb`, … in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDisk {
    /// Its file; a relative one lies in the machine's directory.
    pub file: PathBuf,
    /// What the file holds.
    pub format: DiskFormat,
    /// The file of the image under it, raw and read-only; `None` where the disk is whole, or says so itself.
    pub backing: Option<PathBuf>,
    /// Whether the guest may write.
    pub access: Access,
    /// What the guest can tell it by (virtio's `VIRTIO_BLK_T_GET_ID`), at most 20 bytes.
    pub serial: &'static str,
}

/// Whether a guest may write to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// It may.
    ReadWrite,
    /// It may not, and other machines use the same file.
    ReadOnlyShared,
}

/// What the guest's network reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The networks that the host reaches.
    Outside,
    /// Nothing. Sessions and published ports do not go through it, and work.
    Nothing,
}

/// What a guest's network card is plugged into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// A network of the monitor's own making, in which the guest is alone.
    Own(Reach),
    /// The host's, which decides what it reaches.
    Host(Tap),
}

/// Everything that a monitor and a link are started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootPlan {
    /// How processors are run.
    pub accel: Accel,
    /// How many the guest has.
    pub vcpus: u8,
    /// The guest's memory, in MiB.
    pub memory_mib: u64,
    /// The most that translated code may take, in MiB; under emulation it comes on top of the guest's memory.
    pub translation_cache_mib: u32,
    /// The kernel.
    pub kernel: PathBuf,
    /// The initramfs.
    pub initramfs: PathBuf,
    /// The kernel's command line.
    pub cmdline: String,
    /// The disks, in the order in which the guest names them.
    pub disks: Vec<PlannedDisk>,
    /// The network; `None` gives the guest no network card.
    pub network: Option<Network>,
    /// Where the monitor listens for the link.
    pub agent_socket: PathBuf,
    /// What the link publishes on the host's loopback.
    pub publish: Vec<Publish>,
}

/// The address of every guest's one network card. Each is alone on its network.
pub const GUEST_MAC: &str = "52:54:00:12:34:56";

/// The bound of the translation cache. Left alone, the monitor takes up to an eighth of the host's
/// memory for each machine.
const TRANSLATION_CACHE_MIB: u32 = 256;

/// What a probe boot has: little, since it powers off at once.
const PROBE_MEMORY_MIB: u64 = 256;

/// Plans the boot of a machine.
#[must_use]
pub fn plan(spec: &VmSpec, facts: &BootFacts) -> BootPlan {
    BootPlan {
        accel: facts.accel,
        vcpus: spec.vcpus.get(),
        memory_mib: spec.memory.mib(),
        translation_cache_mib: TRANSLATION_CACHE_MIB,
        kernel: facts.kernel.clone(),
        initramfs: facts.initramfs.clone(),
        cmdline: cmdline(facts),
        disks: disks(facts),
        network: Some(network(spec, facts)),
        agent_socket: facts.agent_socket.clone(),
        publish: spec.publish.clone(),
    }
}

/// Plans a boot that powers off as soon as the agent runs: no disks, no network. A host on which it
/// does so within seconds can run the kernel.
#[must_use]
pub fn plan_probe(facts: &BootFacts) -> BootPlan {
    BootPlan {
        accel: facts.accel,
        vcpus: 1,
        memory_mib: PROBE_MEMORY_MIB,
        translation_cache_mib: TRANSLATION_CACHE_MIB,
        kernel: facts.kernel.clone(),
        initramfs: facts.initramfs.clone(),
        cmdline: [&base_cmdline(facts), "banger.probe"].join(" "),
        disks: vec![],
        network: None,
        agent_socket: facts.agent_socket.clone(),
        publish: vec![],
    }
}

fn network(spec: &VmSpec, facts: &BootFacts) -> Network {
    match &facts.tap {
        Some(tap) => Network::Host(tap.clone()),
        None => Network::Own(if spec.nat { Reach::Outside } else { Reach::Nothing }),
    }
}

fn disks(facts: &BootFacts) -> Vec<PlannedDisk> {
    let own = |file: &str, format, serial| PlannedDisk {
        file: file.into(),
        format,
        backing: None,
        access: Access::ReadWrite,
        serial,
    };
    let modules = facts.modules_disk.clone().map(|file| PlannedDisk {
        file,
        format: DiskFormat::Raw,
        backing: None,
        access: Access::ReadOnlyShared,
        serial: "modules",
    });
    let root = PlannedDisk {
        backing: facts.root_backing.clone(),
        ..own(facts.root_format.root_file(), facts.root_format, "root")
    };
    let home = own(layout::HOME_DISK, DiskFormat::Raw, "home");
    [root, home].into_iter().chain(modules).collect()
}

/// What a machine has on its command line.
///
/// `fstab=no` is systemd's (systemd-fstab-generator(8)): every disk is mounted before an image's init
/// starts, and an image made for another computer names devices that are not there, for which systemd
/// would wait 90 seconds and then open an emergency shell. `net.ifnames=0` is udev's: the one card keeps
/// the name `eth0`, under every init, while it is already in use.
fn cmdline(facts: &BootFacts) -> String {
    let mut words = vec![
        base_cmdline(facts),
        "fstab=no net.ifnames=0".to_owned(),
        "banger.root=/dev/vda banger.home=/dev/vdb".to_owned(),
    ];
    if facts.modules_disk.is_some() {
        words.push("banger.modules=/dev/vdc".to_owned());
    }
    words.join(" ")
}

/// What every boot has on its command line.
///
/// `panic=-1` ends the monitor at once when the kernel gives up: a restart does, of which `reboot=` says how.
/// QEMU (it runs with `-no-reboot`) takes a triple fault, Firecracker the reset line of its keyboard controller;
/// it has no power switch, so there the agent restarts in place of powering off, too. Nothing quiets the kernel: the boot guard looks at whether it prints.
fn base_cmdline(facts: &BootFacts) -> String {
    let restart = match facts.monitor {
        Monitor::Qemu => "reboot=t panic=-1",
        Monitor::Firecracker => "reboot=k panic=-1 i8042.noaux i8042.nomux i8042.dumbkbd banger.off=restart",
    };
    let mut words = vec![format!("console=ttyS0 {restart}")];
    if facts.accel == Accel::Emulated {
        // QEMU 7.2 leaves garbage in the flags after cmpxchg16b; an interrupt just then makes it real.
        // Linux 6.12 uses the instruction in its allocator, and 4 of 6 boots crashed in it; with this
        // 0 of 8. It is the kernel alone that does without: programs still see the instruction.
        words.push("clearcpuid=cx16".to_owned());
        // udev loads a module for each feature of the processor. The hypervisor's takes a second of a boot,
        // and the processor's clock is not there; who wants one loads it by its name (kmod, modprobe(8)).
        words.push("modprobe.blacklist=kvm_amd,kvm_intel,powernow_k8,acpi_cpufreq".to_owned());
    }
    // Without it a kernel under emulation measures the counter against a timer that a busy host
    // delivers late, and may never be done. With KVM the kernel is told by the hypervisor.
    if let (Accel::Emulated, Some(khz)) = (facts.accel, facts.tsc_khz) {
        words.push(format!("tsc_early_khz={khz}"));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use model::Size;

    use super::*;

    fn spec() -> VmSpec {
        VmSpec {
            vcpus: 2.try_into().unwrap(),
            memory: Size::from_mib(1024),
            disk_size: Size::from_gib(8),
            system_overlay_size: Size::from_gib(8),
            nat: true,
            publish: vec!["8080:80".parse().unwrap()],
        }
    }

    fn facts() -> BootFacts {
        BootFacts {
            monitor: Monitor::Qemu,
            accel: Accel::Emulated,
            tsc_khz: Some(2_445_000),
            kernel: "/k/vmlinux".into(),
            initramfs: "/k/initramfs".into(),
            modules_disk: Some("/k/modules.ext4".into()),
            root_format: DiskFormat::Qcow2,
            root_backing: None,
            tap: None,
            agent_socket: layout::SERIAL_SOCKET.into(),
        }
    }

    #[test]
    fn the_command_line_names_every_disk_and_the_counters_rate() {
        assert_eq!(
            plan(&spec(), &facts()).cmdline,
            "console=ttyS0 reboot=t panic=-1 clearcpuid=cx16 \
             modprobe.blacklist=kvm_amd,kvm_intel,powernow_k8,acpi_cpufreq tsc_early_khz=2445000 \
             fstab=no net.ifnames=0 banger.root=/dev/vda banger.home=/dev/vdb banger.modules=/dev/vdc"
        );
        let bare = BootFacts { modules_disk: None, tsc_khz: None, ..facts() };
        assert_eq!(
            plan(&spec(), &bare).cmdline,
            "console=ttyS0 reboot=t panic=-1 clearcpuid=cx16 \
             modprobe.blacklist=kvm_amd,kvm_intel,powernow_k8,acpi_cpufreq fstab=no net.ifnames=0 \
             banger.root=/dev/vda banger.home=/dev/vdb"
        );
        let kvm = BootFacts { accel: Accel::Kvm, ..facts() };
        assert_eq!(plan_probe(&kvm).cmdline, "console=ttyS0 reboot=t panic=-1 banger.probe");
        let firecracker = BootFacts { monitor: Monitor::Firecracker, ..kvm };
        assert_eq!(
            plan_probe(&firecracker).cmdline,
            "console=ttyS0 reboot=k panic=-1 i8042.noaux i8042.nomux i8042.dumbkbd banger.off=restart banger.probe"
        );
    }

    #[test]
    fn disks_come_in_the_order_of_their_names_in_the_guest() {
        let files = |facts: &BootFacts| -> Vec<String> {
            let disks = plan(&spec(), facts).disks;
            disks.iter().map(|disk| format!("{} {:?}", disk.file.display(), disk.access)).collect()
        };
        assert_eq!(
            files(&facts()),
            ["root.qcow2 ReadWrite", "home.ext4 ReadWrite", "/k/modules.ext4 ReadOnlyShared"]
        );
        let raw = BootFacts { root_format: DiskFormat::Raw, modules_disk: None, ..facts() };
        assert_eq!(files(&raw), ["root.raw ReadWrite", "home.ext4 ReadWrite"]);
    }

    #[test]
    fn without_nat_the_network_reaches_nothing_and_a_probe_has_none() {
        let alone = VmSpec { nat: false, ..spec() };
        assert_eq!(plan(&alone, &facts()).network, Some(Network::Own(Reach::Nothing)));
        assert_eq!(plan(&spec(), &facts()).network, Some(Network::Own(Reach::Outside)));
        let probe = plan_probe(&facts());
        assert_eq!((probe.network, probe.disks.len()), (None, 0));
    }
    #[test]
    fn on_a_tap_the_host_decides_what_is_reached() {
        let tap = Tap { end: TapEnd::Descriptor(3), mac: "52:54:00:00:00:01".to_owned() };
        let facts = BootFacts { tap: Some(tap.clone()), ..facts() };
        for nat in [true, false] {
            let spec = VmSpec { nat, ..spec() };
            assert_eq!(plan(&spec, &facts).network, Some(Network::Host(tap.clone())));
        }
    }

    #[test]
    fn only_the_root_disk_has_an_image_under_it() {
        let facts = BootFacts { root_backing: Some("backing".into()), ..facts() };
        let disks = plan(&spec(), &facts).disks;
        let backed: Vec<_> = disks.iter().map(|disk| (disk.serial, disk.backing.is_some())).collect();
        assert_eq!(backed, [("root", true), ("home", false), ("modules", false)]);
    }
}
