//! A host between an outside and its guests.
//!
//! ```text
//! outside ── eth0 [ host ] banger0 ── bgr-… ── guest, guest, …
//! 203.0.113.1     .2      172.30.0.1          172.30.0.2, …
//! ```
//!
//! Taps have nobody at their other end here, so wires with the same names are put in their place.

use std::{fs, path::PathBuf};

use host::net::{self, Places, Report};
use network::{IfName, Lease, Leases, Peers, Plan, UidRange};
use tempfile::TempDir;

use crate::space::{Space, is_inside, sh};

pub(crate) const OUTSIDE: &str = "203.0.113.1";
pub(crate) const HOST: &str = "203.0.113.2";
pub(crate) const GATEWAY: &str = "172.30.0.1";

pub(crate) struct World {
    pub(crate) outside: Space,
    pub(crate) book: Leases,
    pub(crate) places: Places,
    pub(crate) peers: Peers,
    runtime: tokio::runtime::Runtime,
    _dir: TempDir,
}

pub(crate) fn bridge() -> IfName {
    "banger0".parse().unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| -> PathBuf { dir.path().join(name) };
        let places = Places {
            hosts: file("hosts"),
            resolv_conf: file("resolv.conf"),
            resolved: file("resolved.conf"),
            record: file("run/network.json"),
        };
        fs::write(&places.hosts, "127.0.0.1\tlocalhost\n").unwrap();
        // What the kernel does by itself a moment later would look like a change.
        sh("for all in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $all; done");
        let outside = Space::new();
        let pid = outside.pid();
        sh(&format!("ip link add eth0 type veth peer name eth0 netns {pid}"));
        sh(&format!(
            "ip addr add {HOST}/24 dev eth0; ip link set eth0 up; ip route add default via {OUTSIDE}"
        ));
        outside.sh(&format!("ip addr add {OUTSIDE}/24 dev eth0; ip link set eth0 up"));
        // It knows the way to the guests: what does not get there was dropped, not lost.
        outside.sh(&format!("ip route add 172.30.0.0/16 via {HOST}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let subnet = "172.30.0.0/16".parse().unwrap();
        let book = Leases::new(subnet, UidRange::new(0x7000_0000).unwrap());
        Self { outside, book, places, peers: Peers::Apart, runtime, _dir: dir }
    }

    pub(crate) fn run<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    pub(crate) fn grant(&mut self, name: &str, nat: bool) -> Lease {
        let id = format!(
            "{:012x}",
            u64::from_be_bytes(std::array::from_fn(|at| { name.as_bytes().get(at).copied().unwrap_or(0) }))
                >> 16
        );
        self.book.grant(&id.parse().unwrap(), &name.parse().unwrap(), nat).unwrap()
    }

    pub(crate) fn plan(&self) -> Plan {
        let facts = self.run(net::facts(&self.places)).unwrap();
        let mut plan = Plan::new(&bridge(), self.peers, &self.book, &facts);
        if is_inside() {
            // The only number that a user namespace of an ordinary user has.
            plan.rules.leases.iter_mut().for_each(|lease| lease.uid = 0);
        }
        plan
    }

    pub(crate) fn try_apply(&self) -> Report {
        self.run(net::apply(&self.plan(), &self.places)).unwrap()
    }

    #[track_caller]
    pub(crate) fn apply(&self) {
        let report = self.try_apply();
        assert!(report.warnings.is_empty(), "{report:?}");
    }

    #[track_caller]
    pub(crate) fn remove(&self) {
        let report = self.run(net::remove(&bridge(), &self.places));
        assert!(report.warnings.is_empty(), "{report:?}");
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        let facts = self.run(net::facts(&self.places)).unwrap();
        let found = self.run(net::examine(&self.plan(), &facts, &self.places));
        found.iter().map(ToString::to_string).collect()
    }

    /// Puts a guest behind a machine's tap.
    pub(crate) fn guest(&self, lease: &Lease) -> Space {
        let space = Space::new();
        let (tap, mac, pid) = (&lease.tap, lease.mac, space.pid());
        let isolated = if self.peers == Peers::Apart { "on" } else { "off" };
        sh(&format!(
            "ip link del {tap}; ip link add {tap} type veth peer name eth0 address {mac} netns {pid}"
        ));
        sh(&format!(
            "ip link set {tap} master {} up; bridge link set dev {tap} isolated {isolated}",
            bridge()
        ));
        space.sh(&format!("ip addr add {}/16 dev eth0; ip link set eth0 up", lease.address));
        space.sh(&format!("ip route add default via {GATEWAY}"));
        space
    }

    /// Everything that a change could be seen by.
    pub(crate) fn listing(&self) -> String {
        let mut rules: serde_json::Value = serde_json::from_str(&sh("nft -j list ruleset")).unwrap();
        let mut links: serde_json::Value = serde_json::from_str(&sh("ip -j -d link")).unwrap();
        let mut ports: serde_json::Value = serde_json::from_str(&sh("bridge -j -d link")).unwrap();
        for value in [&mut rules, &mut links, &mut ports] {
            strip(value);
        }
        let hosts = fs::read_to_string(&self.places.hosts).unwrap();
        let record = fs::read_to_string(&self.places.record).unwrap_or_default();
        let addresses = sh(
            "ip -j addr | tr , '\\n' | grep -e ifname -e local -e prefixlen; ip route show table all | sed 's, linkdown,,'",
        );
        let settings = sh("cd /proc/sys/net/ipv4; grep . ip_forward conf/*/forwarding");
        format!("{rules:#}\n{links:#}\n{ports:#}\n{addresses}\n{settings}\n{hosts}\n{record}")
    }
}

/// Takes out what counts how often something was made, and what the kernel sets when it finds the time.
fn strip(value: &mut serde_json::Value) {
    const KEYS: [&str; 7] = ["handle", "ifindex", "packets", "bytes", "state", "operstate", "qdisc"];
    match value {
        serde_json::Value::Object(map) => {
            map.retain(|key, _| !KEYS.contains(&key.as_str()) && !key.ends_with("_timer"));
            map.values_mut().for_each(strip);
        }
        serde_json::Value::Array(all) => {
            all.retain(|one| one != "NO-CARRIER" && one != "LOWER_UP");
            all.iter_mut().for_each(strip);
        }
        _ => {}
    }
}

/// Panics with the lines that only one of two listings has.
#[track_caller]
pub(crate) fn assert_same(left: &str, right: &str) {
    let only = |one: &str, other: &str| -> Vec<String> {
        one.lines().filter(|line| !other.lines().any(|theirs| theirs == *line)).map(str::to_owned).collect()
    };
    assert!(left == right, "only left: {:#?}\nonly right: {:#?}", only(left, right), only(right, left));
}
