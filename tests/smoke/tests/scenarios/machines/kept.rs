//! A machine that never came up is kept, and the message names its log.

use std::fs;

use smoke::on_plain;

use super::images::{tar, tiny_root};

#[test]
fn kept_when_unreachable() {
    on_plain(|host| {
        host.with_guests();
        // Where a guest's devices belong there is a file: nothing of it can run.
        let root = tiny_root(host);
        fs::write(root.join("dev"), "").unwrap();
        let file = tar(host, &root, "broken");
        host.banger(["image", "import", &file]).run().ok();
        let run = host.banger(["vm", "run", "--rm", "--name", "never", "--image", "broken", "--", "true"]);
        let output = run.run().exits(125);
        assert!(output.stderr().contains("banger vm logs never"), "{}", output.stderr());

        assert_eq!(host.names(), ["never"]);
        assert_eq!(host.vm("never")["state"], "error");
        let logs = host.banger(["vm", "logs", "never"]).run().ok();
        assert!(logs.stdout().contains("Linux version"), "{}", logs.stdout());
        host.banger(["vm", "delete", "never"]).run().ok();
    });
}
