//! Who reaches whom.

use network::Peers;

use crate::{
    probe::{listen, listen_here, pings, seen_as, seen_as_from_here},
    space::{Space, on_a_host_of_its_own, sh},
    world::{GATEWAY, HOST, OUTSIDE, World},
};

#[test]
fn guests_reach_outside_if_their_lease_says_so() {
    on_a_host_of_its_own("guests::guests_reach_outside_if_their_lease_says_so", || {
        let mut world = World::new();
        let (out, shut) = (world.grant("out", true), world.grant("shut", false));
        world.apply();
        listen(&world.outside);
        let (out_guest, shut_guest) = (world.guest(&out), world.guest(&shut));
        assert_eq!(seen_as(&out_guest, OUTSIDE).as_deref(), Some(HOST), "it is seen as the host");
        assert_eq!(seen_as(&shut_guest, OUTSIDE), None);
        assert!(pings(&out_guest, &out.address.to_string(), OUTSIDE));
        assert!(!pings(&shut_guest, &shut.address.to_string(), OUTSIDE));

        // A change of the lease holds at once.
        world.book.grant(&out.id, &out.name, false).unwrap();
        world.book.grant(&shut.id, &shut.name, true).unwrap();
        let rules = world.plan().rules.render();
        std::fs::write(world.places.hosts.with_extension("nft"), rules).unwrap();
        sh(&format!("nft -f {}", world.places.hosts.with_extension("nft").display()));
        assert_eq!(seen_as(&out_guest, OUTSIDE), None);
        assert_eq!(seen_as(&shut_guest, OUTSIDE).as_deref(), Some(HOST));
    });
}

#[test]
fn nobody_comes_in_and_guests_are_alone() {
    on_a_host_of_its_own("guests::nobody_comes_in_and_guests_are_alone", || {
        let mut world = World::new();
        let (one, two) = (world.grant("one", true), world.grant("two", true));
        world.apply();
        let (first, second) = (world.guest(&one), world.guest(&two));
        listen(&first);
        listen(&second);
        let (one, two) = (one.address.to_string(), two.address.to_string());
        assert_eq!(seen_as_from_here(&one).as_deref(), Some(GATEWAY), "the host reaches its guests");
        assert_eq!(seen_as(&world.outside, &one), None, "nobody else does");
        assert_eq!(seen_as(&first, &two), None);
        // Not through the gateway either.
        first.sh(&format!("ip route add {two}/32 via {GATEWAY}"));
        second.sh(&format!("ip route add {one}/32 via {GATEWAY}"));
        assert_eq!(seen_as(&first, &two), None);
        assert!(!pings(&first, &one, &two));
    });
}

#[test]
fn guests_on_one_wire_reach_each_other_and_still_not_the_host() {
    on_a_host_of_its_own("guests::guests_on_one_wire_reach_each_other_and_still_not_the_host", || {
        let mut world = World::new();
        world.peers = Peers::Together;
        let (one, two) = (world.grant("one", true), world.grant("two", false));
        world.apply();
        let (first, second) = (world.guest(&one), world.guest(&two));
        listen(&second);
        listen_here();
        assert_eq!(seen_as(&first, &two.address.to_string()), Some(one.address.to_string()));
        assert_eq!(seen_as(&first, GATEWAY), None);
    });
}

#[test]
fn of_the_host_guests_reach_a_ping_to_the_gateway_and_nothing_else() {
    on_a_host_of_its_own("guests::of_the_host_guests_reach_a_ping_to_the_gateway_and_nothing_else", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        // A service of the host on an address that leads on to a container: docker's published ports.
        let container = Space::new();
        sh(&format!(
            "ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up
            ip link add c0 type veth peer name eth0 netns {}; ip link set c0 master docker0 up",
            container.pid()
        ));
        container.sh(
            "ip addr add 172.17.0.2/16 dev eth0; ip link set eth0 up; ip route add default via 172.17.0.1",
        );
        listen(&container);
        sh("nft 'add table ip docker; add chain ip docker pre { type nat hook prerouting priority dstnat; }
            add rule ip docker pre fib daddr type local tcp dport 80 dnat to 172.17.0.2'");
        world.apply();
        let guest = world.guest(&lease);
        for there in ["172.30.0.1", HOST, "172.17.0.1", "172.17.0.2"] {
            assert_eq!(seen_as(&guest, there), None, "{there}");
        }
        sh("nft delete table ip docker");
        listen_here();
        // A guest that takes even its own loopback for the host's, and a host that would let it.
        sh("echo 1 > /proc/sys/net/ipv4/conf/banger0/route_localnet");
        guest.sh("ip link set lo down; echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
        guest.sh(&format!("ip route add 127.0.0.1/32 via {GATEWAY}"));
        for there in [GATEWAY, HOST, "172.17.0.1", "127.0.0.1"] {
            assert_eq!(seen_as(&guest, there), None, "{there}");
        }
        let own = lease.address.to_string();
        assert!(pings(&guest, &own, GATEWAY));
        assert!(!pings(&guest, &own, HOST));
        listen(&guest);
        assert_eq!(seen_as_from_here(&own).as_deref(), Some(GATEWAY), "the host reaches the guest");
        // It is our rules that keep it out.
        sh("nft delete table inet banger");
        for there in [GATEWAY, HOST, "172.17.0.1"] {
            assert!(seen_as(&guest, there).is_some(), "{there}");
        }
    });
}

#[test]
fn a_forged_sender_is_dropped() {
    on_a_host_of_its_own("guests::a_forged_sender_is_dropped", || {
        let mut world = World::new();
        let (one, two) = (world.grant("one", true), world.grant("two", true));
        world.apply();
        let (first, second) = (world.guest(&one), world.guest(&two));
        let own = one.address.to_string();
        assert!(pings(&first, &own, GATEWAY));

        let stolen = two.address.to_string();
        first.sh(&format!("ip addr add {stolen}/16 dev eth0; ip addr add 172.30.0.77/16 dev eth0"));
        assert!(!pings(&first, "172.30.0.77", GATEWAY), "an address of nobody");
        assert!(!pings(&first, &stolen, GATEWAY), "an address of another");
        assert!(pings(&first, &own, GATEWAY));

        // As the other's address in ARP: with the other gone, nobody answers for it.
        listen(&first);
        drop(second);
        sh("ip neigh flush dev banger0");
        assert_eq!(seen_as_from_here(&stolen), None);
        assert_eq!(seen_as_from_here(&own).as_deref(), Some(GATEWAY));

        first.sh("ip link set eth0 address 02:b6:00:00:00:01");
        first.sh(&format!("ip route replace default via {GATEWAY}"));
        assert!(!pings(&first, &own, GATEWAY), "a hardware address of nobody");
        first.sh(&format!("ip link set eth0 address {}", one.mac));
        first.sh(&format!("ip route replace default via {GATEWAY}"));
        assert!(pings(&first, &own, GATEWAY));
    });
}

#[test]
fn a_host_that_did_not_forward_is_no_router_because_of_us() {
    on_a_host_of_its_own("guests::a_host_that_did_not_forward_is_no_router_because_of_us", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        let beyond = Space::new();
        sh(&format!(
            "ip link add eth1 type veth peer name eth0 netns {}
            ip addr add 198.51.100.2/24 dev eth1; ip link set eth1 up",
            beyond.pid()
        ));
        beyond.sh("ip addr add 198.51.100.1/24 dev eth0; ip link set eth0 up; ip route add default via 198.51.100.2");
        world.outside.sh(&format!("ip route add 198.51.100.0/24 via {HOST}"));
        listen(&beyond);
        world.apply();
        let guest = world.guest(&lease);
        assert_eq!(seen_as(&guest, "198.51.100.1").as_deref(), Some("198.51.100.2"));
        assert_eq!(seen_as(&world.outside, "198.51.100.1"), None);
        // One that forwards anyway goes on doing so.
        drop(guest);
        sh(&format!("ip link del {} || true", lease.tap));
        world.remove();
        sh("echo 1 > /proc/sys/net/ipv4/ip_forward");
        world.apply();
        assert_eq!(seen_as(&world.outside, "198.51.100.1").as_deref(), Some(OUTSIDE));
    });
}
