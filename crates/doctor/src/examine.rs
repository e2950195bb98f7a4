//! Every check, in order.

use model::Check;

use crate::{Facts, checks, system};

/// Says what each fact means, in a fixed order.
#[must_use]
pub fn examine(facts: &Facts) -> Vec<Check> {
    let mut all = vec![checks::architecture(facts), checks::store(facts), checks::monitor(facts)];
    all.extend(checks::firecracker(facts));
    all.push(checks::kvm(facts));
    all.extend(checks::tools(facts));
    all.extend([
        checks::agent(facts),
        checks::image(facts),
        checks::kernel(facts),
        checks::room(facts),
        checks::socket(facts),
        checks::strays(facts),
        checks::records(facts),
        checks::loops(facts),
        checks::boots(facts),
        checks::logout(facts),
    ]);
    all.extend(system::all(facts));
    all
}

#[cfg(test)]
mod tests {
    use model::{Size, Verdict};

    use super::*;
    use crate::{
        AgentFact, Drift, FilesFact, Finding, FirecrackerFact, HelperFact, HelperFacts, InstallFacts,
        KvmFact, MonitorFact, NAMES, NamedFact, ServicesFact, SocketFact, StoreFact, ToolFact,
        examine_install,
    };

    fn good() -> Facts {
        Facts {
            architecture: "x86_64".to_owned(),
            store: StoreFact::Usable { version: 1 },
            monitor: MonitorFact::Found { path: "/usr/bin/qemu-system-x86_64".into(), version: (7, 2) },
            firecracker: FirecrackerFact::Found {
                name: "Firecracker 1.17.0".to_owned(),
                path: "/usr/local/bin/firecracker".into(),
                is_tried: true,
            },
            kvm: KvmFact::Usable,
            tools: vec![
                ToolFact {
                    name: "qemu-img",
                    path: Some("/usr/bin/qemu-img".into()),
                    needed_for: "disks",
                    package: "qemu-utils",
                    is_vital: true,
                },
                ToolFact {
                    name: "mmdebstrap",
                    path: Some("/usr/bin/mmdebstrap".into()),
                    needed_for: "building images",
                    package: "mmdebstrap",
                    is_vital: false,
                },
            ],
            image: NamedFact { name: Some("debian-bookworm".to_owned()), is_there: true, can_be_made: true },
            kernel: NamedFact {
                name: Some("6.1.0-40-cloud-amd64".to_owned()),
                is_there: true,
                can_be_made: true,
            },
            agent: AgentFact::Runs { version: "v0.1.0".to_owned(), wanted: "v0.1.0".to_owned() },
            state_dir: "/home/u/.local/state/banger".into(),
            room: Size::from_gib(100),
            socket: SocketFact {
                path: "/run/user/1000/banger/bangerd.sock".into(),
                owner: Some(1000),
                mode: 0o600,
                uid: 1000,
            },
            strays: vec![],
            lost: vec![],
            unsettled: vec![],
            loops: vec![],
            helper: HelperFact::NotWanted,
            boots_retried: 0,
            logout_kills: false,
        }
    }

    fn rendered(facts: &Facts) -> String {
        let line = |check: Check| {
            let hint = check.hint.map(|hint| format!("\n      {hint}")).unwrap_or_default();
            format!("{:?} {}: {}{hint}\n", check.verdict, check.name, check.found)
        };
        examine(facts).into_iter().map(line).collect()
    }

    #[test]
    fn a_host_that_has_everything() {
        assert!(examine(&good()).iter().all(|check| check.verdict == Verdict::Pass));
        insta::assert_snapshot!(rendered(&good()));
    }

    #[test]
    fn a_host_that_is_fresh() {
        let mut facts = good();
        facts.kvm = KvmFact::NotTried;
        facts.image.is_there = false;
        facts.kernel = NamedFact { name: None, is_there: false, can_be_made: true };
        facts.tools[1].path = None;
        facts.room = Size::from_gib(6);
        assert!(examine(&facts).iter().all(|check| check.verdict != Verdict::Fail));
        insta::assert_snapshot!(rendered(&facts));
    }

    #[test]
    fn a_host_that_has_nothing() {
        let facts = Facts {
            architecture: "aarch64".to_owned(),
            store: StoreFact::Unusable {
                why: "it is damaged".to_owned(),
                hint: "Put a copy back.".to_owned(),
            },
            monitor: MonitorFact::Missing { program: "qemu-system-x86_64".to_owned() },
            kvm: KvmFact::NotUsable { why: "/dev/kvm is not there".to_owned() },
            tools: good().tools.into_iter().map(|tool| ToolFact { path: None, ..tool }).collect(),
            image: NamedFact { name: Some("mine".to_owned()), is_there: false, can_be_made: false },
            kernel: NamedFact { name: Some("mine".to_owned()), is_there: false, can_be_made: false },
            agent: AgentFact::Missing { path: "/opt/banger/banger-vsock-agent".into() },
            room: Size::from_mib(100),
            socket: SocketFact { owner: None, ..good().socket },
            strays: vec!["process 17 of machine 0123456789ab".to_owned(), "directory vms/x".to_owned()],
            lost: vec!["/s/vms/0123456789ab".into()],
            boots_retried: 3,
            logout_kills: true,
            ..good()
        };
        insta::assert_snapshot!(rendered(&facts));
    }

    #[test]
    fn the_other_ways_to_be_wrong() {
        let lacking = |is_wanted| FirecrackerFact::Missing {
            why: "jailer is not installed".to_owned(),
            hint: "Install it.".to_owned(),
            is_wanted,
        };
        let untried = FirecrackerFact::Found {
            name: "Firecracker 1.9.1".to_owned(),
            path: "/usr/local/bin/firecracker".into(),
            is_tried: false,
        };
        let found = |version| MonitorFact::Found { path: "/usr/bin/qemu".into(), version };
        let runs =
            |version: &str| AgentFact::Runs { version: version.to_owned(), wanted: "v0.1.0".to_owned() };
        let table: Vec<(&str, Facts)> = vec![
            ("monitor", Facts { monitor: found((7, 1)), ..good() }),
            ("firecracker", Facts { firecracker: lacking(false), ..good() }),
            ("firecracker", Facts { firecracker: lacking(true), ..good() }),
            ("firecracker", Facts { firecracker: untried, ..good() }),
            ("monitor", Facts { monitor: found((10, 0)), ..good() }),
            (
                "monitor",
                Facts {
                    monitor: MonitorFact::Broken {
                        path: "/usr/bin/qemu".into(),
                        why: "it crashed".to_owned(),
                    },
                    ..good()
                },
            ),
            ("kvm", Facts { kvm: KvmFact::NotWanted, ..good() }),
            ("agent", Facts { agent: runs("v0.0.9"), ..good() }),
            (
                "agent",
                Facts {
                    agent: AgentFact::NotRunnable { path: "/opt/a".into(), why: "no such file".to_owned() },
                    ..good()
                },
            ),
            ("socket", Facts { socket: SocketFact { mode: 0o666, ..good().socket }, ..good() }),
            ("socket", Facts { socket: SocketFact { owner: Some(0), ..good().socket }, ..good() }),
        ];
        let told: Vec<String> = table
            .iter()
            .map(|(name, facts)| {
                let check = examine(facts).into_iter().find(|check| check.name == *name).unwrap();
                let hint = check.hint.map(|hint| format!("\n      {hint}")).unwrap_or_default();
                format!("{:?} {}: {}{hint}", check.verdict, check.name, check.found)
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    fn good_install() -> InstallFacts {
        let release = "/usr/local/lib/banger/releases/v1.0.0";
        InstallFacts {
            asking: "v1.0.0".to_owned(),
            recorded: "v1.0.0".to_owned(),
            owner: "ann".to_owned(),
            files: FilesFact::Same { release: release.into() },
            units: vec![],
            layout: vec![],
            services: ServicesFact::Told { down: vec![], unread: vec![] },
            helper_socket: SocketFact {
                path: "/run/banger-root/bangerd-root.sock".into(),
                owner: Some(1000),
                mode: 0o600,
                uid: 1000,
            },
        }
    }

    fn bad_installs() -> Vec<InstallFacts> {
        let release = || "/usr/local/lib/banger/releases/v1.0.0".into();
        let drift = |path: &str, is_missing| vec![Drift { path: path.into(), is_missing }];
        let down = vec!["bangerd.service is failed".to_owned()];
        let differ = FilesFact::Differ { release: release(), programs: vec!["bangerd".to_owned()] };
        let told = |down, unread| ServicesFact::Told { down, unread };
        vec![
            InstallFacts {
                asking: "v2.0.0".to_owned(),
                files: FilesFact::NoRecord { release: release() },
                units: drift("/etc/systemd/system/bangerd.socket", false),
                services: told(vec![], vec!["bangerd.service".to_owned()]),
                ..good_install()
            },
            InstallFacts {
                files: differ,
                units: drift("/etc/systemd/system/bangerd.socket", true),
                layout: drift("/usr/local/bin/banger", true),
                services: told(down, vec![]),
                helper_socket: SocketFact { mode: 0o666, ..good_install().helper_socket },
                ..good_install()
            },
            InstallFacts {
                files: FilesFact::Unreadable { why: "no release is in use".to_owned() },
                services: ServicesFact::Unknown { why: "the bus does not answer".to_owned() },
                ..good_install()
            },
        ]
    }

    fn helped(told: HelperFacts) -> Facts {
        Facts { helper: HelperFact::Told(told), ..good() }
    }

    fn bad_helpers() -> Vec<Facts> {
        let found = |what: &str, hint: Option<&str>| {
            vec![Finding { what: what.to_owned(), hint: hint.map(str::to_owned) }]
        };
        vec![
            helped(HelperFacts {
                network: found("the bridge banger0 is not there, or not up", None),
                routes: found("the route to 10.0.0.0/8 dev tun0 leads into the machines' subnet", None),
                forward: found("docker's policy drops what machines send", None),
                names: found("/etc/hosts lacks the names of machines", Some("Mend it: `nano /etc/hosts`.")),
                strays: (0..7).map(|each| format!("tap bvm{each}")).collect(),
                uid_conflicts: vec!["ann has 1879048192".to_owned()],
                one_file_system: false,
            }),
            Facts {
                helper: HelperFact::Unreachable { why: "nobody listens".to_owned() },
                unsettled: vec!["box is recorded as running, and its monitor is gone".to_owned()],
                loops: vec![("/dev/loop3".to_owned(), "/var/lib/banger/x".into())],
                ..good()
            },
        ]
    }

    fn lines(checks: Vec<Check>) -> String {
        let not_ok = checks.into_iter().filter(|check| check.verdict != Verdict::Pass);
        let line = |check: Check| {
            format!(
                "{:?} {}: {}\n      {}\n",
                check.verdict,
                check.name,
                check.found,
                check.hint.unwrap_or_default()
            )
        };
        not_ok.map(line).collect()
    }

    #[test]
    fn what_is_wrong_with_a_system_install() {
        assert_eq!(lines(examine_install(&good_install())), "");
        let whole = HelperFacts { one_file_system: true, ..HelperFacts::default() };
        assert_eq!(lines(examine(&helped(whole))), "");
        let installs = bad_installs().into_iter().map(|facts| lines(examine_install(&facts)));
        let helpers = bad_helpers().into_iter().map(|facts| lines(examine(&facts)));
        insta::assert_snapshot!(installs.chain(helpers).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn whatever_is_wrong_has_a_hint_that_names_a_command_and_a_name_that_is_listed() {
        let bad = Facts {
            architecture: "aarch64".to_owned(),
            store: StoreFact::Unusable { why: "damaged".to_owned(), hint: "Put a copy back.".to_owned() },
            monitor: MonitorFact::Missing { program: "qemu".to_owned() },
            kvm: KvmFact::NotUsable { why: "none".to_owned() },
            tools: good().tools.into_iter().map(|tool| ToolFact { path: None, ..tool }).collect(),
            image: NamedFact { name: None, is_there: false, can_be_made: false },
            kernel: NamedFact { name: None, is_there: false, can_be_made: true },
            agent: AgentFact::Missing { path: "/a".into() },
            room: Size::from_mib(1),
            socket: SocketFact { owner: None, ..good().socket },
            strays: vec!["directory x".to_owned()],
            lost: vec!["/s/vms/0123456789ab".into()],
            boots_retried: 1,
            logout_kills: true,
            ..good()
        };
        let helpers = bad_helpers();
        let daemons = std::iter::once(&bad).chain(&helpers).flat_map(examine);
        let installs = bad_installs();
        for check in daemons.chain(installs.iter().flat_map(examine_install)) {
            assert!(NAMES.contains(&check.name.as_str()), "{}", check.name);
            if check.verdict != Verdict::Pass {
                let hint = check.hint.unwrap_or_default();
                assert_eq!(hint.matches('`').count() % 2, 0, "{}: {hint}", check.name);
                assert!(hint.contains('`'), "{}: {hint}", check.name);
            }
        }
    }
}
