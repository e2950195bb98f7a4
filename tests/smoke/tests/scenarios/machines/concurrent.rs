//! Several at once.

use std::collections::BTreeSet;

use smoke::{on_plain, processes};

#[test]
fn concurrent_runs() {
    on_plain(|host| {
        host.with_guests();
        let script = "hostname; cat /proc/sys/kernel/random/boot_id";
        let runs: Vec<_> = (0..3)
            .map(|_| {
                let run =
                    host.banger(["-q", "vm", "run", "--rm", "--memory", "512M", "--image", "debian-small"]);
                run.args(["--", "sh", "-c", script]).start()
            })
            .collect();
        let told: BTreeSet<String> = runs.into_iter().map(|run| run.finish().ok().stdout()).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        // All three found no daemon, and each started one.
        let daemons = processes(host.dir()).iter().filter(|found| found.line.contains("bangerd")).count();
        assert_eq!(daemons, 1);
        assert_eq!(host.machines(), 0);
    });
}
