//! Rules of others that drop what is forwarded.

use model::Class;

use crate::{
    probe::{listen, seen_as, unseen},
    space::{on_a_host_of_its_own, sh, try_sh},
    world::{HOST, OUTSIDE, World, assert_same},
};

/// The part of docker's rules that drops what it does not know.
const DOCKER: &str = "iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A FORWARD -j DOCKER-USER
    iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";

#[test]
fn docker_lets_machines_pass_by_the_rule_that_its_manual_names() {
    on_a_host_of_its_own("others::docker_lets_machines_pass_by_the_rule_that_its_manual_names", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        sh(DOCKER);
        let before = world.listing();
        world.apply();
        let once = sh("iptables -S");
        assert_eq!(once.matches("banger0").count(), 2, "{once}");
        world.apply();
        assert_eq!(sh("iptables -S"), once);
        assert_eq!(world.findings(), [""; 0]);
        let guest = world.guest(&lease);
        listen(&world.outside);
        assert_eq!(seen_as(&guest, OUTSIDE).as_deref(), Some(HOST));

        // Docker starts again and forgets the rule: found, and put right.
        sh("iptables -F DOCKER-USER");
        assert!(unseen(&guest, OUTSIDE));
        assert_eq!(
            world.findings().first().map(String::as_str),
            Some("docker's policy for forwarded packets drops what machines send")
        );
        drop(guest);
        sh(&format!("ip link del {} || true", lease.tap));
        world.apply();
        assert_eq!(sh("iptables -S"), once);
        world.remove();
        assert_same(&world.listing(), &before);
    });
}

#[test]
fn a_wall_of_somebody_elses_is_named_and_left_standing() {
    on_a_host_of_its_own("others::a_wall_of_somebody_elses_is_named_and_left_standing", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        sh(
            "nft 'add table inet my; add chain inet my wall { type filter hook forward priority 0; policy drop; }'",
        );
        let before = world.listing();
        let report = world.try_apply();
        let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
        assert_eq!(warning.to_string(), "the chain inet my wall drops what machines send");
        assert_eq!(warning.class(), Class::Refused);
        assert!(warning.hint().unwrap().contains("banger0"));
        assert_eq!(world.findings(), ["the chain inet my wall drops what machines send"]);
        let guest = world.guest(&lease);
        listen(&world.outside);
        assert!(unseen(&guest, OUTSIDE));
        // What the hint says.
        sh(
            "nft 'add rule inet my wall iifname banger0 accept; add rule inet my wall oifname banger0 ct state established accept'",
        );
        assert_eq!(seen_as(&guest, OUTSIDE).as_deref(), Some(HOST));
        drop(guest);
        sh(&format!("ip link del {} || true; nft flush chain inet my wall", lease.tap));
        world.remove();
        assert_same(&world.listing(), &before);
    });
}

#[test]
fn rules_that_cannot_all_be_taken_change_none() {
    on_a_host_of_its_own("others::rules_that_cannot_all_be_taken_change_none", || {
        let mut world = World::new();
        world.grant("dev", true);
        world.apply();
        let before = world.listing();
        world.grant("more", true);
        // The old tables are taken away first, and the last line of the script does not fit.
        let script = world.plan().rules.render() + "add rule inet banger nowhere drop\n";
        let file = world.places.hosts.with_extension("nft");
        std::fs::write(&file, script).unwrap();
        assert!(!try_sh(&format!("nft -f {}", file.display())));
        assert_same(&world.listing(), &before);
    });
}
