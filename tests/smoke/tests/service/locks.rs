//! What keeps machines from hearing what their host's services hear: each lock on the door, with others taken away.

use smoke::{Host, on_service, wait::wait_for};

use crate::{
    bystander::Bystander,
    system::{install, main_pid, monitor_unit, uninstall},
};

const SERVICES: [&str; 2] = ["bangerd.service", "bangerd-root.service"];
const SIGNALS: [&str; 8] = ["INT", "QUIT", "TERM", "HUP", "ABRT", "USR1", "USR2", "KILL"];

/// The services' own directives, all taken away: systemd ends whatever is in a service's control group.
const NO_DIRECTIVES: &str = "for unit in bangerd bangerd-root; do
        mkdir -p /run/systemd/system/$unit.service.d
        printf '[Service]\\nKillMode=control-group\\nSendSIGKILL=yes\\nTimeoutStopSec=2s\\n' \
            >/run/systemd/system/$unit.service.d/open.conf
    done
    systemctl daemon-reload";
const DIRECTIVES: &str =
    "rm -r /run/systemd/system/bangerd.service.d /run/systemd/system/bangerd-root.service.d
    systemctl daemon-reload";

/// Takes the processes of a machine's units, `$2` and `$3`, into the control group of a service.
const MOVE: &str = "set -e
    group() { echo \"/sys/fs/cgroup$(systemctl show -P ControlGroup \"$1\")/cgroup.procs\"; }
    into=$(group \"$1\")
    cat $(group \"$2\") $(group \"$3\") | while read -r pid; do echo \"$pid\" >\"$into\"; done";

#[test]
fn each_lock_on_the_door_holds() {
    on_service(|host| {
        install(host);
        let one = Bystander::boot(host, "one");
        host.also("own_unit_without_directives", || own_unit_without_directives(host, &one));
        host.also("own_session", || own_session(host, &one));
        host.also("directives_without_own_unit", || directives_without_own_unit(host, &one));
        // It loses the machine.
        host.also("neither_own_unit_nor_directives", || neither(host));
        host.delete("one");
        assert_eq!(host.owned_by_nobody(), [""; 0]);
        uninstall(host);
    });
}

fn start(host: &Host) {
    host.systemctl(["start"]).args(SERVICES).run().ok();
}

/// Everything in the services' control groups gets every signal, and systemd ends all that is left in there.
fn own_unit_without_directives(host: &Host, one: &Bystander<'_>) {
    host.root(["sh", "-c", NO_DIRECTIVES]).run().ok();
    for unit in SERVICES {
        for signal in SIGNALS {
            one.assert_lives_through(&format!("{signal} to all of {unit}"), || {
                start(host);
                host.systemctl(["kill", "--kill-whom=all", "-s", signal, unit]).run().ok();
            });
        }
        for verb in ["restart", "stop"] {
            one.assert_lives_through(&format!("{verb} {unit}"), || {
                start(host);
                host.systemctl([verb, unit]).run().ok();
            });
        }
    }
    one.assert_lives_through("daemon-reexec", || {
        host.systemctl(["daemon-reexec"]).run().ok();
    });
    host.root(["sh", "-c", DIRECTIVES]).run().ok();
}

/// Whole process groups get every signal, as from a terminal.
fn own_session(host: &Host, one: &Bystander<'_>) {
    let session = |pid: &str| host.root(["ps", "-o", "sid=", "-p", pid]).run().ok().stdout();
    for unit in SERVICES {
        for signal in SIGNALS {
            start(host);
            let (service, machine) = (main_pid(host, unit), main_pid(host, &monitor_unit(host, "one")));
            assert_ne!(session(&service), session(&machine));
            one.assert_lives_through(&format!("{signal} to the group of {unit}"), || {
                host.root(["kill", "-s", signal, "--", &format!("-{service}")]).run().ok();
            });
        }
    }
}

fn move_into_the_helpers_group(host: &Host) {
    start(host);
    let monitor = monitor_unit(host, "one");
    let link = monitor.replace("banger-vm-", "banger-link-");
    host.root(["sh", "-c", MOVE, "sh", "bangerd-root.service", &monitor, &link]).run().ok();
    let group = host.file(&format!("/proc/{}/cgroup", main_pid(host, &monitor))).unwrap();
    assert!(group.contains("bangerd-root.service"), "{group}");
}

/// The machine is in the helper's own control group, where nothing of it ever is. The helper passes no signal on, and
/// systemd ends the main process and nobody else.
fn directives_without_own_unit(host: &Host, one: &Bystander<'_>) {
    move_into_the_helpers_group(host);
    for signal in SIGNALS {
        one.assert_lives_through(&format!("{signal} to the helper beside it"), || {
            start(host);
            host.root(["kill", "-s", signal, &main_pid(host, "bangerd-root.service")]).run().ok();
        });
    }
    for words in [&["restart"][..], &["stop"], &["kill", "--kill-whom=main", "-s", "KILL"]] {
        one.assert_lives_through(&format!("{words:?}"), || {
            start(host);
            host.systemctl(words).args(["bangerd-root.service"]).run().ok();
        });
    }
}

/// With both locks open the machine goes with the helper: it is these that keep it.
fn neither(host: &Host) {
    host.root(["sh", "-c", NO_DIRECTIVES]).run().ok();
    move_into_the_helpers_group(host);
    host.systemctl(["stop", "bangerd-root.service"]).run().ok();
    wait_for("the machine's end", std::time::Duration::from_mins(1), || host.vm("one")["state"] == "error");
    host.root(["sh", "-c", DIRECTIVES]).run().ok();
}
