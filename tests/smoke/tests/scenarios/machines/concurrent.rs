//! Several at once.

use smoke::{on_plain, processes};

use crate::common::runs;

#[test]
fn concurrent_runs() {
    on_plain(|host| {
        runs::concurrent_runs(host);
        // All three found no daemon, and each started one.
        let daemons = processes(host.dir()).iter().filter(|found| found.line.contains("bangerd")).count();
        assert_eq!(daemons, 1);
        assert_eq!(host.machines(), 0);
    });
}
