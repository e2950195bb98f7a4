//! From start to stop, and what is still there afterwards.

use smoke::Host;

fn boot_id(host: &Host, name: &str) -> String {
    host.sh(name, "cat /proc/sys/kernel/random/boot_id").run().ok().stdout().trim().to_owned()
}

pub(crate) fn set_vcpu_seen_in_guest(host: &Host) {
    let create = ["vm", "create", "--no-start", "--name", "fit", "--image", "debian-small"];
    host.with_guests().banger(create).args(["--disk-size", "1G"]).run().ok();
    host.banger(["vm", "set", "fit", "--vcpu", "1", "--memory", "512M"]).run().ok();
    host.banger(["vm", "start", "fit"]).run().ok();
    let seen = "nproc; awk '/MemTotal/ { print ($2 < 524288) }' /proc/meminfo; \
        df --output=size -m /root | tail -n 1";
    let first = host.sh("fit", seen).run().ok().stdout();
    let lines: Vec<&str> = first.split_whitespace().collect();
    assert_eq!(lines[..2], ["1", "1"], "{first}");
    let size = |lines: &[&str]| lines[2].parse::<u64>().unwrap();
    assert!((900..=1024).contains(&size(&lines)), "{first}");

    // A machine that runs is not changed under its own feet.
    host.banger(["vm", "set", "fit", "--vcpu", "3"]).run().exits(3);
    host.banger(["vm", "stop", "fit"]).run().ok();
    host.banger(["vm", "set", "fit", "--vcpu", "3", "--memory", "1G", "--disk-size", "2G"]).run().ok();
    host.banger(["vm", "set", "fit", "--disk-size", "1G"]).run().exits(2);
    host.banger(["vm", "start", "fit"]).run().ok();
    let second = host.sh("fit", seen).run().ok().stdout();
    let lines: Vec<&str> = second.split_whitespace().collect();
    assert_eq!(lines[..2], ["3", "0"], "{second}");
    assert!((1900..=2048).contains(&size(&lines)), "{second}");
    host.delete("fit");
}

pub(crate) fn stop_loses_nothing(host: &Host) {
    // One on each disk, written as late as can be.
    host.sh("box", "seq 200000 > /root/numbers; seq 200000 > /numbers").run().ok();
    host.banger(["vm", "stop", "box"]).run().ok();
    assert_eq!(host.vm("box")["state"], "stopped");
    host.banger(["vm", "start", "box"]).run().ok();
    host.sh("box", "seq 200000 | cmp - /root/numbers && seq 200000 | cmp - /numbers").run().ok();
}

pub(crate) fn restart_new_boot_id(host: &Host) {
    host.sh("box", "echo kept > /root/kept").run().ok();
    let first = boot_id(host, "box");
    assert_eq!(host.vm("box")["boot_id"], *first);
    let monitor = host.vm("box")["monitor_pid"].clone();

    host.banger(["vm", "restart", "box"]).run().ok();
    let second = boot_id(host, "box");
    assert_ne!(first, second);
    let vm = host.vm("box");
    assert_eq!((&vm["boot_id"], &vm["state"]), (&second.into(), &"running".into()));
    assert_ne!(vm["monitor_pid"], monitor);
    assert_eq!(host.sh("box", "cat /root/kept; hostname").run().ok().stdout(), "kept\nbox\n");
}

pub(crate) fn kill_signal(host: &Host) {
    for signal in ["TERM", "KILL"] {
        host.banger(["vm", "kill", "--signal", signal, "box"]).run().ok();
        let vm = host.vm("box");
        assert_eq!((&vm["state"], &vm["monitor_pid"]), (&"stopped".into(), &().into()), "{signal}");
        host.banger(["vm", "start", "box"]).run().ok();
    }
    host.banger(["vm", "kill", "--signal", "STOP", "box"]).run().exits(2);
    host.banger(["vm", "kill", "box"]).run().ok();
    // What does not run cannot be killed; as it is with processes.
    host.banger(["vm", "kill", "box"]).run().exits(3);
    host.banger(["vm", "start", "box"]).run().ok();
}

pub(crate) fn logs_follow(host: &Host) {
    let mut logs = host.banger(["vm", "logs", "-f", "box"]).start();
    logs.wait_for_text("Linux version");
    host.sh("box", "echo \"said $((40 + 2)) times\" > /dev/console").run().ok();
    logs.wait_for_text("said 42 times");
    host.banger(["vm", "stop", "box"]).run().ok();
    // It ends with the machine.
    logs.finish().ok();
    let logs = host.banger(["vm", "logs", "box"]).run().ok();
    assert!(logs.stdout().contains("said 42 times"), "{}", logs.stdout());
}

pub(crate) fn prune_keeps_running(host: &Host) {
    host.start_small("runs");
    host.start_small("stopped");
    host.banger(["vm", "kill", "stopped"]).run().ok();
    host.banger(["vm", "create", "--no-start", "--name", "created", "--image", "debian-small"]).run().ok();
    // Nobody is there to be asked.
    host.banger(["vm", "prune"]).run().exits(2);
    assert_eq!(host.machines(), 3);

    let output = host.banger(["vm", "prune", "-f"]).run().ok();
    assert!(
        output.stdout().contains("created") && output.stdout().contains("stopped"),
        "{}",
        output.stdout()
    );
    assert_eq!(host.names(), ["runs"]);
    host.sh("runs", "true").run().ok();
    host.delete("runs");
}
