//! The host itself: that it is what the other scenarios take it for.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use rustix::process::Signal;
use smoke::{Host, on_service, skip};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

fn assert_runs(host: &Host) {
    let state = host.systemctl(["is-system-running"]).run().stdout();
    let failed = host.systemctl(["--failed", "--plain", "--no-legend"]).run().ok().stdout();
    assert_eq!((&*state, &*failed), ("running\n", ""));
}

/// Where a bridge, a tap and a ruleset can be made, so can the network of machines.
const NETWORK: &str = "set -e
    ip link add br-smoke type bridge
    ip tuntap add dev tap-smoke mode tap user dev
    ip link set tap-smoke master br-smoke
    bridge link set dev tap-smoke isolated on
    ip address add 10.99.0.1/24 dev br-smoke
    ip link set br-smoke up
    nft add table inet smoke
    nft add chain inet smoke after '{ type nat hook postrouting priority srcnat; }'
    nft add rule inet smoke after ip saddr 10.99.0.0/24 masquerade
    echo 1 > /proc/sys/net/ipv4/ip_forward
    nft list ruleset";

const NO_NETWORK: &str = "set -e
    ip link delete tap-smoke
    ip link delete br-smoke
    nft delete table inet smoke
    echo 0 > /proc/sys/net/ipv4/ip_forward";

#[test]
fn a_service_host_is_a_host() {
    on_service(|host| {
        assert_runs(host);
        assert_eq!(host.file("/etc/hostname-of-nobody"), None);
        assert!(host.file("/etc/hosts").unwrap().contains("smoke"));

        // Who runs what, and how it ends.
        let told = |script: &str| host.program("/bin/sh").args(["-c", script]).run();
        assert_eq!(told("id -un; id -Gn; pwd").ok().stdout(), "dev\ndev sudo kvm\n/home/dev\n");
        assert_eq!(told("sudo -n id -un").ok().stdout(), "root\n");
        let both = told("echo out; echo err >&2; exit 42").exits(42);
        assert_eq!((&*both.stdout(), &*both.stderr()), ("out\n", "err\n"));
        told("kill -9 $$").exits(137);
        assert_eq!(host.program("/bin/cat").stdin("in").run().ok().stdout(), "in");
        let took = host.root(["true"]).run().ok().took;
        host.note(format!("a command in {} ms", took.as_millis()));
        let mut shell = host.program("/bin/sh").on_terminal(33, 99).start();
        shell.types("stty size; tty; exit 7\r");
        shell.wait_for_text("33 99");
        shell.finish().exits(7);
        if !host.is_computer() {
            commands_are_told(host);
        }

        // A unit that fails is told of, and its journal can be read.
        host.root(["systemd-run", "--quiet", "--unit=smoke-says", "echo", "hear this"]).run().ok();
        smoke::wait::wait_for("the journal", Duration::from_secs(10), || {
            host.journal("smoke-says").contains("hear this")
        });
        host.root(["systemd-run", "--quiet", "--wait", "false"]).run().exits(1);
        host.systemctl(["reset-failed"]).run().ok();
    });
}

/// A signal is for the command and not for the way to it, and so is the end of a terminal. Over ssh they are not.
fn commands_are_told(host: &Host) {
    const WAITS: &str =
        "trap 'sleep 1; exit 42' INT; trap 'exit 43' HUP; echo waits; while :; do sleep 0.1; done";
    let waits = || host.program("/bin/sh").args(["-c", WAITS]);
    for waits in [waits(), waits().on_terminal(24, 80)] {
        let mut waits = waits.start();
        waits.wait_for_text("waits");
        waits.signal(Signal::INT);
        waits.finish().exits(42);
    }
    let mut waits = waits().on_terminal(24, 80).start();
    waits.wait_for_text("waits");
    waits.close_terminal();
    waits.finish().exits(43);
    // So is the end of a scenario that fails: it ends with it, however far it came.
    drop(host.program("/bin/sleep").args(["4321"]).start());
    host.root(["pgrep", "-f", "sleep 4321"]).run().exits(1);
}

#[test]
fn a_service_host_has_a_network_of_its_own() {
    on_service(|host| {
        let before = host.traces();
        let rules = host.root(["sh", "-c", NETWORK]).run().ok().stdout();
        assert!(rules.contains("masquerade"), "{rules}");
        let since = host.traces().since(&before);
        for line in ["+ interface br-smoke:", "+ interface tap-smoke:", "+ sysctl net/ipv4/ip_forward 1"] {
            assert!(since.iter().any(|since| since == line), "no {line:?} in {since:#?}");
        }
        assert!(since.iter().any(|line| line.starts_with("+ nft ")), "{since:#?}");
        host.root(["sh", "-c", NO_NETWORK]).run().ok();
        assert_eq!(host.traces().since(&before), [""; 0]);
        let outside = host.outside();
        let told = host.program("curl").args(["-sS", "--max-time", "10", outside.url()]).run().ok();
        assert!(told.stdout() == "198.51.100.2\n" || host.is_computer(), "{}", told.stdout());
        assert_eq!(outside.heard().len(), 1);
        let url = outside.url().to_owned();
        drop(outside);
        let code = host.program("curl").args(["-sS", "--max-time", "10", &url]).run().code;
        assert!([7, 56].contains(&code), "nobody is to be there: {code}");
    });
}

#[test]
fn a_service_host_can_be_seen_from_both_sides() {
    on_service(|host| {
        if host.is_computer() {
            skip!(host, "a network that can be entered");
        }
        // This machine's own loopback is another one.
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        host.in_its_network(|| TcpStream::connect(("127.0.0.1", port)).unwrap_err());
        TcpStream::connect(("127.0.0.1", port)).unwrap();

        let listener = host.in_its_network(|| TcpListener::bind(("0.0.0.0", 4321))).unwrap();
        let mut client = host.in_network_outside(|| TcpStream::connect(("198.51.100.2", 4321))).unwrap();
        let (mut server, peer) = listener.accept().unwrap();
        assert_eq!(peer.ip().to_string(), "198.51.100.1");
        server.write_all(b"hello").unwrap();
        drop(server);
        let mut heard = String::new();
        client.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "hello");
    });
}

#[test]
fn a_service_host_reboots() {
    on_service(|host| {
        let first = host.file(BOOT_ID).unwrap();
        let write = "echo kept > /var/lib/kept; echo gone > /run/gone; echo 'ran before' | logger";
        host.root(["sh", "-c", write]).run().ok();
        let began = std::time::Instant::now();
        host.reboot();
        host.note(format!("a reboot in {:.1} s", began.elapsed().as_secs_f32()));
        let second = host.file(BOOT_ID).unwrap();
        assert_eq!((&*host.file("/var/lib/kept").unwrap(), host.file("/run/gone")), ("kept\n", None));
        assert_runs(host);

        let waits = host.program("/bin/sleep").args(["600"]).start();
        host.root(["sh", "-c", "sync; echo gone > /run/gone"]).run().ok();
        host.power_cut();
        let third = host.file(BOOT_ID).unwrap();
        assert_eq!((&*host.file("/var/lib/kept").unwrap(), host.file("/run/gone")), ("kept\n", None));
        assert_runs(host);
        assert!(first != second && second != third && first != third, "{first}{second}{third}");
        assert_ne!(waits.finish().code, 0);
    });
}

#[test]
fn an_emulated_computer_has_what_a_container_lacks() {
    on_service(|host| {
        if !host.is_computer() {
            skip!(host, "a kernel of its own");
        }
        let look = "set -e
            test -c /dev/kvm; test -c /dev/vhost-vsock
            cat /sys/module/kvm_*/parameters/nested | head -n 1
            dmsetup targets | grep -c '^snapshot '
            truncate -s 16M /var/lib/loop
            losetup --show --find /var/lib/loop
            losetup --detach-all";
        let told = host.root(["sh", "-c", look]).run().ok().stdout();
        assert_eq!(told, "1\n1\n/dev/loop0\n");
        let vmx = host.root(["grep", "-cE", "svm|vmx", "/proc/cpuinfo"]).run().ok().stdout();
        assert_eq!(vmx, "2\n");
    });
}

#[test]
fn a_service_host_runs_machines() {
    on_service(|host| {
        if host.is_computer() {
            // Machines that are emulated twice would take longer than anybody waits.
            let script =
                "mkdir -p -m 0700 ~/.config/banger && echo 'accel = \"kvm\"' > ~/.config/banger/config.toml";
            host.program("/bin/sh").args(["-c", script]).run().ok();
        }
        let before = host.traces();
        let run = ["vm", "run", "--rm", "--image", "debian-small", "--", "sh", "-c", "uname -a; exit 3"];
        let output = host.with_guests().banger(run).run();
        let output = output.exits(3);
        assert!(output.stdout().starts_with("Linux "), "{}", output.stdout());
        let said = output.stderr();
        host.note(said.lines().find(|line| line.starts_with("ready in ")).unwrap());
        let info = host.banger(["info"]).run().ok().stdout();
        host.note(info.lines().find(|line| line.contains("accelerator")).unwrap_or(&info).trim());
        host.banger(["daemon", "stop"]).run().ok();
        assert_eq!(host.traces().since(&before), [""; 0]);
    });
}
