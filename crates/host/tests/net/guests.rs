//! Who reaches whom.

use network::Peers;

use crate::{
    probe::{
        Ear, NEVER, SOON, listen, listen_here, listen_on, misses, pings, seen_as, seen_as_from_here, seen_at,
        unseen, unseen_from_here,
    },
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
        assert!(unseen(&shut_guest, OUTSIDE));
        assert!(pings(&out_guest, &out.address.to_string(), OUTSIDE));
        assert!(misses(&shut_guest, &shut.address.to_string(), OUTSIDE));
        // Neither does a word that needs no answer get out.
        let ear = Ear::of(&world.outside);
        assert!(ear.hears(&out_guest, &out.address.to_string(), OUTSIDE));
        assert!(ear.misses(&shut_guest, &shut.address.to_string(), OUTSIDE));

        // A change of the lease holds at once.
        world.book.grant(&out.id, &out.name, false).unwrap();
        world.book.grant(&shut.id, &shut.name, true).unwrap();
        let rules = world.plan().rules.render();
        std::fs::write(world.places.hosts.with_extension("nft"), rules).unwrap();
        sh(&format!("nft -f {}", world.places.hosts.with_extension("nft").display()));
        assert!(unseen(&out_guest, OUTSIDE));
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
        assert!(unseen(&world.outside, &one), "nobody else does");
        assert!(unseen(&first, &two));
        // Not through the gateway either.
        first.sh(&format!("ip route add {two}/32 via {GATEWAY}"));
        second.sh(&format!("ip route add {one}/32 via {GATEWAY}"));
        assert!(unseen(&first, &two));
        assert!(misses(&first, &one, &two));
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
        assert!(unseen(&first, GATEWAY));
    });
}

#[test]
fn of_the_host_guests_reach_a_ping_to_the_gateway_and_nothing_else() {
    on_a_host_of_its_own("guests::of_the_host_guests_reach_a_ping_to_the_gateway_and_nothing_else", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        world.apply();
        let guest = world.guest(&lease);
        listen_here();
        // A guest that takes even its own loopback for the host's, and a host that would let it.
        sh("echo 1 > /proc/sys/net/ipv4/conf/banger0/route_localnet");
        guest.sh("ip link set lo down; echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
        guest.sh(&format!("ip route add 127.0.0.1/32 via {GATEWAY}"));
        for there in [GATEWAY, HOST, "127.0.0.1"] {
            assert!(unseen(&guest, there), "{there}");
        }
        let own = lease.address.to_string();
        assert!(pings(&guest, &own, GATEWAY));
        assert!(misses(&guest, &own, HOST));
        listen(&guest);
        assert_eq!(seen_as_from_here(&own).as_deref(), Some(GATEWAY), "the host reaches the guest");
        // It is our rules that keep it out.
        sh("nft delete table inet banger");
        for there in [GATEWAY, HOST] {
            assert!(seen_as(&guest, there).is_some(), "{there}");
        }
    });
}

#[test]
fn neither_do_they_reach_what_the_hosts_ports_lead_to() {
    on_a_host_of_its_own("guests::neither_do_they_reach_what_the_hosts_ports_lead_to", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        let container = Space::new();
        sh(&format!(
            "ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up
            ip link add c0 type veth peer name eth0 netns {}; ip link set c0 master docker0 up
            echo 1 > /proc/sys/net/ipv4/ip_forward",
            container.pid()
        ));
        container.sh("ip addr add 172.17.0.2/16 dev eth0; ip link set eth0 up");
        container.sh("ip route add default via 172.17.0.1");
        listen(&container);
        listen(&world.outside);
        // Two published ports: one leads to a container, one out again.
        sh("nft 'add table ip ports; add chain ip ports pre { type nat hook prerouting priority dstnat; }
            add rule ip ports pre fib daddr type local tcp dport 8080 dnat to 172.17.0.2:80
            add rule ip ports pre fib daddr type local tcp dport 8081 dnat to 203.0.113.1:80'");
        world.apply();
        let guest = world.guest(&lease);
        let reaches = |there: &str, port: u16| guest.run(|| seen_at(there, port, SOON)).is_some();
        let shut = |there: &str, port: u16| guest.run(|| seen_at(there, port, NEVER)).is_none();
        let ways = [(HOST, 8080), (HOST, 8081), (GATEWAY, 8081), ("172.17.0.2", 80)];
        for (there, port) in ways {
            assert!(shut(there, port), "{there}:{port}");
        }
        // What leads to containers stays shut for itself, not because no port leads there.
        sh("nft flush chain inet banger to_host_early");
        assert!(shut(HOST, 8080) && reaches(HOST, 8081));
        sh("nft flush set inet banger closed");
        for (there, port) in ways {
            assert!(reaches(there, port), "it is our rules that keep {there}:{port} shut");
        }
    });
}

#[test]
fn what_a_guest_says_to_everybody_the_host_does_not_hear() {
    on_a_host_of_its_own("guests::what_a_guest_says_to_everybody_the_host_does_not_hear", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        world.apply();
        let guest = world.guest(&lease);
        let (ear, own) = (Ear::here(), lease.address.to_string());
        for to in ["172.30.255.255", "255.255.255.255"] {
            assert!(ear.misses(&guest, &own, to), "{to}");
        }
        sh("nft delete table inet banger");
        assert!(ear.hears(&guest, &own, "172.30.255.255"), "it is our rules that keep it out");
    });
}

#[test]
fn of_link_local_addresses_guests_reach_name_servers_alone() {
    on_a_host_of_its_own("guests::of_link_local_addresses_guests_reach_name_servers_alone", || {
        let mut world = World::new();
        let lease = world.grant("dev", true);
        sh("ip route add 169.254.0.0/16 dev eth0");
        world.outside.sh("ip addr add 169.254.169.254/16 dev eth0");
        listen(&world.outside);
        listen_on(&world.outside, 53);
        world.apply();
        let guest = world.guest(&lease);
        assert!(unseen(&guest, "169.254.169.254"), "a cloud gives away the host's own credentials there");
        let name_server = guest.run(|| seen_at("169.254.169.254", 53, SOON));
        assert_eq!(name_server.as_deref(), Some(HOST));
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
        assert!(misses(&first, "172.30.0.77", GATEWAY), "an address of nobody");
        assert!(misses(&first, &stolen, GATEWAY), "an address of another");
        assert!(pings(&first, &own, GATEWAY));

        // No answer is needed to do harm: what it says must not be heard outside.
        let ear = Ear::of(&world.outside);
        assert!(ear.hears(&first, &own, OUTSIDE));
        assert!(ear.misses(&first, &stolen, OUTSIDE));
        assert!(ear.hears(&second, &stolen, OUTSIDE));

        // As the other's address in ARP: with the other gone, nobody answers for it.
        listen(&first);
        sh(&format!("ip link del {}; ip neigh flush dev banger0", two.tap));
        assert!(unseen_from_here(&stolen));
        let known = sh(&format!("ip neigh show {stolen} dev banger0"));
        assert!(!known.contains("lladdr"), "{known}");
        assert_eq!(seen_as_from_here(&own).as_deref(), Some(GATEWAY));

        first.sh("ip link set eth0 address 02:b6:00:00:00:01");
        first.sh(&format!("ip route replace default via {GATEWAY}"));
        assert!(misses(&first, &own, GATEWAY), "a hardware address of nobody");
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
        assert!(unseen(&world.outside, "198.51.100.1"));
        // One that forwards anyway goes on doing so.
        drop(guest);
        sh(&format!("ip link del {} || true", lease.tap));
        world.remove();
        sh("echo 1 > /proc/sys/net/ipv4/ip_forward");
        world.apply();
        assert_eq!(seen_as(&world.outside, "198.51.100.1").as_deref(), Some(OUTSIDE));
    });
}
