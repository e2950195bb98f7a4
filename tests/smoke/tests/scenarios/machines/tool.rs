//! The tool around machines.

use smoke::on_plain;

use crate::common::tool::{completion_is_live, offered};

#[test]
fn completion_is_live_and_starts_nothing() {
    on_plain(|host| {
        completion_is_live(host);

        // Where no daemon runs it says nothing, and none is started.
        host.banger(["daemon", "stop"]).run().ok();
        assert_eq!(offered(host, &["banger", "vm", "stop", "bo"]).trim(), "");
        assert!(smoke::processes(host.dir()).is_empty());
    });
}
