//! `banger doctor` of a system install: what it sees, what it leaves alone, and what it puts right.

use std::time::Duration;

use serde_json::Value;
use smoke::{Host, on_service};

const INSTALL: [&str; 6] = ["/opt/banger/banger", "system", "install", "--owner", "dev", "--yes"];
/// How long it may take where nothing is wrong: an updater waits for it.
const LIMIT: Duration = Duration::from_secs(2);

/// What is made of one of the things that were checked.
pub(crate) fn verdict(told: &Value, name: &str) -> String {
    let checks = told["doctor"]["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| unreachable!("no {name} in {told:#}"))["verdict"].as_str().unwrap().to_owned()
}

fn lines(told: &Value, key: &str) -> Vec<String> {
    told["doctor"][key].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

/// What is put in the way, each as an interrupted program or a person would leave it.
const MESS: &str = "set -e
    mkdir -m 0700 /var/lib/banger-root/machines/0123456789ab
    systemd-run --quiet --unit=banger-link-0123456789ab.service --slice=banger.slice sleep 600
    ip tuntap add dev bgr-0a0b0c0d mode tap
    nft add element bridge banger guests '{ \"bgr-0a0b0c0d\" . 02:00:00:00:00:01 . 172.30.9.9 }'
    sed -i '/one\\.vm/d' /etc/hosts
    ip link set banger0 down";

/// What only a person can put right.
const WORSE: &str = "set -e
    chmod 0666 /run/banger-root/bangerd-root.sock
    echo '# mine' >> /etc/systemd/system/bangerd.socket
    cd /usr/local/lib/banger/current
    cp -p banger-vsock-agent changed; echo x >> changed; mv changed banger-vsock-agent";

#[test]
fn doctor_sees_what_is_wrong_and_puts_right_what_is_safe() {
    on_service(|host| {
        let before = host.traces();
        host.root(INSTALL).run().ok();
        host.systemctl(["stop", "bangerd.service"]).run().ok();
        host.with_guests();
        host.banger(["vm", "create", "--name", "one", "--image", "debian-small"]).run().ok();
        host.also("doctor_is_quick_after_a_restart", || quick(host));
        host.also("doctor_fix", || fix(host));
        host.also("doctor_names_what_it_cannot_fix", || names_the_rest(host));
        host.banger(["vm", "delete", "one"]).run().ok();
        host.root(["banger", "system", "uninstall", "--purge", "--yes"]).run().ok();
        assert_eq!(host.traces().since(&before), [""; 0]);
    });
}

fn quick(host: &Host) {
    for who in ["owner", "root"] {
        // One that is slow is so each time, and a host that stands still for a moment is not.
        let took: Vec<Duration> = (0..3).map(|_| after_a_restart(host, who)).collect();
        host.note(format!("doctor as {who} after a restart: {took:?}"));
        assert!(took.iter().any(|took| *took < LIMIT), "{who}: {took:?}");
    }
}

/// How long `doctor` takes where nothing is known yet, and all is well.
fn after_a_restart(host: &Host, who: &str) -> Duration {
    host.systemctl(["restart", "bangerd-root.service", "bangerd.service"]).run().ok();
    let words = ["doctor", "--json"];
    let output =
        if who == "root" { host.root(["banger"]).args(words) } else { host.banger(words) }.run().ok();
    let told: Value = serde_json::from_str(&output.stdout()).unwrap();
    assert_eq!(lines(&told, "failed"), [""; 0], "{told:#}");
    for name in ["helper", "network", "routes", "names", "strays", "files", "units", "layout", "services"] {
        assert_eq!(verdict(&told, name), "pass", "{name}: {told:#}");
    }
    output.took
}

fn fix(host: &Host) {
    let boot = || host.sh("one", "cat /proc/sys/kernel/random/boot_id").run().ok().stdout();
    let boot_before = boot();
    host.root(["sh", "-c", MESS]).run().ok();
    let messy = host.traces();
    let told: Value =
        serde_json::from_str(&host.banger(["doctor", "--json"]).run().exits(1).stdout()).unwrap();
    // The guest runs, and writes to its own disks and its console meanwhile.
    let is_guests =
        |line: &String| [".qcow2 ", ".img ", "/console.log "].iter().any(|file| line.contains(file));
    let changed: Vec<String> =
        host.traces().since(&messy).into_iter().filter(|line| !is_guests(line)).collect();
    assert_eq!(changed, [""; 0], "a look changes nothing");
    let found = ["strays", "names", "network"].map(|name| verdict(&told, name));
    assert_eq!(
        (found, lines(&told, "failed")),
        (["warn", "warn", "fail"].map(str::to_owned), vec!["network".to_owned()])
    );
    let told: Value =
        serde_json::from_str(&host.banger(["doctor", "--fix", "--json"]).run().ok().stdout()).unwrap();
    let fixed = lines(&told, "fixed").join("\n");
    for part in [
        "removed: unit banger-link-0123456789ab.service",
        "removed: directory of machine 0123456789ab",
        "removed: tap bgr-0a0b0c0d",
        "removed: rule for tap bgr-0a0b0c0d",
        "put right: the bridge banger0 is not there, or not up",
        "put right: /etc/hosts lacks the names of machines",
    ] {
        assert!(fixed.contains(part), "{part} not in {told:#}");
    }
    assert_eq!(lines(&told, "unfixed"), [""; 0], "{told:#}");
    assert!(host.file("/etc/hosts").unwrap().contains("one.vm"));
    assert_eq!(boot(), boot_before, "the machine that is recorded runs on");
}

fn names_the_rest(host: &Host) {
    host.root(["sh", "-c", WORSE]).run().ok();
    let output = host.banger(["doctor", "--fix", "--json"]).run().exits(1);
    let told: Value = serde_json::from_str(&output.stdout()).unwrap();
    assert_eq!(lines(&told, "failed"), ["files", "helper-socket"], "{told:#}");
    assert_eq!(verdict(&told, "units"), "warn");
    host.root(INSTALL).run().ok();
    host.root(["systemctl", "restart", "bangerd-root.socket"]).run();
    let told: Value = serde_json::from_str(&host.banger(["doctor", "--json"]).run().ok().stdout()).unwrap();
    assert_eq!(lines(&told, "failed"), [""; 0], "what its hints name puts it right: {told:#}");
}
