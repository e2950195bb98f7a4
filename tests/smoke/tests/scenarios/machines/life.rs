//! From start to stop, and what is still there afterwards.

use smoke::on_plain;

use crate::common::{life, on_one_guest};

#[test]
fn set_vcpu_seen_in_guest() {
    on_plain(life::set_vcpu_seen_in_guest);
}

#[test]
fn stop_loses_nothing() {
    on_plain(|host| on_one_guest(host, &[("stop_loses_nothing", life::stop_loses_nothing)]));
}

#[test]
fn restart_new_boot_id() {
    on_plain(|host| on_one_guest(host, &[("restart_new_boot_id", life::restart_new_boot_id)]));
}

#[test]
fn kill_signal() {
    on_plain(|host| on_one_guest(host, &[("kill_signal", life::kill_signal)]));
}

#[test]
fn prune_keeps_running() {
    on_plain(|host| {
        host.start_small("runs");
        host.start_small("stopped");
        host.banger(["vm", "kill", "stopped"]).run().ok();
        host.banger(["vm", "create", "--no-start", "--name", "created", "--image", "debian-small"])
            .run()
            .ok();
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
    });
}
