//! The tool around machines.

use smoke::on_plain;

use crate::common::tool::{SHELLS, completion_is_live, offered};

#[test]
fn completion_is_live_and_starts_nothing() {
    on_plain(|host| {
        completion_is_live(host);

        // Where no daemon runs it says nothing, and none is started.
        host.banger(["daemon", "stop"]).run().ok();
        for shell in SHELLS {
            assert_eq!(offered(host, shell, &["banger", "vm", "stop", "bo"]), [""; 0], "{shell}");
        }
        assert!(smoke::processes(host.dir()).is_empty());
    });
}
