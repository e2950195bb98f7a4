//! A system install: what it writes and takes away, and machines as units of their own.

use std::time::{Duration, Instant};

use smoke::{Host, on_service, wait::wait_for};

use crate::bystander::Bystander;

pub(crate) const INSTALL: [&str; 6] = ["/opt/banger/banger", "system", "install", "--owner", "dev", "--yes"];
const SMALL: [&str; 2] = ["--image", "debian-small"];

/// Firecracker or nothing: a scenario that fell back to QEMU would show nothing.
const CONFIGURE: &str = "mkdir -p /etc/banger && cat > /etc/banger/config.toml <<END
vmm = \"firecracker\"
firecracker_bin = \"/opt/banger/firecracker\"
jailer_bin = \"/opt/banger/jailer\"
END
chmod 644 /etc/banger/config.toml";

/// Installs, and puts the shared images where the system install has its own. Machines are Firecracker's where that is.
pub(crate) fn install(host: &Host) {
    host.root(INSTALL).run().ok();
    if has_firecracker(host) {
        host.root(["sh", "-c", CONFIGURE]).run().ok();
    }
    host.systemctl(["stop", "bangerd.service", "bangerd-root.service"]).run().ok();
    host.with_guests();
}

/// Whether machines of a system install are to be Firecracker's here.
pub(crate) fn has_firecracker(host: &Host) -> bool {
    let programs = "test -x /opt/banger/firecracker -a -x /opt/banger/jailer";
    host.is_computer() && host.root(["sh", "-c", programs]).run().code == 0
}

pub(crate) fn uninstall(host: &Host) {
    host.root(["banger", "system", "uninstall", "--purge", "--yes"]).run().ok();
    if has_firecracker(host) {
        // What root wrote itself is left to root.
        host.root(["rm", "-rf", "/etc/banger"]).run().ok();
    }
}

pub(crate) fn main_pid(host: &Host, unit: &str) -> String {
    host.systemctl(["show", "--property=MainPID", "--value", unit]).run().ok().stdout().trim().to_owned()
}

pub(crate) fn monitor_unit(host: &Host, name: &str) -> String {
    format!("banger-vm-{}.service", host.vm(name)["id"].as_str().unwrap())
}

pub(crate) fn boot_id(host: &Host, name: &str) -> String {
    host.sh(name, "cat /proc/sys/kernel/random/boot_id").run().ok().stdout()
}

#[test]
fn an_uninstall_takes_away_all_that_an_install_wrote() {
    on_service(|host| {
        let before = host.traces();
        host.root(INSTALL).run().ok();
        let first = host.traces();
        host.root(INSTALL).run().ok();
        assert_eq!(host.traces().since(&first), [""; 0], "installing twice is installing once");
        for unit in ["bangerd.socket", "bangerd-root.socket"] {
            assert_eq!(host.systemctl(["is-active", unit]).run().ok().stdout(), "active\n");
        }
        for (unit, exposure_max) in [("bangerd.service", 8.6), ("bangerd-root.service", 7.1)] {
            assert_exposure(host, unit, exposure_max);
        }
        let doctor = host.banger(["doctor"]).run();
        assert!(!doctor.stdout().contains("FAIL"), "{}", doctor.stdout());
        uninstall(host);
        assert_eq!(host.traces().since(&before), [""; 0]);
    });
}

/// What `systemd-analyze security` makes of a unit: 0 is closed, 10 is open.
#[track_caller]
fn assert_exposure(host: &Host, unit: &str, exposure_max: f32) {
    let said = host.root(["systemd-analyze", "--no-pager", "security", unit]).run().ok().stdout();
    let last = said.lines().last().unwrap().trim_start_matches(|char: char| !char.is_ascii_alphabetic());
    host.note(last);
    let exposure: f32 = last.rsplit(": ").next().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(exposure <= exposure_max, "{said}");
}

#[test]
fn a_system_install_has_machines() {
    on_service(|host| {
        let before = host.traces();
        install(host);
        owners_file_is_held_to_what_is_the_owners(host);
        // Neither image nor memory is said: both are the owner's file's.
        write_owners_file(host, OWNERS_FILE);
        let look = "hostname; cat /root/.note; stat -c '%a %U' /root/.note; \
            awk '/MemTotal/ { print ($2 > 400000 && $2 < 620000) }' /proc/meminfo; exit 3";
        let run = ["vm", "run", "--rm", "--name", "box", "--", "sh", "-c", look];
        let output = host.banger(run).run().exits(3);
        assert_eq!(output.stdout(), "box\nfrom the owner\n640 root\n1\n");
        host.note(output.stderr().lines().find(|line| line.starts_with("ready in ")).unwrap());
        owners_file_is_told(host);
        host.program("/bin/rm").args(["-r", "/home/dev/.config", "/home/dev/.note"]).run().ok();

        let one = Bystander::boot(host, "one");
        host.also("monitors_are_nobodys", || monitors_are_nobodys(host));
        host.also("names_resolve", || names_resolve(host));
        host.also("egress_through_the_bridge", || egress_through_the_bridge(host));
        host.also("unit_stop_keeps_machines", || unit_stop_keeps_machines(host, &one));
        host.also("every_signal_to_helper_leaves_machines", || {
            every_signal_to_helper_leaves_machines(host, &one);
        });
        host.also("helper_sigkill_keeps_machines", || helper_sigkill_keeps_machines(host, &one));
        host.also("link_that_dies_is_started_again", || link_that_dies_is_started_again(host, &one));
        host.also("socket_holds_requests_during_restart", || socket_holds_requests_during_restart(host));
        host.banger(["vm", "delete", "one"]).run().ok();
        uninstall(host);
        assert_eq!(host.traces().since(&before), [""; 0]);
    });
}

/// A host that goes down asks its guests, and an uninstall that is not to purge keeps what is the owner's.
#[test]
fn a_machine_outlives_a_reboot_and_an_uninstall() {
    on_service(|host| {
        install(host);
        host.start_small("one");
        // Not synced: it is on the disk only if the guest is asked to power off.
        let write = |text: &str| host.sh("one", &format!("echo {text} >> /root/kept")).run().ok();
        let read = || host.sh("one", "cat /root/kept").run().ok().stdout();
        write("before");
        let began = Instant::now();
        host.reboot();
        host.note(format!("a reboot with a machine in {:.0} s", began.elapsed().as_secs_f32()));
        assert_eq!(host.vm("one")["state"], "stopped");
        assert_eq!(host.owned_by_nobody(), [""; 0]);
        host.banger(["vm", "start", "one"]).run().ok();
        assert_eq!(read(), "before\n");

        write("after");
        host.root(["banger", "system", "uninstall", "--yes"]).run().ok();
        for gone in ["/usr/local/bin/banger", "/etc/systemd/system/bangerd.service", "/run/banger-root"] {
            assert_ne!(host.root(["ls", gone]).run().code, 0, "{gone}");
        }
        assert_ne!(host.root(["ip", "link", "show", "banger0"]).run().code, 0);
        host.root(INSTALL).run().ok();
        assert_eq!(host.names(), ["one"]);
        host.banger(["vm", "start", "one"]).run().ok();
        assert_eq!(read(), "before\nafter\n");
        host.delete("one");
        uninstall(host);
    });
}

const OWNERS_FILE: &str = "default_image = \"debian-small\"
[vm_defaults]
memory = \"600M\"
[[file_sync]]
host = \"~/.note\"
guest = \"~/.note\"
mode = \"0640\"
[[file_sync]]
host = \"~/.nowhere\"
guest = \"/etc/nowhere\"
";

fn write_owners_file(host: &Host, text: &str) {
    let script =
        "mkdir -p ~/.config/banger && cat > ~/.config/banger/config.toml && echo 'from the owner' > ~/.note";
    host.program("/bin/sh").args(["-c", script]).stdin(text).run().ok();
}

/// What root or the daemon acts on, and what nobody does, is refused there, whatever is asked for.
fn owners_file_is_held_to_what_is_the_owners(host: &Host) {
    for (text, why, hint) in [
        (
            "qemu_bin = \"/tmp/mine\"",
            "qemu_bin is not the owner's to set",
            "have root put it into /etc/banger/config.toml",
        ),
        (
            "accel = \"kvm\"",
            "accel is not the owner's to set",
            "have root put it into /etc/banger/config.toml",
        ),
        ("default_imag = \"x\"", "there is no setting \"default_imag\"", "Did you mean default_image?"),
        ("default_image", "config.toml:1: ", "banger: list machines: "),
    ] {
        write_owners_file(host, text);
        let said = host.banger(["vm", "list"]).run().exits(2).stderr();
        assert!(said.contains(why) && said.contains(hint), "{text}: {said}");
    }
    // Root is not the owner, and reads root's file alone.
    host.root(["banger", "vm", "list"]).run().ok();
}

fn owners_file_is_told(host: &Host) {
    let info = host.banger(["info"]).run().ok().stdout();
    let row = |key: &str| info.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned();
    assert!(row("default_image").contains("debian-small"), "{info}");
    for key in ["default_image", "vm_defaults.memory", "file_sync"] {
        assert!(row(key).ends_with("/home/dev/.config/banger/config.toml"), "{key}: {info}");
    }
    assert!(row("vm_defaults.vcpu").ends_with(" default"), "{info}");
    assert!(row("network").contains("bridge banger0, where this host is "), "{info}");
    // Help waits for a daemon for a glance only.
    wait_for("help that tells of them", Duration::from_secs(20), || {
        let help = host.banger(["vm", "run", "--help"]).run().ok().stdout();
        help.contains("600 MiB") && help.contains("image debian-small")
    });
    let said = host.banger(["doctor", "--json"]).run().stdout();
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    let checks = told["doctor"]["checks"].as_array().unwrap();
    let image = checks.iter().find(|check| check["name"] == "image").unwrap();
    assert!(image["found"].as_str().unwrap().contains("debian-small"), "{image}");
}

/// Each machine's processes run as a user of its own that is in no list, in units of its own.
fn monitors_are_nobodys(host: &Host) {
    let pid = main_pid(host, &monitor_unit(host, "one"));
    let status = host.file(&format!("/proc/{pid}/status")).unwrap();
    let uids = status.lines().find(|line| line.starts_with("Uid:")).unwrap().to_owned();
    let uid = uids.split_whitespace().nth(1).unwrap();
    assert!(uid.parse::<u32>().unwrap() > 65_535, "{uids}");
    assert_ne!(host.root(["getent", "passwd", uid]).run().code, 0);
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    let link = monitor_unit(host, "one").replace("banger-vm-", "banger-link-");
    for unit in [monitor_unit(host, "one"), link] {
        let limits = ["show", "--property=MemoryMax,TasksMax,CPUQuotaPerSecUSec,DevicePolicy,Slice", &unit];
        let told = host.systemctl(limits).run().ok().stdout();
        assert!(!told.contains("infinity"), "{unit}: {told}");
        assert!(
            told.contains("DevicePolicy=closed") && told.contains("Slice=banger.slice"),
            "{unit}: {told}"
        );
    }
}

fn names_resolve(host: &Host) {
    let answer = host.root(["ping", "-c", "1", "-W", "10", "one.vm"]).run().ok().stdout();
    assert!(answer.contains("1 received"), "{answer}");
}

fn egress_through_the_bridge(host: &Host) {
    let outside = host.outside();
    let ask = |name: &str| {
        let url = outside.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (address, port) = url.split_once(':').unwrap_or((&url, "80"));
        let script = format!(
            "perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => \"{address}:{port}\", \
             Timeout => 10) or die; print $s \"GET / HTTP/1.0\\r\\n\\r\\n\"; print <$s>'"
        );
        host.sh(name, &script).run()
    };
    let told = ask("one").ok().stdout();
    assert!(told.contains("198.51.100.2"), "it comes from the host: {told}");
    host.banger(["vm", "create", "--name", "shut", "--no-nat"]).args(SMALL).run().ok();
    assert_ne!(ask("shut").code, 0, "off is off");
    host.banger(["vm", "delete", "shut"]).run().ok();
}

fn unit_stop_keeps_machines(host: &Host, one: &Bystander<'_>) {
    for words in [
        ["restart", "bangerd.service"],
        ["restart", "bangerd-root.service"],
        ["stop", "bangerd.service"],
        ["stop", "bangerd-root.service"],
        ["daemon-reexec", ""],
    ] {
        let words = words.into_iter().filter(|word| !word.is_empty());
        let shown = words.clone().collect::<Vec<_>>().join(" ");
        one.assert_lives_through(&shown, || {
            host.systemctl(words).run().ok();
        });
    }
    for unit in ["bangerd.service", "bangerd-root.service"] {
        one.assert_lives_through(unit, || {
            host.banger(["vm", "list"]).run().ok();
            host.systemctl(["kill", "-s", "KILL", unit]).run().ok();
        });
    }
}

fn every_signal_to_helper_leaves_machines(host: &Host, one: &Bystander<'_>) {
    for signal in ["INT", "QUIT", "TERM", "HUP", "ABRT", "USR1", "USR2"] {
        one.assert_lives_through(signal, || {
            host.systemctl(["start", "bangerd-root.service"]).run().ok();
            let pid = main_pid(host, "bangerd-root.service");
            host.root(["kill", &format!("-{signal}"), &pid]).run().ok();
        });
    }
}

fn helper_sigkill_keeps_machines(host: &Host, one: &Bystander<'_>) {
    one.assert_lives_through("kill -9", || {
        let pid = main_pid(host, "bangerd-root.service");
        host.root(["kill", "-KILL", &pid]).run().ok();
        wait_for("another helper", Duration::from_secs(20), || {
            let now = main_pid(host, "bangerd-root.service");
            now != pid && now != "0"
        });
    });
}

/// No session can begin without one, and its machine runs on meanwhile.
fn link_that_dies_is_started_again(host: &Host, one: &Bystander<'_>) {
    one.assert_lives_through("a link that dies", || {
        let link = monitor_unit(host, "one").replace("banger-vm-", "banger-link-");
        let pid = main_pid(host, &link);
        host.root(["kill", "-KILL", &pid]).run().ok();
        wait_for("another link", Duration::from_mins(1), || {
            let now = main_pid(host, &link);
            now != pid && now != "0" && host.sh("one", "true").run().code == 0
        });
    });
}

/// Requests wait in the queue while the daemon restarts: none is refused.
fn socket_holds_requests_during_restart(host: &Host) {
    const ASK: &str = "while [ ! -e /tmp/enough ]; do banger vm list >/dev/null || exit 1; echo; done";
    let asking = host.program("/bin/sh").args(["-c", ASK]).start();
    for _ in 0..5 {
        host.systemctl(["restart", "bangerd.service"]).run().ok();
        let before = asking.wrote();
        wait_for("an answer after a restart", Duration::from_mins(1), || asking.wrote() > before);
    }
    host.root(["touch", "/tmp/enough"]).run().ok();
    let asked = asking.finish().ok().stdout();
    host.root(["rm", "/tmp/enough"]).run().ok();
    host.note(format!("{} calls through 5 restarts, none refused", asked.lines().count()));
}
