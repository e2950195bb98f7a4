//! Ctrl-C, at every moment: nothing is left.

use std::path::Path;

use rustix::process::Signal;
use smoke::Host;

/// Interrupts `vm run --rm` as soon as it says `text`.
fn interrupted_at(host: &Host, text: &str) {
    let run = host.banger(["vm", "run", "--rm", "--image", "debian-small"]);
    let mut run = run.args(["--", "sh", "-c", "echo in the guest; sleep 600"]).start();
    run.wait_for_text(text);
    run.signal(Signal::INT);
    let output = run.finish().exits(130);
    assert_eq!(host.machines(), 0, "after an interruption at {text:?}: {}", output.stderr());
}

pub(crate) fn rm_after_ctrl_c(host: &Host) {
    host.with_guests();
    for text in ["spec: ", "create disks", "boot", "in the guest"] {
        interrupted_at(host, text);
    }
}

/// On a host that has no image yet, whose first machine builds it; images lie below `state`.
pub(crate) fn ctrl_c_while_the_image_is_built(host: &Host, state: &Path) {
    for text in ["build image debian-small", "fetch and install the packages of debian-small"] {
        interrupted_at(host, text);
        let left = host.program("find").args([state]).args(["-name", "*partial*"]).run().ok().stdout();
        assert_eq!(left, "", "half made, after an interruption at {text:?}");
    }
}
