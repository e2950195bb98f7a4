//! Machines that Firecracker runs, each in a jail of its own.

use std::time::{Duration, Instant};

use smoke::{Host, on_service, skip, wait_until};

use crate::system::{has_firecracker, install, uninstall};

const SMALL: [&str; 6] = ["--image", "debian-small", "--memory", "256M", "--vcpu", "1"];

/// How long a computer that is emulated may take to see that a machine has ended.
const SETTLE_LIMIT: Duration = Duration::from_mins(1);

/// The machines that run at once.
const CROWD: [&str; 5] = ["m1", "m2", "m3", "m4", "m5"];

fn main_pid(host: &Host, name: &str) -> String {
    let unit = format!("banger-vm-{}.service", host.vm(name)["id"].as_str().unwrap());
    let shown = host.systemctl(["show", "--property=MainPID", "--value", &unit]).run().ok();
    shown.stdout().trim().to_owned()
}

fn boot_id(host: &Host, name: &str) -> String {
    host.sh(name, "cat /proc/sys/kernel/random/boot_id").run().ok().stdout()
}

#[test]
fn firecracker_runs_machines_in_jails() {
    on_service(|host| {
        if !host.is_computer() {
            skip!(host, "a KVM of its own");
        }
        if !has_firecracker(host) {
            skip!(host, "firecracker and jailer");
        }
        let before = host.traces();
        install(host);
        let info = host.banger(["info"]).run().ok().stdout();
        host.note(info.lines().find(|line| line.contains("Firecracker ")).unwrap_or(&info).trim());

        let run = ["vm", "run", "--rm", "--name", "box"];
        let script = "hostname; cat >&2; exit 3";
        let ran = host.banger(run).args(SMALL).args(["--", "sh", "-c", script]).stdin("in").run().exits(3);
        assert_eq!(ran.stdout(), "box\n");
        assert!(ran.stderr().contains("in"), "{}", ran.stderr());
        host.note(ran.stderr().lines().find(|line| line.starts_with("ready in ")).unwrap());

        host.banger(["vm", "create", "--name", "one"]).args(SMALL).run().ok();
        assert_eq!(host.vm("one")["monitor"], "firecracker");
        host.also("firecracker_is_nobodys_in_a_jail", || nobodys_in_a_jail(host));
        host.also("firecracker_root_disks_are_snapshots", || root_disks_are_snapshots(host));
        host.also("firecracker_outlives_the_services", || outlives_the_services(host));
        host.also("firecracker_stop_loses_nothing", || stop_loses_nothing(host));
        host.also("firecracker_machines_at_once", || machines_at_once(host));
        host.also("firecracker_host_reboot_marks_stopped", || host_reboot_marks_stopped(host));
        for name in CROWD.iter().chain(&["one"]) {
            host.delete(name);
        }
        uninstall(host);
        // It is another boot of the host, whose own processes are others.
        let left = host.traces().since(&before);
        let is_ours = |line: &&String| {
            !line.contains(" process ") || line.contains("banger") || line.contains("firecracker")
        };
        assert_eq!(left.iter().filter(is_ours).collect::<Vec<_>>(), [""; 0]);
    });
}

/// The maps of the device mapper that are ours, of machines that run.
fn maps(host: &Host) -> Vec<String> {
    let shown =
        host.root(["sh", "-c", "grep -hs '^banger' /sys/block/dm-*/dm/name; true"]).run().ok().stdout();
    let mut maps: Vec<String> = shown.lines().map(str::to_owned).collect();
    maps.sort();
    maps
}

/// The computer's file system shares no blocks, so a root disk is a snapshot of its image. Nothing of it stays when the
/// machine ends, however it does.
fn root_disks_are_snapshots(host: &Host) {
    let info = host.banger(["info", "--json"]).run().ok().json();
    assert_eq!(info["info"]["disk_method"], "snapshot");
    let id = host.vm("one")["id"].as_str().unwrap().to_owned();
    assert_eq!(maps(host), [format!("banger-{id}"), format!("banger-{id}-base")]);
    host.sh("one", "echo over the image > /srv/written; rm /etc/motd; sync").run().ok();
    let pid = main_pid(host, "one");
    host.root(["kill", "-KILL", &pid]).run().ok();
    let is_gone = || (maps(host).is_empty() && host.vm("one")["state"] != "running").then_some(());
    assert!(wait_until(SETTLE_LIMIT, is_gone).is_some(), "{:?}, {}", maps(host), host.vm("one")["state"]);
    let loops = host.root(["losetup", "--list", "--noheadings", "--output", "BACK-FILE"]).run().ok().stdout();
    assert!(!loops.contains("banger"), "{loops}");
    host.banger(["image", "promote", "one", "written"]).run().ok();
    host.banger(["vm", "start", "one"]).run().ok();
    let look = "cat /srv/written; test ! -e /etc/motd && df -k / | tail -n 1";
    let one = host.sh("one", look).run().ok().stdout();
    assert!(one.starts_with("over the image\n"), "{one}");
    host.banger(["vm", "create", "--name", "two", "--image", "written"]).args(&SMALL[2..]).run().ok();
    assert_eq!(
        host.sh("two", "cat /srv/written; test ! -e /etc/motd").run().ok().stdout(),
        "over the image\n"
    );
    host.delete("two");
    host.banger(["image", "delete", "written"]).run().ok();
}

fn nobodys_in_a_jail(host: &Host) {
    let pid = main_pid(host, "one");
    let status = host.file(&format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("Name:\tfirecracker\n"), "{status}");
    let uids = status.lines().find(|line| line.starts_with("Uid:")).unwrap().to_owned();
    let uid = uids.split_whitespace().nth(1).unwrap();
    assert!(uid.parse::<u32>().unwrap() > 65_535, "{uids}");
    assert_ne!(host.root(["getent", "passwd", uid]).run().code, 0);
    assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    // What it sees as `/` has no other programs than itself, and nobody's files but the machine's.
    let seen = host.root(["ls", "-A", &format!("/proc/{pid}/root/")]).run().ok().stdout();
    let seen: Vec<&str> = seen.lines().collect();
    let own = [
        "dev",
        "firecracker",
        "firecracker.json",
        "firecracker.pid",
        "home.ext4",
        "initramfs",
        "kernel",
        "metrics.json",
        "modules",
        "monitor.log",
        "root.cow",
        "run",
        "vsock.sock",
    ];
    assert_eq!(seen, own);
    let logs = host.banger(["vm", "logs", "one"]).run().ok().stdout();
    assert!(logs.contains("Linux version"), "{logs}");
}

#[track_caller]
fn assert_lives_through(host: &Host, what: &str, act: impl FnOnce()) {
    let before = (main_pid(host, "one"), boot_id(host, "one"));
    act();
    host.banger(["vm", "list"]).run().ok();
    assert_eq!((main_pid(host, "one"), boot_id(host, "one")), before, "{what}");
}

fn outlives_the_services(host: &Host) {
    for unit in ["bangerd.service", "bangerd-root.service"] {
        for words in [&["stop", unit][..], &["restart", unit], &["kill", "-s", "KILL", unit]] {
            assert_lives_through(host, &words.join(" "), || {
                host.banger(["vm", "list"]).run().ok();
                host.systemctl(["start", unit]).run().ok();
                host.systemctl(words).run().ok();
            });
        }
    }
    assert_lives_through(host, "daemon-reexec", || {
        host.systemctl(["daemon-reexec"]).run().ok();
    });
}

fn stop_loses_nothing(host: &Host) {
    let first = boot_id(host, "one");
    host.sh("one", "echo kept > /var/kept; echo kept > /root/kept").run().ok();
    let began = Instant::now();
    host.banger(["vm", "stop", "one"]).run().ok();
    host.note(format!("a stop in {:.1} s", began.elapsed().as_secs_f32()));
    host.banger(["vm", "start", "one"]).run().ok();
    assert_eq!(host.sh("one", "cat /var/kept /root/kept").run().ok().stdout(), "kept\nkept\n");
    assert_ne!(boot_id(host, "one"), first);
    let began = Instant::now();
    host.banger(["vm", "kill", "one"]).run().ok();
    host.note(format!("a kill in {:.1} s", began.elapsed().as_secs_f32()));
    assert_eq!(host.vm("one")["state"], "stopped");
    assert_eq!(maps(host), [""; 0]);
}

/// All run at once, and all carry traffic at once: through their sessions, and over the bridge. They boot one after
/// the other, since the computer is a slow one.
fn machines_at_once(host: &Host) {
    let began = Instant::now();
    for name in CROWD {
        host.banger(["vm", "create", "--name", name]).args(SMALL).run().ok();
    }
    host.note(format!(
        "{} machines created one after the other in {:.0} s",
        CROWD.len(),
        began.elapsed().as_secs_f32()
    ));
    let began = Instant::now();
    let script = "hostname; head -c 2000000 /dev/zero | wc -c; cat | wc -c";
    let input = "x".repeat(100_000);
    let talking = CROWD.map(|name| host.sh(name, script).stdin(input.clone()).start());
    for (name, talk) in CROWD.iter().zip(talking) {
        assert_eq!(talk.finish().ok().stdout(), format!("{name}\n2000000\n100000\n"));
    }
    for name in CROWD {
        let answer = host.root(["ping", "-c", "2", "-W", "10", &format!("{name}.vm")]).run().ok().stdout();
        assert!(answer.contains("2 received"), "{answer}");
    }
    host.note(format!("they talked in {:.1} s", began.elapsed().as_secs_f32()));
    let mut boots: Vec<String> = CROWD.iter().map(|name| boot_id(host, name)).collect();
    boots.sort();
    boots.dedup();
    assert_eq!(boots.len(), CROWD.len());
}

fn host_reboot_marks_stopped(host: &Host) {
    for name in CROWD {
        host.sh(name, "echo kept > /root/kept").run().ok();
    }
    let began = Instant::now();
    host.reboot();
    host.note(format!(
        "a reboot of the host with {} machines in {:.0} s",
        CROWD.len(),
        began.elapsed().as_secs_f32()
    ));
    for name in CROWD {
        assert_eq!(host.vm(name)["state"], "stopped", "{name}");
    }
    host.banger(["vm", "start", "m1"]).run().ok();
    assert_eq!(host.sh("m1", "cat /root/kept").run().ok().stdout(), "kept\n");
}
