//! How each request and each reply is written: frozen, since a change here is a change of the contract.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use model::{Size, VmSpec};
use privileged::{
    Accel, Code, Facts, Hello, Launch, Launched, Lease, LeaseAsk, Machine, MachineState, Machines, Monitor,
    NetworkFact, NetworkPart, Nothing, ProcessId, Refusal, Relink, Relinked, Reply, Request, Root,
    SignalMonitor, Signalled, Sweep, Swept, UidRange, Unit, UnitState,
};

fn id() -> model::VmId {
    "000102fdfeff".parse().unwrap()
}

fn spec() -> VmSpec {
    VmSpec {
        vcpus: 2.try_into().unwrap(),
        memory: Size::from_mib(1024),
        disk_size: Size::from_gib(8),
        system_overlay_size: Size::from_gib(8),
        nat: true,
        publish: vec!["8080:80".parse().unwrap(), "22".parse().unwrap()],
    }
}

fn launch() -> Launch {
    Launch {
        monitor: Monitor::Qemu,
        id: id(),
        spec: spec(),
        accel: Accel::Emulated,
        tsc_khz: Some(2_450_000),
        kernel: "kernels/k/vmlinux".parse().unwrap(),
        initramfs: "kernels/k/initramfs".parse().unwrap(),
        modules_disk: Some("kernels/k/modules.ext4".parse().unwrap()),
        root: Root::Qcow2 { backing: "images/i/root.ext4".parse().unwrap() },
    }
}

fn lease() -> Lease {
    Lease {
        id: id(),
        name: "box".parse().unwrap(),
        nat: true,
        uid: 700_001,
        address: [10, 77, 0, 2].into(),
        prefix_len: 16,
        gateway: [10, 77, 0, 1].into(),
        name_servers: vec![[10, 77, 0, 1].into()],
        mac: "52:54:00:12:34:56".parse().unwrap(),
        tap: "bgr-00010203".parse().unwrap(),
        bridge: "banger0".parse().unwrap(),
    }
}

fn requests() -> Vec<Request> {
    let raw = Launch {
        monitor: Monitor::Firecracker,
        accel: Accel::Kvm,
        tsc_khz: None,
        modules_disk: None,
        root: Root::Raw {},
        ..launch()
    };
    vec![
        Request::Hello,
        Request::Lease(LeaseAsk { id: id(), name: "box".parse().unwrap(), nat: true }),
        Request::Launch(Box::new(launch())),
        Request::Launch(Box::new(raw)),
        Request::Relink(Relink { id: id(), publish: spec().publish }),
        Request::Signal(SignalMonitor { id: id(), signal: 15.try_into().unwrap() }),
        Request::End(Machine { id: id() }),
        Request::Release(Machine { id: id() }),
        Request::Machines,
        Request::Sweep(Sweep { keep: vec![id()] }),
        Request::Apply,
        Request::Facts,
    ]
}

fn replies() -> Vec<Reply> {
    let process = ProcessId { pid: 42, started_ticks: 4242 };
    let unit = |state, process| Unit { state, process };
    let machine = MachineState {
        lease: lease(),
        monitor: unit(UnitState::Active, Some(process)),
        link: unit(UnitState::Failed, None),
    };
    vec![
        Reply::Hello(Hello {
            snapshots: true,
            version: "v1.2.3".parse().unwrap(),
            owner_uid: 1000,
            bridge: "banger0".parse().unwrap(),
            network: Some(([10, 77, 0, 1].into(), 16)),
            monitor: Some("/usr/bin/qemu-system-x86_64: QEMU 7.2.22".to_owned()),
        }),
        Reply::Lease(lease()),
        Reply::Launch(Launched { monitor: process, link: process }),
        Reply::Relink(Relinked { link: process }),
        Reply::Signal(Signalled { delivered: true }),
        Reply::Done(Nothing {}),
        Reply::Machines(Machines { machines: vec![machine] }),
        Reply::Sweep(Swept { released: vec![id()] }),
        Reply::Facts(Facts {
            uids: UidRange { first: 700_000, count: 65_536 },
            uid_conflicts: vec!["user x has 700001".to_owned()],
            one_file_system: true,
            stale_units: vec!["banger-vm-000102fdfeff.service".to_owned()],
            stale_machines: vec![],
            stale_taps: vec!["bgr-00010203".to_owned()],
            stale_rules: vec!["bgr-00010203".to_owned()],
            stale_maps: vec!["banger-000102030405".to_owned()],
            leased: vec![id()],
            network: vec![NetworkFact {
                about: NetworkPart::Names,
                what: "/etc/hosts is mounted over".to_owned(),
                hint: None,
            }],
        }),
    ]
}

#[test]
fn requests_are_written_so() {
    let line = |request: &Request| {
        format!("POST /v1/{}\n{}\n", request.name(), String::from_utf8(request.body().unwrap()).unwrap())
    };
    insta::assert_snapshot!(requests().iter().map(line).collect::<String>());
}

#[test]
fn replies_are_written_so() {
    let line = |reply: &Reply| serde_json::to_string(reply).unwrap() + "\n";
    insta::assert_snapshot!(replies().iter().map(line).collect::<String>());
}

#[test]
fn refusals_are_written_so() {
    let lines = Code::ALL.map(|code| {
        let refusal = Refusal::new(code, "launch: why").hinted("Do this.");
        format!("{} {}\n", code.status(), serde_json::to_string(&refusal).unwrap())
    });
    insta::assert_snapshot!(lines.concat());
}

#[test]
fn what_is_written_is_read_and_nothing_besides() {
    for request in requests() {
        let body = request.body().unwrap();
        assert_eq!(Request::parse(request.name(), &body).unwrap(), request);
        let mut value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        value["more"] = 1.into();
        let body = serde_json::to_vec(&value).unwrap();
        assert!(Request::parse(request.name(), &body).is_err(), "{request:?}");
    }
}

#[test]
fn calls_that_cannot_be_meant_are_refused_and_say_why() {
    let whole = String::from_utf8(requests()[2].body().unwrap()).unwrap();
    let with = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        whole.replace(from, to)
    };
    let ids = (0..4097).map(|_| "\"000102fdfeff\"").collect::<Vec<_>>().join(",");
    let table = [
        ("exec", "{}".to_owned()),
        ("hello", "{\"x\":1}".to_owned()),
        ("hello", "[".to_owned()),
        ("hello", "null".to_owned()),
        ("launch", String::new()),
        ("launch", with("kernels/k/vmlinux", "../../etc/shadow")),
        ("launch", with("kernels/k/vmlinux", "/etc/shadow")),
        ("launch", with("kernels/k/vmlinux", "kernels/k\\nx")),
        ("launch", with("images/i/root.ext4", "images//root.ext4")),
        ("launch", with("000102fdfeff", "../102fdfeff")),
        ("launch", with("\"vcpus\":2", "\"vcpus\":33")),
        ("launch", with("\"memory\":1073741824", "\"memory\":1")),
        ("launch", with("\"nat\":true", "\"nat\":true,\"argv\":[]")),
        ("launch", with("\"guest\":80", "\"guest\":80,\"address\":\"0.0.0.0\"")),
        ("launch", with("\"format\":\"qcow2\"", "\"format\":\"vmdk\"")),
        ("launch", with("\"format\":\"qcow2\"", "\"format\":\"raw\"")),
        ("launch", with("\"format\":\"qcow2\"", "\"format\":\"snapshot\"")),
        ("launch", with("\"accel\":\"emulated\"", "\"accel\":\"xen\"")),
        ("launch", with("\"monitor\":\"qemu\"", "\"monitor\":\"firecracker\"")),
        ("launch", with("\"monitor\":\"qemu\"", "\"monitor\":\"/bin/sh\"")),
        ("launch", with("\"accel\":\"emulated\"", "\"accel\":\"kvm\",\"accel\":\"kvm\"")),
        (
            "relink",
            "{\"id\":\"000102fdfeff\",\"publish\":[{\"host\":80,\"guest\":1},{\"host\":80,\"guest\":2}]}"
                .to_owned(),
        ),
        ("signal", "{\"id\":\"000102fdfeff\",\"signal\":0}".to_owned()),
        ("signal", "{\"id\":\"000102fdfeff\",\"signal\":17}".to_owned()),
        ("signal", "{\"id\":\"000102fdfeff\",\"pid\":1,\"signal\":9}".to_owned()),
        ("lease", "{\"id\":\"000102fdfeff\",\"name\":\"a b\",\"nat\":true}".to_owned()),
        ("lease", "{\"id\":\"000102fdfeff\",\"name\":\"a\\n127.0.0.1 b\",\"nat\":true}".to_owned()),
        ("sweep", format!("{{\"keep\":[{ids}]}}")),
        ("end", "{\"id\":\"banger\"}".to_owned()),
    ];
    let told = table.map(|(operation, body)| {
        let error = Request::parse(operation, body.as_bytes()).expect_err(&body);
        format!("{}\n", Refusal::from(error))
    });
    insta::assert_snapshot!(told.concat());
}
