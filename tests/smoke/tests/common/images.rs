//! Images that machines are made of and become.

use std::time::Duration;

use smoke::{Host, wait::wait_for};

pub(crate) fn alpine_without_init(host: &Host) {
    // What the initramfs began with is pid 1 still, and takes in whom their parents left.
    assert_eq!(host.sh("box", "tr '\\0' ' ' < /proc/1/cmdline").run().ok().stdout(), "/init ");
    host.sh("box", "for i in 1 2 3 4 5 6 7 8 9; do (sleep 0.1 &) done").run().ok();
    wait_for("the end of all orphans", Duration::from_secs(20), || {
        host.sh("box", "! ps -eo stat=,comm= | grep -e '^Z' -e sleep").run().code == 0
    });
}

pub(crate) fn promote(host: &Host) {
    host.start_small("model");
    host.sh("model", "echo promoted > /srv/mark").run().ok();
    // One that runs may still write.
    host.banger(["image", "promote", "model", "mine"]).run().exits(3);
    host.banger(["vm", "stop", "model"]).run().ok();
    host.banger(["image", "promote", "model", "mine"]).run().ok();
    host.banger(["vm", "delete", "model"]).run().ok();
    let run = host.banger(["-q", "vm", "run", "--rm", "--name", "copy", "--image", "mine"]);
    let output = run.args(["--", "sh", "-c", "cat /srv/mark; hostname"]).run().ok();
    assert_eq!(output.stdout(), "promoted\ncopy\n");
    host.banger(["image", "delete", "mine"]).run().ok();
}
