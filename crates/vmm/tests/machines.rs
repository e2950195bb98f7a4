//! Real monitors with a guest of a few instructions, so that no kernel has to be built first.
//!
//! The host needs QEMU to run these, as it needs it to run machines.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what a test needs and does not get fails it")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use host::{
    boot::boot_id,
    kvm::KvmVerdict,
    process::{Exit, Process},
    spawn::read_identity,
};
use model::{BootId, Digest, Size, VmSpec};
use tempfile::TempDir;
use vm::{
    boot_plan::{Accel, BootFacts, BootPlan, DiskFormat, plan},
    layout::LEFTOVERS,
    settle::ProcessFound,
};
use vmm::{
    console::{self, Mark},
    machine::{self, Launch, MachineError},
    monitor::Monitor,
    probe::{self, Patience, Probe},
    qemu::Qemu,
};

const LIMIT: Duration = Duration::from_mins(1);
/// Halts for ever.
const HALT: &[u8] = &[0xfa, 0xf4, 0xeb, 0xfd];
/// Prints dots, each on a line of its own, for ever.
const PRINT: &[u8] = &[0xb0, b'.', 0xee, 0xb0, b'\n', 0xee, 0xeb, 0xf8];
/// Loads an empty interrupt table and interrupts: the processor resets, which ends QEMU.
const RESET: &[u8] = &[0x0f, 0x01, 0x1d, 0x00, 0x00, 0x20, 0x00, 0xcc];

/// A kernel that QEMU starts through its PVH entry (Xen, docs/misc/pvh.pandoc): it prints a line, then
/// does `then`.
fn kernel(line: &str, then: &[u8]) -> Vec<u8> {
    const AT: u32 = 0x0010_0000;
    let mut code = vec![0x66, 0xba, 0xf8, 0x03]; // mov dx, 0x3f8
    for byte in line.bytes().chain(*b"\n") {
        code.extend([0xb0, byte, 0xee]); // mov al, byte; out dx, al
    }
    code.extend(then);
    let entry = AT + 0x1000;
    let size = u32::try_from(0x1000 + code.len()).unwrap();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut elf = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0".to_vec();
    elf.extend(words(&[1, entry, 52, 0, 0])); // version, entry, program headers, section headers, flags
    elf.extend([52, 0, 32, 0, 2, 0, 40, 0, 0, 0, 0, 0]);
    elf.extend(words(&[1, 0, AT, AT, size, size, 7, 0x1000])); // PT_LOAD, the whole file
    elf.extend(words(&[4, 0x200, AT + 0x200, AT + 0x200, 20, 20, 4, 4])); // PT_NOTE
    elf.resize(0x200, 0);
    elf.extend(words(&[4, 4, 18])); // sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY
    elf.extend(b"Xen\0");
    elf.extend(words(&[entry]));
    elf.resize(0x1000, 0);
    elf.extend(code);
    elf
}

struct World {
    temp: TempDir,
    qemu: Qemu,
    host_boot: BootId,
}

impl World {
    fn new() -> Self {
        let world = Self {
            temp: tempfile::tempdir().unwrap(),
            qemu: Qemu::find(None).expect("QEMU is installed (package qemu-system-x86)"),
            host_boot: boot_id().unwrap(),
        };
        fs::write(world.at("kernel"), kernel("up and halted", HALT)).unwrap();
        fs::write(world.at("initramfs"), "nothing").unwrap();
        world.program("link", "echo '[]' > ports.json; : > link.sock; exec sleep 600");
        world
    }

    fn at(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A directory with disks, and the plan for it.
    fn machine(&self, name: &str) -> (PathBuf, BootPlan) {
        let dir = self.at(name);
        disk::dir::create(&dir).unwrap();
        for file in ["root.raw", "home.ext4"] {
            fs::File::create(dir.join(file)).unwrap().set_len(1 << 20).unwrap();
        }
        let spec = VmSpec {
            vcpus: 1.try_into().unwrap(),
            memory: Size::from_mib(128),
            disk_size: Size::from_gib(1),
            system_overlay_size: Size::from_gib(1),
            nat: true,
            publish: vec![],
        };
        let facts = BootFacts {
            monitor: vm::boot_plan::Monitor::Qemu,
            accel: Accel::Emulated,
            tsc_khz: None,
            kernel: self.at("kernel"),
            initramfs: self.at("initramfs"),
            modules_disk: None,
            root_format: DiskFormat::Raw,
            root_backing: None,
            tap: None,
            agent_socket: vm::layout::SERIAL_SOCKET.into(),
        };
        (dir, plan(&spec, &facts))
    }

    fn launch<'a>(&'a self, dir: &'a Path, plan: &'a BootPlan, agent: &'a Path) -> Launch<'a> {
        Launch { dir, plan, qemu: &self.qemu, agent, host_boot: &self.host_boot }
    }

    fn found(&self, dir: &Path) -> (ProcessFound, ProcessFound) {
        let found = machine::find(dir, &self.host_boot).unwrap();
        (found.monitor.found(), found.link.found())
    }
}

/// A test that failed ends its machines too.
impl Drop for World {
    fn drop(&mut self) {
        for entry in fs::read_dir(self.temp.path()).into_iter().flatten().flatten() {
            for name in ["monitor.id", "link.id"] {
                let identity = read_identity(&entry.path(), name).ok().flatten();
                let process = identity.and_then(|identity| identity.find(&self.host_boot).ok().flatten());
                let _gone = process.map(|process| process.kill());
            }
        }
    }
}

async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let limit = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < limit, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn printed(dir: &Path, text: &str) {
    let lines = || console::last_lines(dir, Mark::default(), 100).unwrap();
    wait_until(text, || lines().iter().any(|line| line.contains(text))).await;
}

/// Launches what cannot run: the monitor ends while it is launched or soon after.
async fn why_it_ends(launch: &Launch<'_>) -> String {
    match machine::launch(launch).await {
        Ok(launched) => {
            assert_eq!(launched.monitor.ended_within(LIMIT).await.unwrap(), Some(Exit::Code(1)));
            machine::finish(launch.dir, Some(&launched.link)).await.unwrap();
            machine::monitor_said(launch.dir).unwrap()
        }
        Err(error) => {
            assert!(matches!(error, MachineError::EndedAtOnce { .. }), "{error}");
            error.to_string()
        }
    }
}

fn leftovers(dir: &Path) -> Vec<&'static str> {
    LEFTOVERS.into_iter().filter(|file| dir.join(file).symlink_metadata().is_ok()).collect()
}

#[tokio::test]
async fn a_machine_is_launched_found_again_and_ended() {
    let world = World::new();
    let link = world.at("link");
    // A home directory of some 200 characters.
    let (dir, plan) = world.machine(&format!("{}/000102fdfeff", "long".repeat(50)));
    assert_eq!(world.found(&dir), (ProcessFound::NotRecorded, ProcessFound::NotRecorded));
    let launched = machine::launch(&world.launch(&dir, &plan, &link)).await.unwrap();
    printed(&dir, "up and halted").await;
    assert!(launched.monitor.usage().unwrap().resident_bytes > 0);

    // As a daemon finds it that has just started.
    let found = machine::find(&dir, &world.host_boot).unwrap();
    let (monitor, second_link) = (found.monitor.into_process().unwrap(), found.link.into_process().unwrap());
    assert_eq!(monitor.id(), launched.monitor.id());
    assert_eq!(second_link.id(), launched.link.id());
    for process in [&monitor, &second_link] {
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.id().pid)).unwrap();
        let session = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(3).unwrap();
        assert_eq!(session, process.id().pid.to_string(), "its session is its own");
    }
    // After a boot of the host the same numbers mean nobody.
    let other = "0f8b1f0e-7f0e-4a52-9d3c-0d6a8f3c2b11".parse().unwrap();
    assert_eq!(machine::find(&dir, &other).unwrap().monitor.found(), ProcessFound::Gone);

    machine::end(&dir, Some(&monitor), Some(&second_link)).await.unwrap();
    machine::end(&dir, Some(&monitor), Some(&second_link)).await.unwrap();
    assert_eq!(world.found(&dir), (ProcessFound::Gone, ProcessFound::Gone));
    assert_eq!(leftovers(&dir), [""; 0]);

    // Its console is kept, and goes on with the next boot.
    let before = console::end(&dir).unwrap();
    let again = machine::launch(&world.launch(&dir, &plan, &link)).await.unwrap();
    assert_ne!(again.monitor.id(), launched.monitor.id());
    wait_until("more is printed", || !console::read(&dir, before).unwrap().0.is_empty()).await;
    machine::discard(&dir, &world.host_boot).await.unwrap();
    assert!(!dir.exists());
    assert!(again.monitor.ended_within(LIMIT).await.unwrap().is_some());
}

#[tokio::test]
async fn a_link_that_is_gone_is_started_again_beside_its_monitor() {
    let world = World::new();
    let link = world.at("link");
    let (dir, plan) = world.machine("000102fdfeff");
    let launched = machine::launch(&world.launch(&dir, &plan, &link)).await.unwrap();
    assert!(launched.link.end(LIMIT).await.unwrap());
    assert_eq!(world.found(&dir), (ProcessFound::Lives, ProcessFound::Gone));

    let failing = world.program("failing-link", "echo port taken >&2; exit 1");
    let error = machine::relink(&dir, &failing, &plan.publish, &world.host_boot).await.unwrap_err();
    assert_eq!(error.to_string(), "the link ended at once: port taken");
    assert!(dir.join("serial.sock").exists(), "the monitor's socket stays");

    let second = machine::relink(&dir, &link, &plan.publish, &world.host_boot).await.unwrap();
    assert_eq!(world.found(&dir), (ProcessFound::Lives, ProcessFound::Lives));
    assert!(launched.monitor.end(LIMIT).await.unwrap());
    machine::finish(&dir, Some(&second)).await.unwrap();
    assert_eq!(world.found(&dir), (ProcessFound::Gone, ProcessFound::Gone));
    assert_eq!(leftovers(&dir), [""; 0]);
}

#[tokio::test]
async fn a_launch_that_fails_leaves_nothing_running_and_says_why() {
    let world = World::new();
    let link = world.at("link");
    let (dir, plan) = world.machine("000102fdfeff");
    let taken = world.program("taken", "echo publish port 80: Address already in use >&2; exit 1");
    let nowhere = world.at("nowhere");
    let broken = Qemu { program: "/bin/false".into(), ..world.qemu.clone() };
    let missing = Qemu { program: nowhere.clone(), ..world.qemu.clone() };
    let table: [(&Qemu, &Path, &str); 4] = [
        (&broken, &link, "the monitor ended at once: it said nothing"),
        (&missing, &link, "the monitor cannot be started"),
        (&world.qemu, &taken, "the link ended at once: publish port 80: Address already in use"),
        (&world.qemu, &nowhere, "the link cannot be started"),
    ];
    for (qemu, agent, want) in table {
        let launch = Launch { qemu, ..world.launch(&dir, &plan, agent) };
        let error = machine::launch(&launch).await.unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
        let (monitor, link) = world.found(&dir);
        assert!(monitor != ProcessFound::Lives && link != ProcessFound::Lives, "{error}");
        assert_eq!(leftovers(&dir), [""; 0], "{error}");
    }
}

#[tokio::test]
async fn a_launch_that_is_dropped_halfway_leaves_nothing_running() {
    let world = World::new();
    let slow = world.program("slow-link", "exec sleep 600");
    let (dir, plan) = world.machine("000102fdfeff");
    let launch = world.launch(&dir, &plan, &slow);
    let started = async {
        wait_until("the link runs", || world.found(&dir).1 == ProcessFound::Lives).await;
        machine::find(&dir, &world.host_boot).unwrap().link.into_process().unwrap()
    };
    let link = tokio::select! {
        outcome = machine::launch(&launch) => panic!("it has no ports: {outcome:?}"),
        link = started => link,
    };
    assert!(link.ended_within(LIMIT).await.unwrap().is_some());
    assert_eq!(world.found(&dir).1, ProcessFound::Gone);
}

#[tokio::test]
async fn a_kernel_that_is_not_there_is_named() {
    let world = World::new();
    let link = world.at("link");
    let (dir, plan) = world.machine("000102fdfeff");
    let no_kernel = BootPlan { kernel: "/nowhere/vmlinux".into(), ..plan };
    let said = why_it_ends(&world.launch(&dir, &no_kernel, &link)).await;
    assert!(said.contains("/nowhere/vmlinux"), "{said}");
    assert_eq!(leftovers(&dir), [""; 0]);
}

#[tokio::test]
async fn two_monitors_never_have_one_disk() {
    let world = World::new();
    let link = world.at("link");
    let (dir, plan) = world.machine("000102fdfeff");
    let (second_dir, second_plan) = world.machine("000102fdfefe");
    fs::remove_file(second_dir.join("root.raw")).unwrap();
    fs::hard_link(dir.join("root.raw"), second_dir.join("root.raw")).unwrap();
    let first = machine::launch(&world.launch(&dir, &plan, &link)).await.unwrap();
    let said = why_it_ends(&world.launch(&second_dir, &second_plan, &link)).await;
    assert!(said.contains("lock"), "{said}");
    machine::end(&dir, Some(&first.monitor), Some(&first.link)).await.unwrap();
}

#[tokio::test]
async fn a_guest_that_resets_ends_its_monitor() {
    let world = World::new();
    fs::write(world.at("kernel"), kernel("up and out", RESET)).unwrap();
    let link = world.at("link");
    let (dir, plan) = world.machine("000102fdfeff");
    match machine::launch(&world.launch(&dir, &plan, &link)).await {
        Ok(launched) => {
            assert_eq!(launched.monitor.ended_within(LIMIT).await.unwrap(), Some(Exit::Code(0)));
            machine::finish(&dir, Some(&launched.link)).await.unwrap();
        }
        // It was over before anybody looked.
        Err(error) => assert!(matches!(error, MachineError::EndedAtOnce { part: "monitor", .. }), "{error}"),
    }
    printed(&dir, "up and out").await;
}

#[tokio::test]
async fn a_probe_tells_kernels_that_come_up_from_those_that_do_not() {
    let world = World::new();
    let (dir, kernel_file, initramfs) = (world.temp.path(), world.at("kernel"), world.at("initramfs"));
    let probe = Probe {
        state_dir: dir,
        monitor: &Monitor::Qemu(world.qemu.clone()),
        kernel: &kernel_file,
        digest: Digest::from_bytes([0; 32]),
        initramfs: &initramfs,
        host_boot: &world.host_boot,
    };
    let patient = Patience { silence_max: LIMIT, boot_max: LIMIT };
    let soon = Patience { silence_max: Duration::from_secs(6), boot_max: LIMIT };
    let short = Patience { silence_max: LIMIT, boot_max: Duration::from_secs(6) };
    let table: [(&str, &[u8], Patience, Option<&str>); 5] = [
        (probe::PROBE_OK, RESET, patient, None),
        ("something else", RESET, patient, Some("QEMU ended: it said nothing")),
        ("halfway", HALT, soon, Some("the kernel printed nothing new for 6 s; its last line: halfway")),
        ("on", PRINT, short, Some("the kernel did not come up within 6 s; its last line: .")),
        (probe::PROBE_OK, HALT, soon, Some("the kernel came up and did not power off within 6 s")),
    ];
    for (line, then, patience, want) in table {
        fs::write(&kernel_file, kernel(line, then)).unwrap();
        let verdict = probe::boot(&probe, Accel::Emulated, patience).await;
        let want = want.map_or(KvmVerdict::Usable, |why| KvmVerdict::NotUsable { why: why.to_owned() });
        assert_eq!(verdict, want, "{line}");
        assert!(!dir.join("probe").exists());
    }
}

/// Whether KVM works here or not, asking costs a boot once at most.
#[tokio::test]
async fn a_verdict_is_found_out_once_and_kept() {
    let world = World::new();
    let (dir, kernel_file, initramfs) = (world.temp.path(), world.at("kernel"), world.at("initramfs"));
    let probe = Probe {
        state_dir: dir,
        monitor: &Monitor::Qemu(world.qemu.clone()),
        kernel: &kernel_file,
        digest: Digest::from_bytes([0; 32]),
        initramfs: &initramfs,
        host_boot: &world.host_boot,
    };
    fs::write(&kernel_file, kernel("nothing", RESET)).unwrap();
    let first = probe::verdict(&probe).await;
    assert!(matches!(first, KvmVerdict::NotUsable { .. }), "{first:?}");
    // A kernel that comes up now is not looked at: the verdict is for the digest.
    fs::write(&kernel_file, kernel(probe::PROBE_OK, RESET)).unwrap();
    assert_eq!(probe::verdict(&probe).await, first);
}

#[tokio::test]
async fn a_probe_that_was_cut_short_is_cleared_up() {
    let world = World::new();
    let (dir, plan) = world.machine("probe");
    let link = world.at("link");
    let launched = machine::launch(&world.launch(&dir, &plan, &link)).await.unwrap();
    probe::sweep(world.temp.path(), &world.host_boot).await.unwrap();
    assert!(Process::find(launched.monitor.id()).unwrap().is_none());
    assert!(!dir.exists());
    probe::sweep(world.temp.path(), &world.host_boot).await.unwrap();
}
