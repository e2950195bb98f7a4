//! Applied, applied again, removed.

use std::{fs, io};

use host::net::{self, NetError};
use model::Class;
use network::{Peers, SubnetChoice, choose_subnet};

use crate::{
    space::{is_inside, on_a_host_of_its_own, sh, try_sh},
    world::{World, assert_same, bridge},
};

#[test]
fn applying_twice_is_applying_once_and_removing_leaves_what_was_there_before() {
    on_a_host_of_its_own(
        "applied::applying_twice_is_applying_once_and_removing_leaves_what_was_there_before",
        || {
            let mut world = World::new();
            // Somebody else's rules, one of them in a table that is named like ours.
            sh(
                "nft 'add table ip banger; add table inet other; add chain inet other c { type filter hook input priority 0; }'",
            );
            let before = world.listing();
            let lease = world.grant("dev", true);
            world.grant("shut", false);
            world.apply();
            let once = world.listing();
            for part in
                ["172.30.0.1", "bgr-", "\"isolated\": true", "172.30.0.2\tdev.vm", "conf/eth0/forwarding:1"]
            {
                assert!(once.contains(part), "{part}: {once}");
            }
            assert_eq!(world.findings(), [""; 0]);
            world.apply();
            assert_same(&world.listing(), &once);

            world.book.release(&lease.id);
            world.apply();
            assert!(!world.listing().contains(lease.tap.as_str()));
            world.grant("dev", true);
            world.apply();
            // A tap that was made again stands last, with another hardware address of its own.
            let sorted = |listing: &str| {
                let mut lines: Vec<&str> = listing.lines().collect();
                lines.retain(|line| !line.contains("\"address\""));
                lines.sort_unstable();
                lines.join("\n")
            };
            assert_same(&sorted(&world.listing()), &sorted(&once));

            world.remove();
            assert_same(&world.listing(), &before);
            world.remove();
            assert_same(&world.listing(), &before);
        },
    );
}

#[test]
fn what_is_missing_or_left_over_is_found_and_put_right() {
    on_a_host_of_its_own("applied::what_is_missing_or_left_over_is_found_and_put_right", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        let tap = lease.tap.as_str();
        assert_eq!(world.findings().len(), 4, "bridge, tap, rules, names: {:?}", world.findings());
        world.apply();
        let table: &[(&str, &str)] = &[
            (&format!("ip link del {tap}"), &format!("the tap {tap} is not there, or not on the bridge")),
            (
                &format!("ip link set {tap} nomaster"),
                &format!("the tap {tap} is not there, or not on the bridge"),
            ),
            ("nft flush set bridge banger guests", &format!("the rules do not know the tap {tap}")),
            (
                "nft add element bridge banger guests '{ \"bgr-ffffffff\" . 02:00:00:00:00:01 . 172.30.9.9 }'",
                "the rules let the tap bgr-ffffffff through, which belongs to no machine",
            ),
            ("ip link set banger0 down", "the bridge banger0 is not there, or not up"),
            (
                "ip addr flush dev banger0",
                "the bridge banger0 has not the address 172.30.0.1, where machines send what goes out",
            ),
            ("echo 0 > /proc/sys/net/ipv4/conf/banger0/forwarding", "the interface banger0 forwards nothing"),
            ("ip tuntap add bgr-00000000 mode tap", "the tap bgr-00000000 belongs to no machine"),
            ("nft delete table bridge banger", "the rules in the tables named banger are not there"),
        ];
        let right = world.listing();
        for (change, finding) in table {
            sh(change);
            assert_eq!(world.findings(), [*finding], "{change}");
            world.apply();
            assert_eq!(world.findings(), [""; 0], "{change}");
        }
        // Its index is another one after it was made again.
        assert_eq!(right.contains(tap), world.listing().contains(tap));
        sh("ip addr add 172.29.0.1/16 dev banger0; ip route add 172.30.7.0/24 dev eth0");
        world.apply();
        assert!(!world.listing().contains("172.29.0.1"), "an address of an earlier subnet goes");
        assert_eq!(
            world.findings(),
            ["the route to 172.30.7.0/24 through eth0 leads into the machines' subnet"]
        );
    });
}

#[test]
fn the_hosts_routes_decide_the_subnet() {
    on_a_host_of_its_own("applied::the_hosts_routes_decide_the_subnet", || {
        let mut world = World::new();
        world.grant("dev", true);
        world.apply();
        let chosen = || {
            let facts = world.run(net::facts(&world.places)).unwrap();
            choose_subnet(SubnetChoice::Auto, &facts.routes, &bridge()).unwrap().to_string()
        };
        assert_eq!(chosen(), "172.30.0.0/16", "our own bridge is not in the way");
        // As a VPN does: another interface, another table.
        sh("ip link add tun0 type bridge; ip link set tun0 up; ip route add 172.30.0.0/15 dev tun0 table 77");
        assert_eq!(chosen(), "172.29.0.0/16");
        sh("ip addr add 172.29.1.2/32 dev tun0; ip route add unreachable 172.28.0.0/14");
        assert_eq!(chosen(), "172.27.0.0/16");
    });
}

#[test]
fn a_tap_is_the_machines_own_and_open_once() {
    on_a_host_of_its_own("applied::a_tap_is_the_machines_own_and_open_once", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        world.apply();
        let first = net::open_tap(&lease.tap).unwrap();
        let error = net::open_tap(&lease.tap).unwrap_err();
        assert!(
            matches!(&error, NetError::Tap { source, .. } if source.kind() == io::ErrorKind::ResourceBusy),
            "{error:?}"
        );
        world.apply();
        drop(first);
        net::open_tap(&lease.tap).unwrap();
        let shown =
            || sh(&format!("ip -d link show {} | grep -o ' tun type .*persist on.* user [0-9]*'", lease.tap));
        let before = shown();
        assert!(is_inside() || before.contains(&format!("user {}", lease.uid)), "{before}");

        // Another machine's number on it: it is made again.
        sh(&format!("ip link del {0}; ip tuntap add {0} mode tap", lease.tap));
        world.apply();
        assert_eq!(shown(), before);
        assert_eq!(world.findings(), [""; 0]);
    });
}

#[test]
fn what_has_our_names_and_is_not_ours_is_left_alone() {
    on_a_host_of_its_own("applied::what_has_our_names_and_is_not_ours_is_left_alone", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        sh("ip link add banger0 type veth peer name other");
        let refused = |world: &World| world.run(net::apply(&world.plan(), &world.places)).unwrap_err();
        let error = refused(&world);
        assert_eq!(
            (error.to_string().as_str(), error.class()),
            ("banger0 is there and is no bridge", Class::Refused)
        );
        world.remove();
        assert!(try_sh("ip link show banger0"));
        sh(&format!("ip link del banger0; ip link add {} type veth peer name other", lease.tap));
        let error = refused(&world);
        assert_eq!(error.to_string(), format!("{} is there and is no tap", lease.tap));
        world.remove();
        assert!(try_sh(&format!("ip link show {}", lease.tap)));
    });
}

#[test]
fn forwarding_is_put_back_unless_somebody_else_wants_it() {
    on_a_host_of_its_own("applied::forwarding_is_put_back_unless_somebody_else_wants_it", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        let forwards =
            |name: &str| sh(&format!("cat /proc/sys/net/ipv4/conf/{name}/forwarding")).trim().to_owned();
        let set =
            |name: &str, value: u8| sh(&format!("echo {value} > /proc/sys/net/ipv4/conf/{name}/forwarding"));
        world.apply();
        assert_eq!([forwards("all"), forwards("eth0"), forwards("banger0")], ["0", "1", "1"]);
        // No machine reaches out any more: closed at once.
        world.book.grant(&lease.id, &lease.name, false).unwrap();
        world.apply();
        assert_eq!([forwards("eth0"), forwards("banger0")], ["0", "1"]);
        world.book.grant(&lease.id, &lease.name, true).unwrap();
        world.apply();
        world.remove();
        assert_eq!(forwards("eth0"), "0");

        // Somebody had switched it on before.
        set("eth0", 1);
        world.apply();
        world.remove();
        assert_eq!(forwards("eth0"), "1");
        set("eth0", 0);

        // Somebody switches everything on meanwhile, as docker does.
        world.apply();
        set("all", 1);
        world.apply();
        assert!(
            !fs::exists(&world.places.record).unwrap()
                || !fs::read_to_string(&world.places.record).unwrap().contains("eth0")
        );
        world.remove();
        assert_eq!([forwards("all"), forwards("eth0")], ["1", "1"]);
    });
}

#[test]
fn machines_may_share_one_wire() {
    on_a_host_of_its_own("applied::machines_may_share_one_wire", || {
        let mut world = World::new();
        world.grant("dev", true);
        world.apply();
        assert!(world.listing().contains("\"isolated\": true"));
        world.peers = Peers::Together;
        world.apply();
        assert!(!world.listing().contains("\"isolated\": true"));
    });
}
