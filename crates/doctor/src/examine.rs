//! Every check, in order.

use crate::{Check, Facts, checks};

/// Says what each fact means, in a fixed order.
#[must_use]
pub fn examine(facts: &Facts) -> Vec<Check> {
    let mut all =
        vec![checks::architecture(facts), checks::store(facts), checks::monitor(facts), checks::kvm(facts)];
    all.extend(checks::tools(facts));
    all.extend([
        checks::agent(facts),
        checks::image(facts),
        checks::kernel(facts),
        checks::room(facts),
        checks::socket(facts),
        checks::strays(facts),
        checks::boots(facts),
        checks::logout(facts),
    ]);
    all
}

#[cfg(test)]
mod tests {
    use model::Size;

    use super::*;
    use crate::{AgentFact, KvmFact, MonitorFact, NamedFact, SocketFact, StoreFact, ToolFact, Verdict};

    fn good() -> Facts {
        Facts {
            architecture: "x86_64".to_owned(),
            store: StoreFact::Usable { version: 1 },
            monitor: MonitorFact::Found { path: "/usr/bin/qemu-system-x86_64".into(), version: (7, 2) },
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
            boots_retried: 3,
            logout_kills: true,
            ..good()
        };
        insta::assert_snapshot!(rendered(&facts));
    }

    #[test]
    fn the_other_ways_to_be_wrong() {
        let found = |version| MonitorFact::Found { path: "/usr/bin/qemu".into(), version };
        let runs =
            |version: &str| AgentFact::Runs { version: version.to_owned(), wanted: "v0.1.0".to_owned() };
        let table: Vec<(&str, Facts)> = vec![
            ("monitor", Facts { monitor: found((7, 1)), ..good() }),
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
}
