//! Machines, from files that the owner made to processes that are the machines' own.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::Command,
};

use bangerd_root::{
    helper::{Helper, Programs},
    net::NoNetwork,
    units::{Part, unit_name},
};
use model::VmId;
use privileged::{
    Accel, Code, Launch, Launched, Machine, Machines, Monitor, ProcessId, Refusal, Relink, Reply, Request,
    Root, SignalMonitor, Sweep, UnitState, server::Call,
};

use crate::{
    direct::Direct,
    world::{OWNER, World, ask, launch, op, vm, wait_until},
};

type Helping = Helper<Direct, NoNetwork>;

async fn helper(world: &World) -> (Helping, Direct) {
    let release = world.root().join("release");
    if !release.exists() {
        fs::create_dir(&release).unwrap();
        let built = Path::new(env!("CARGO_BIN_EXE_bangerd-root"));
        for name in ["bangerd-root", "banger-vsock-agent"] {
            let from = built.with_file_name(name);
            assert!(from.is_file(), "{name} is not built: cargo build -p {name}");
            fs::copy(from, release.join(name)).unwrap();
        }
    }
    let words = [release.join("bangerd-root").display().to_string(), "--prefix".to_owned()];
    let helper = words.into_iter().chain([world.root().display().to_string()]).collect();
    let units = Direct::default();
    let parts = (units.clone(), NoNetwork);
    (Helper::open(world.places(), OWNER, Programs { helper }, parts).await.unwrap(), units)
}

async fn answer(helper: &Helping, request: Request) -> Result<Reply, Refusal> {
    helper.answer(Call { op: op(), request, uid: OWNER }).await
}

async fn lease(helper: &Helping, id: &VmId, name: &str) -> u32 {
    match answer(helper, Request::Lease(ask(id, name))).await.unwrap() {
        Reply::Lease(lease) => lease.uid,
        other => unreachable!("{other:?}"),
    }
}

async fn launched(helper: &Helping, launch: Launch) -> Launched {
    match answer(helper, Request::Launch(Box::new(launch))).await.unwrap() {
        Reply::Launch(launched) => launched,
        other => unreachable!("{other:?}"),
    }
}

async fn machines(helper: &Helping) -> Machines {
    match answer(helper, Request::Machines).await.unwrap() {
        Reply::Machines(machines) => machines,
        other => unreachable!("{other:?}"),
    }
}

async fn printed(world: &World, id: &VmId) {
    let console = world.state(&format!("vms/{id}/console.log"));
    wait_until("the guest prints", || fs::read_to_string(&console).unwrap().contains("up and halted")).await;
}

/// What `/proc/<pid>/status` says under a name.
fn status(process: ProcessId, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn left(world: &World) -> usize {
    let places = world.places();
    [places.jails(), places.links()].iter().map(|dir| fs::read_dir(dir).unwrap().count()).sum()
}

#[tokio::test]
async fn both_processes_are_the_machines_own_and_hold_nothing_of_roots() {
    let world = World::new();
    let (helper, _units) = helper(&world).await;
    world.machine(&vm(1));
    let uid = lease(&helper, &vm(1), "box").await;
    let Launched { monitor, link } = launched(&helper, launch(&vm(1))).await;
    printed(&world, &vm(1)).await;
    for process in [monitor, link] {
        assert_eq!(status(process, "Uid"), format!("{uid} {uid} {uid} {uid}"));
        assert_eq!(status(process, "Gid"), format!("{uid} {uid} {uid} {uid}"));
        assert_eq!(status(process, "Groups"), "");
        assert_eq!(status(process, "NoNewPrivs"), "1");
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(status(process, set), "0000000000000000", "{set}");
        }
        let environment = fs::read_to_string(format!("/proc/{}/environ", process.pid)).unwrap();
        assert_eq!(environment.matches('=').count(), 2, "{environment}");
    }
    // Its disks are its own and the owner's; what others share it may only read; the rest it cannot touch.
    let seen = |path: &Path| {
        let meta = fs::symlink_metadata(path).unwrap();
        (meta.uid(), meta.gid(), meta.mode() & 0o7777)
    };
    let (jail, links) = (world.places().jail(&vm(1)), world.places().link(&vm(1)));
    assert_eq!(seen(&jail), (0, uid, 0o710));
    assert_eq!(seen(&jail.join("launch.json")), (0, 0, 0o600));
    assert_eq!(seen(&jail.join("root.raw")), (OWNER, uid, 0o660));
    assert_eq!(seen(&jail.join("kernel")), (OWNER, OWNER, 0o644));
    assert_eq!(seen(&links), (uid, uid, 0o711));
    assert_eq!(seen(&links.join("link.sock")), (OWNER, 0, 0o600));
    assert_eq!(seen(&links.join("ports.json")), (uid, uid, 0o644));

    assert_eq!(
        answer(&helper, Request::End(Machine { id: vm(1) })).await.unwrap(),
        Reply::Done(privileged::Nothing {})
    );
    assert_eq!(left(&world), 0);
    assert!(world.state(&format!("vms/{}/root.raw", vm(1))).exists());
    answer(&helper, Request::End(Machine { id: vm(1) })).await.unwrap();
}

#[tokio::test]
async fn a_machine_that_runs_is_not_launched_again_and_one_that_ended_is() {
    let world = World::new();
    let (helper, units) = helper(&world).await;
    world.machine(&vm(1));
    lease(&helper, &vm(1), "box").await;
    let first = launched(&helper, launch(&vm(1))).await;
    let again = answer(&helper, Request::Launch(Box::new(launch(&vm(1))))).await.unwrap_err();
    assert_eq!(again.code, Code::WrongState, "{again}");
    let state = &machines(&helper).await.machines[0];
    assert_eq!((state.monitor.state, state.monitor.process), (UnitState::Active, Some(first.monitor)));
    assert_eq!(state.link.process, Some(first.link));

    let kill = SignalMonitor { id: vm(1), signal: 9.try_into().unwrap() };
    assert_eq!(
        answer(&helper, Request::Signal(kill.clone())).await.unwrap(),
        Reply::Signal(privileged::Signalled { delivered: true })
    );
    let name = unit_name(Part::Monitor, &vm(1));
    wait_until("the monitor is gone", || units.is_down(&name)).await;
    assert_eq!(
        answer(&helper, Request::Signal(kill)).await.unwrap(),
        Reply::Signal(privileged::Signalled { delivered: false })
    );
    // Its link ends with it; what is left of both is no hindrance.
    answer(&helper, Request::End(Machine { id: vm(1) })).await.unwrap();
    let second = launched(&helper, launch(&vm(1))).await;
    assert_ne!(first.monitor, second.monitor);
    answer(&helper, Request::Release(Machine { id: vm(1) })).await.unwrap();
    assert_eq!((left(&world), machines(&helper).await.machines.len()), (0, 0));
}

#[tokio::test]
async fn a_link_is_started_again_with_other_ports() {
    let world = World::new();
    let (helper, _units) = helper(&world).await;
    world.machine(&vm(1));
    lease(&helper, &vm(1), "box").await;
    let ask = Relink { id: vm(1), publish: vec!["22".parse().unwrap()] };
    let early = answer(&helper, Request::Relink(ask.clone())).await.unwrap_err();
    assert_eq!(early.code, Code::WrongState, "{early}");
    let first = launched(&helper, launch(&vm(1))).await;
    let relinked = answer(&helper, Request::Relink(ask)).await.unwrap();
    let Reply::Relink(second) = relinked else { unreachable!("{relinked:?}") };
    assert_ne!(first.link, second.link);
    let ports = fs::read_to_string(world.places().link(&vm(1)).join("ports.json")).unwrap();
    assert!(ports.contains("\"guest\":22"), "{ports}");
    answer(&helper, Request::End(Machine { id: vm(1) })).await.unwrap();
}

#[tokio::test]
async fn why_a_launch_failed_is_told_and_nothing_of_it_is_left() {
    let world = World::new();
    let (helper, _units) = helper(&world).await;
    world.machine(&vm(1));
    lease(&helper, &vm(1), "box").await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut publishing = launch(&vm(1));
    let port = taken.local_addr().unwrap().port();
    publishing.spec.publish = vec![format!("{port}:80").parse().unwrap()];
    let refusal = answer(&helper, Request::Launch(Box::new(publishing))).await.unwrap_err();
    assert_eq!(refusal.code, Code::Machine, "{refusal}");
    assert!(refusal.message.contains("Address already in use") && refusal.hint.is_some(), "{refusal}");
    assert_eq!(left(&world), 0);

    // What the launcher itself cannot do is told in the same way.
    fs::remove_file(world.root().join("release/banger-vsock-agent")).unwrap();
    let refusal = answer(&helper, Request::Launch(Box::new(launch(&vm(1))))).await.unwrap_err();
    assert!(refusal.message.contains("banger-vsock-agent cannot be executed"), "{refusal}");
    assert_eq!(left(&world), 0);
}

/// Root executes Firecracker and its jailer: only its own programs, and only such as run in a jail.
#[tokio::test]
async fn a_firecracker_that_root_would_not_run_is_not_launched() {
    let world = World::new();
    let (helper, _units) = helper(&world).await;
    lease(&helper, &vm(1), "box").await;
    world.machine(&vm(1));
    world.own(&format!("vms/{}/metrics.json", vm(1)), b"");
    let anybodys = world.root().join("firecracker");
    fs::copy("/bin/true", &anybodys).unwrap();
    let named =
        |firecracker: &str| format!("firecracker_bin = \"{firecracker}\"\njailer_bin = \"/bin/true\"\n");
    for (config, code, words) in [
        ("jailer_enabled = false\n".to_owned(), Code::HostLacks, "its jailer, which is switched off"),
        (named("/nowhere/firecracker"), Code::HostLacks, "/nowhere/firecracker is not installed"),
        (named(anybodys.to_str().unwrap()), Code::Forbidden, "is not root's alone to write"),
        (named("/bin/true"), Code::HostLacks, "is linked dynamically"),
    ] {
        let file = world.places().config();
        fs::write(&file, &config).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let jailed = Launch { monitor: Monitor::Firecracker, accel: Accel::Kvm, ..launch(&vm(1)) };
        let refusal = answer(&helper, Request::Launch(Box::new(jailed))).await.unwrap_err();
        assert_eq!(refusal.code, code, "{config}: {refusal}");
        assert!(refusal.message.contains(words), "{config}: {refusal}");
        assert!(refusal.hint.is_some(), "{config}: {refusal}");
        assert_eq!(fs::read_dir(world.places().jails()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn what_a_disk_says_of_its_image_is_not_believed() {
    let world = World::new();
    let (helper, _units) = helper(&world).await;
    world.machine(&vm(1));
    lease(&helper, &vm(1), "box").await;
    let disk = world.root().join("disk");
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", "raw", "-u", "-b", "/etc/shadow"])
        .arg(&disk)
        .arg("16M")
        .status();
    assert!(made.unwrap().success(), "qemu-img is installed (package qemu-utils)");
    world.own(&format!("vms/{}/root.qcow2", vm(1)), &fs::read(disk).unwrap());
    let root = Root::Qcow2 { backing: "images/i/root.ext4".parse().unwrap() };
    let launched = launched(&helper, Launch { root, ..launch(&vm(1)) }).await;
    printed(&world, &vm(1)).await;
    let open: Vec<_> = fs::read_dir(format!("/proc/{}/fd", launched.monitor.pid))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .collect();
    let has = |name: &str| open.iter().any(|path| path.ends_with(name));
    assert!(has("backing") && has("root.qcow2") && !has("shadow"), "{open:?}");
    answer(&helper, Request::End(Machine { id: vm(1) })).await.unwrap();
}

#[tokio::test]
async fn a_sweep_releases_all_that_it_does_not_name() {
    let world = World::new();
    let (helper, units) = helper(&world).await;
    for (number, name) in [(1, "one"), (2, "two")] {
        world.machine(&vm(number));
        lease(&helper, &vm(number), name).await;
        launched(&helper, launch(&vm(number))).await;
    }
    // One that nobody remembers.
    fs::create_dir(world.places().jail(&vm(3))).unwrap();
    let swept = answer(&helper, Request::Sweep(Sweep { keep: vec![vm(1)] })).await.unwrap();
    assert_eq!(swept, Reply::Sweep(privileged::Swept { released: vec![vm(2), vm(3)] }));
    let kept = machines(&helper).await.machines;
    assert_eq!(kept.iter().map(|machine| machine.lease.id.clone()).collect::<Vec<_>>(), [vm(1)]);
    assert_eq!(kept[0].monitor.state, UnitState::Active);

    // One whose guest does not answer is not waited for.
    units.ask_to_stop(&unit_name(Part::Monitor, &vm(1)));
    answer(&helper, Request::Sweep(Sweep { keep: vec![] })).await.unwrap();
    assert_eq!((left(&world), machines(&helper).await.machines.len()), (0, 0));
}

#[tokio::test]
async fn facts_name_what_has_no_lease() {
    let world = World::new();
    let (helper, _units) = helper(&world).await;
    world.machine(&vm(1));
    lease(&helper, &vm(1), "box").await;
    fs::create_dir(world.places().jail(&vm(3))).unwrap();
    fs::set_permissions(world.places().jail(&vm(3)), fs::Permissions::from_mode(0o700)).unwrap();
    let told = answer(&helper, Request::Facts).await.unwrap();
    let Reply::Facts(facts) = told else { unreachable!("{told:?}") };
    assert_eq!(facts.stale_machines, [vm(3).to_string()]);
    assert_eq!(facts.leased, [vm(1)]);
    assert!(facts.one_file_system && facts.uid_conflicts.is_empty(), "{facts:?}");
}
